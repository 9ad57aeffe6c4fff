"""The page of generative design: what it says, what stands in its tables, and pages of what is not there."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.factories.generative_report import HALIDES, N_SUGGESTION, UNMADE, rock_salt, sample_generative_report

from matsift.reports.data import ReportProperty
from matsift.reports.figures.generative import candidate_plot, funnel_plot, map_plot, share_plot, stability_plot
from matsift.reports.figures.latent_search import first_hits, history_plot, hit_plot, validity_plot
from matsift.reports.generative import FunnelStep, GeneratedCandidate, GenerativeReport, NearestKnown, SearchCourse
from matsift.reports.generative_lines import generative_lines
from matsift.reports.generative_page import MOST_CRYSTALS, MOST_ROWS, generative_sections, render_generative
from matsift.reports.generative_tables import search_table, share_table
from matsift.reports.writing import content_hash, write_report

_GAP = ReportProperty.of("band_gap")


@pytest.fixture(scope="module")
def report() -> GenerativeReport:
    return sample_generative_report()


@pytest.fixture(scope="module")
def page(report: GenerativeReport) -> str:
    return render_generative(report)


def test_a_hand_off_shows_its_value_or_why_there_is_none(report: GenerativeReport, page: str) -> None:
    reason = "the self-consistent cycle of GPAW did not converge"
    assert page.count(reason) == 1
    lines = "\n".join(generative_lines(report))
    assert "; gpaw 5.10 eV" in lines
    assert "; gpaw: failed" in lines


def _course(values: list[float | None], formulas: list[str | None] | None = None) -> SearchCourse:
    known = np.array([np.nan if value is None else value for value in values])
    named = formulas or [None if value is None else f"X{n}" for n, value in enumerate(values)]
    rounds = 1 + np.arange(len(values)) // 2
    return SearchCourse("search", known, np.isfinite(known), rounds, tuple(named), np.array([1.0, 2.0]))


def test_the_best_so_far_never_falls_and_stands_above_every_label() -> None:
    plot = history_plot(_course([3.0, None, 5.0, 4.0]), _GAP, 4.5, "maximize", 0)
    assert plot is not None
    labels, best = plot.figure.data
    assert (list(labels.x), list(labels.y)) == ([1, 3, 4], [3.0, 5.0, 4.0])
    assert list(best.y) == [3.0, 5.0, 5.0]
    assert "3 of 4 suggestions decoded to a formula (75 %)" in plot.caption
    assert "1 lie above it" in plot.caption


def test_a_target_sought_low_has_its_best_at_the_bottom() -> None:
    plot = history_plot(_course([3.0, None, 1.0, 4.0]), _GAP, 2.0, "minimize", 0)
    assert plot is not None
    assert list(plot.figure.data[1].y) == [3.0, 1.0, 1.0]
    assert "1 lie below it" in plot.caption


def test_a_composition_found_twice_is_one_hit(report: GenerativeReport) -> None:
    course = _course([7.0, 7.0, 8.0, None, 5.0], ["NaCl", "NaCl", "KCl", None, "LiF"])
    assert first_hits(course, report) == 2
    plot = hit_plot([course], report)
    assert plot is not None
    assert list(plot.figure.data[0].y) == [1, 1, 2, 2, 2]
    assert hit_plot([course], replace(report, threshold=None)) is None


def test_the_share_that_decodes_is_counted_by_round() -> None:
    plot = validity_plot([_course([7.0, None, 8.0, 6.0, None])])
    assert plot is not None
    assert list(plot.figure.data[0].x) == [1, 2, 3]
    assert list(plot.figure.data[0].y) == [50.0, 100.0, 0.0]


def test_a_search_of_which_nothing_decodes_has_a_row_but_no_history(report: GenerativeReport) -> None:
    nothing = _course([None, None])
    assert history_plot(nothing, _GAP, 6.0, "maximize", 0) is None
    table = search_table(replace(report, searches=(nothing,)))
    assert table is not None
    assert table.rows == (("search", "2", "0 %", "0", "–", "0", "–"),)


def test_the_funnel_is_logarithmic_and_shows_the_numbers() -> None:
    plot = funnel_plot([FunnelStep("sampled", 1000), FunnelStep("valid", 10), FunnelStep("relaxed", 0)])
    assert plot is not None
    (bars,) = plot.figure.data
    assert list(bars.x) == [3.0, 1.0, 0.0]
    assert list(bars.text) == ["1\u202f000", "10", "0"]


def test_a_computed_target_is_held_against_the_interval(report: GenerativeReport) -> None:
    first, *rest = report.candidates
    assert first.hand_off is not None
    assert first.hand_off.label is not None
    computed = replace(first, labels=(*first.labels, first.hand_off.label))
    plot = candidate_plot(replace(report, candidates=(computed, *rest)))
    assert plot is not None
    assert "0 of 1 lie in their interval" in plot.caption  # 5.1 eV, predicted 7.7 to 9.3 eV


def test_stable_candidates_are_counted(report: GenerativeReport) -> None:
    plot = stability_plot(report)
    assert plot is not None
    assert "9 of 12 lie within 0.1 eV/atom" in plot.caption
    assert sum(len(trace.x) for trace in plot.figure.data) == len(HALIDES)


def test_shares_are_percentages_of_what_was_made(report: GenerativeReport) -> None:
    table, plot = share_table(report.shares), share_plot(report.shares)
    assert table is not None
    assert plot is not None
    assert table.rows[0] == ("GAN samples", "200\u202f000", "72.0\u00a0%", "95.0\u00a0%", "80.0\u00a0%", "55.0\u00a0%")
    assert list(plot.figure.data[0].y) == [72.0, 8.0, 66.0]


def test_a_map_has_a_colour_and_a_mark_a_group(report: GenerativeReport) -> None:
    plot = map_plot(report.map)
    assert plot is not None
    assert [len(trace.x) for trace in plot.figure.data] == [60, 20, 10]
    assert len({(trace.marker.color, trace.marker.symbol) for trace in plot.figure.data}) == 3


def test_a_row_says_rediscovered_where_the_formula_is_known(page: str) -> None:
    row = re.search(r'<tr data-formula="NaCl">.*?</tr>', page, re.DOTALL)
    other = re.search(r'<tr data-formula="KCl">.*?</tr>', page, re.DOTALL)
    assert row is not None
    assert other is not None
    assert "rediscovered" in row.group()
    assert "rediscovered" not in other.group()
    assert "5.10 eV" in row.group()
    assert not NearestKnown("NaCl", 0.2).is_rediscovery


def test_a_hull_that_lacks_a_phase_says_so(page: str) -> None:
    assert page.count("<small>lacks YF<sub>3</sub></small>") == 1


def test_refused_ones_stand_with_their_reason_and_without_a_picture(page: str) -> None:
    for formula in UNMADE:
        row = re.search(rf'<tr data-formula="{formula}">.*?</tr>', page, re.DOTALL)
        assert row is not None
        assert "no stored structure has these amounts" in row.group()
        assert "data-show" not in row.group()


def test_the_pictures_are_those_of_the_candidates(report: GenerativeReport, page: str) -> None:
    found = re.search(r'<script type="application/json" id="structures">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    cells = json.loads(found.group(1))["cells"]
    assert [cell["title"] for cell in cells] == list(HALIDES)
    assert [cell["key"] for cell in cells] == [c.structure_hash for c in report.candidates if c.crystal is not None]


def test_a_page_without_crystals_carries_no_viewer(report: GenerativeReport, page: str) -> None:
    bare = tuple(replace(c, crystal=None) for c in report.candidates)
    without = render_generative(replace(report, candidates=bare))
    assert "3dmol" not in without
    assert "structure-stage" not in without
    assert len(without) < len(page) - 500_000


def test_a_page_of_very_many_candidates_stays_light_and_says_what_it_leaves_out(report: GenerativeReport) -> None:
    crystal = rock_salt("Na", "Cl")
    first = report.candidates[0]
    many = tuple(replace(first, rank=n + 1, structure_hash=f"{n:064x}", crystal=crystal) for n in range(20_000))
    page = render_generative(replace(report, candidates=many))
    assert len(page.encode()) < 25_000_000
    assert page.count('<tr data-formula="') == MOST_ROWS
    assert page.count('class="show"') == MOST_CRYSTALS
    assert "The first 2\u202f000 of 20\u202f000 are shown" in page


def test_the_page_escapes_what_others_wrote(report: GenerativeReport) -> None:
    first, *rest = report.candidates
    nasty = "<script>alert(1)</script>"
    hostile = replace(first, formula=nasty, reason=nasty, status=nasty, nearest=NearestKnown(nasty, 1.0))
    page = render_generative(replace(report, candidates=(hostile, *rest), caveat=nasty))
    assert nasty not in page


def test_equal_data_gives_an_equal_page_whenever_it_is_made(report: GenerativeReport) -> None:
    later = replace(report, generated_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert content_hash(report) == content_hash(later)
    assert content_hash(report) != content_hash(replace(report, threshold=7.0))


def test_a_report_of_nothing_says_so(report: GenerativeReport) -> None:
    bare = GenerativeReport(report.study, report.title, report.generated_at, report.provenance, report.target)
    assert not any(section.plots or section.tables for section in generative_sections(bare))
    page = render_generative(bare)
    assert "No candidate has been made yet." in page
    assert "No search was made in this study." in page
    assert generative_lines(bare) == [bare.title]


def test_lines_hold_the_first_candidates_with_what_is_known_of_them(report: GenerativeReport) -> None:
    lines = generative_lines(report)
    (first,) = [line for line in lines if line.strip().startswith("1  NaCl")]
    assert "8.46" in first
    assert "0.012" in first
    assert any("3 more have no rank" in line for line in lines)
    assert max(map(len, lines)) < 120


def test_tables_stand_beside_the_page(report: GenerativeReport, tmp_path: Path) -> None:
    written = {path.name for path in write_report(report, tmp_path)}
    assert {"report.html", "candidates.csv", "suggestions.parquet", "shares.csv", "generators.csv"} <= written
    rows = pq.read_table(tmp_path / "candidates.parquet").to_pylist()
    assert [row["formula"] for row in rows] == [*HALIDES, *UNMADE]
    assert rows[0]["nearest_distance"] == 0.0
    assert rows[0]["mechanically_stable_outcome"] == "passed"
    assert rows[0]["energy_above_hull_label_ev_per_atom"] == pytest.approx(0.012)
    assert rows[-1]["reason"] == "no stored structure has these amounts"
    suggestions = pq.read_table(tmp_path / "suggestions.parquet").to_pylist()
    assert len(suggestions) == 2 * N_SUGGESTION
    assert all((row["formula"] is None) == (row["band_gap_ev"] is None) for row in suggestions)


def test_a_candidate_knows_what_was_said_of_it() -> None:
    bare = GeneratedCandidate("NaCl", "rules", "proposed")
    assert bare.prediction("band_gap") is None
    assert bare.label("band_gap") is None

"""Where a mobile ion can go, as a report says it: page, tables and terminal."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from tests.factories.report import sample_report

from matsift.reports.data import RankingReport
from matsift.reports.mobility import CandidateMobility, MobilityAxis, in_brief
from matsift.reports.page import render_html
from matsift.reports.tables import candidate_table
from matsift.reports.terminal import ranking_lines
from matsift.reports.writing import content_hash

INF = math.inf
AXIS = MobilityAxis("Na+", 1.0, 5.0, "bvse-bvlain-0.25.1-Na1+-0a1b2c3d")
LAYER = CandidateMobility((0.05, 0.06, 1.11))
REFUSED = CandidateMobility(None, "bvlain has no parameters of Na1+ among N3-, Na+ & <Sb5+>")


def report_with(*known: CandidateMobility | None) -> RankingReport:
    report = sample_report()
    rows = [
        replace(row, candidate=replace(row.candidate, mobility=mobility))
        for row, mobility in zip(report.ranking.ranked, known, strict=False)
    ]
    ranked = (*rows, *report.ranking.ranked[len(rows) :])
    return replace(report, mobility=AXIS, ranking=replace(report.ranking, ranked=ranked))


@pytest.mark.parametrize(
    ("mobility", "brief", "dimension", "barrier"),
    [
        (LAYER, "2D 0.06", 2, 0.06),
        (CandidateMobility((0.4, 0.4, 0.4)), "3D 0.40", 3, 0.4),
        (CandidateMobility((1.0, 1.2, INF)), "1D 1.00", 1, 1.0),
        (CandidateMobility((2.9, 3.0, INF)), "none 2.90", 0, 2.9),
        (CandidateMobility((INF, INF, INF)), "none", 0, None),
        (REFUSED, "–", None, None),
        (None, "–", None, None),
    ],
    ids=["layer", "network", "at the limit", "above the limit", "no path", "refused", "not computed"],
)
def test_dimension_and_barrier_in_brief(
    mobility: CandidateMobility | None, brief: str, dimension: int | None, barrier: float | None
) -> None:
    assert in_brief(mobility, AXIS) == brief
    if mobility is not None:
        assert (mobility.dimension(AXIS.level), mobility.barrier(AXIS.level)) == (dimension, barrier)


def test_tables_hold_every_barrier_and_the_reason() -> None:
    first, second, third, *_ = candidate_table(report_with(LAYER, REFUSED, None)).to_pylist()
    names = [f"percolation_barrier_{n}d_ev" for n in (1, 2, 3)]
    assert [first[name] for name in names] == [0.05, 0.06, 1.11]
    assert (first["percolation_dimension_within_limit"], first["percolation_method"]) == (2, AXIS.method)
    assert (second["percolation_dimension_within_limit"], second["percolation_refused"]) == (None, REFUSED.reason)
    assert {third[name] for name in (*names, "percolation_dimension_within_limit")} == {None}


def test_a_path_above_the_cutoff_is_no_number() -> None:
    (first, *_) = candidate_table(report_with(CandidateMobility((0.3, INF, INF)))).to_pylist()
    assert [first[f"percolation_barrier_{n}d_ev"] for n in (1, 2, 3)] == [0.3, None, None]
    assert first["percolation_dimension_within_limit"] == 1


def test_the_page_has_two_columns_and_keeps_a_reason_as_text() -> None:
    page = render_html(report_with(LAYER, REFUSED))
    assert "Na+ paths</button>" in page
    assert "Barrier / eV</button>" in page
    assert "<b>2D</b>" in page
    assert "1D 0.05, 2D 0.06, 3D 1.11" in page
    assert "–<small>bvlain has no parameters of Na1+ among N3-, Na+ &amp; &lt;Sb5+&gt;</small>" in page
    assert AXIS.sentence in page


def test_the_terminal_says_it_in_a_column_and_explains_it() -> None:
    lines = ranking_lines(report_with(LAYER, REFUSED), 3)
    assert "Na+ paths / eV" in lines[2]
    assert "2D 0.06" in lines[4]
    assert AXIS.sentence in lines
    assert all(len(line) <= 76 for line in ranking_lines(report_with(LAYER), 20, 76))


def test_a_study_without_the_axis_shows_nothing_of_it() -> None:
    report = sample_report()
    assert "paths" not in ranking_lines(report, 3)[2]
    assert not [name for name in candidate_table(report).column_names if "percolation" in name]
    assert "Barrier / eV" not in render_html(report)


def test_other_barriers_are_another_report() -> None:
    assert content_hash(report_with(LAYER)) != content_hash(report_with(CandidateMobility((0.05, 0.07, 1.11))))

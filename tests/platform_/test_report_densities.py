"""The page of a study of charge densities: what it says, what stands in its tables, and pages of what is not there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.factories.density_report import LEARNERS, N_CRYSTAL, sample_density_report

from matsift.reports.densities import DensityReport
from matsift.reports.density_lines import density_lines
from matsift.reports.density_page import comparison_notes, density_sections, render_densities
from matsift.reports.density_tables import comparison_table, coverage_table, difference_table, left_out_table
from matsift.reports.figures.densities import density_parity_plot, left_out_plot, slice_plot
from matsift.reports.writing import content_hash, write_report


@pytest.fixture(scope="module")
def report() -> DensityReport:
    return sample_density_report()


def test_the_best_learner_is_that_of_the_smallest_error(report: DensityReport) -> None:
    compared = report.properties[0]
    errors = {name: float(np.sqrt(((said.mean[0] - said.y) ** 2).mean())) for name, said in compared.said.items()}
    assert compared.best == min(errors, key=errors.__getitem__)
    table = comparison_table(compared, report.kinds)
    assert table is not None
    assert [row[0] for row in table.rows] == list(LEARNERS)
    shown = {row[0]: row[2] for row in table.rows}
    assert shown["Fusion"] == f"{errors['Fusion']:.2f}"


def test_the_papers_numbers_stand_beside_the_learners_that_it_had(report: DensityReport) -> None:
    shear = comparison_table(report.properties[1], report.kinds)
    assert shear is not None
    paper = {row[0]: row[-2:] for row in shear.rows}
    assert paper["Fusion"] == ("0.804", "15.8")
    assert paper["LightGBM + Magpie"] == ("–", "–")


@pytest.mark.parametrize(("factor", "words"), [(1.0, "within 1.05"), (3.0, "above 1.05")])
def test_the_fusion_is_held_against_its_better_branch(report: DensityReport, factor: float, words: str) -> None:
    compared = report.properties[0]
    lines = tuple(
        replace(line, averaged={**line.averaged, "rmse": 20.0 * factor if line.learner == "Fusion" else 20.0})
        for line in compared.standings
    )
    notes = comparison_notes(replace(report, properties=(replace(compared, standings=lines),)))
    assert f"the fusion's error is {factor:.2f} times its better branch's, {words}." in notes[1]


def test_every_learner_has_a_cell_an_element_and_a_count_of_wins(report: DensityReport) -> None:
    compared = report.properties[0]
    table = left_out_table(compared)
    assert table is not None
    heads = [str(column.header) for column in table.columns]
    assert heads[1:-1] == [f"{e} ({N_CRYSTAL - N_CRYSTAL // 5}/{N_CRYSTAL // 5})" for e in compared.elements]
    scores = compared.left_out["Fusion"].scores()
    row = next(row for row in table.rows if row[0] == "Fusion")
    assert row[1] == f"{scores['Na']['r2']:.2f}\u00a0/\u00a0{scores['Na']['rmse']:.1f}".replace("-", "−")
    assert sum(int(row[-1]) for row in table.rows) == len(compared.elements)
    assert left_out_table(report.properties[1]) is None
    assert coverage_table(report.properties[1]) is None


def test_a_difference_that_is_chance_says_so(report: DensityReport) -> None:
    compared = report.properties[0]
    table = difference_table(compared)
    assert table is not None
    assert {row[-1] for row in table.rows} <= {"yes", "no"}
    said = dict(zip((d.second for d in compared.differences), (row[-1] for row in table.rows), strict=True))
    assert said == {d.second: "yes" if d.is_real else "no" for d in compared.differences}


def test_only_the_best_learner_is_shown_at_first(report: DensityReport) -> None:
    plot = density_parity_plot(report.properties[0])
    assert plot is not None
    shown = [trace.name for trace in plot.figure.data if trace.visible is True]
    assert shown == [report.properties[0].best]


def test_an_r2_far_below_zero_is_drawn_at_the_edge(report: DensityReport) -> None:
    compared = report.properties[0]
    awful = {
        name: replace(own, mean=own.mean + 1e4) if name == "Fusion" else own for name, own in compared.left_out.items()
    }
    plot = left_out_plot(replace(compared, left_out=awful))
    assert plot is not None
    trace = next(trace for trace in plot.figure.data if trace.name == "Fusion")
    assert set(trace.y) == {-1.0}
    assert min(trace.customdata) < -100


def test_a_slice_is_drawn_on_its_own_axes(report: DensityReport) -> None:
    plot = slice_plot(report.slices, "Densities", "e/Å³")
    assert plot is not None
    first = plot.figure.data[0]
    assert max(first.x) == pytest.approx(5.6 * 59 / 60, abs=1e-3)
    assert first.z[0][0] == pytest.approx(np.log10(40.02), abs=0.01)


def test_the_page_escapes_what_a_source_wrote(report: DensityReport) -> None:
    nasty = replace(report.properties[0], formulae=("<script>alert(1)</script>", *report.properties[0].formulae[1:]))
    assert "<script>alert(1)" not in render_densities(replace(report, properties=(nasty,)))


def test_equal_data_gives_an_equal_page_whenever_it_is_made(report: DensityReport) -> None:
    later = replace(report, generated_at=datetime(2027, 1, 1, tzinfo=UTC))
    assert content_hash(report) == content_hash(later)
    assert content_hash(report) != content_hash(replace(report, coverage=0.7))


def test_a_report_of_nothing_says_so() -> None:
    bare = replace(sample_density_report(), properties=(), slices=(), embedded=None, quality=(), failures=())
    sections = {section.key: section for section in density_sections(bare)}
    assert not any(section.plots or section.tables for section in sections.values())
    assert "No learner has been trained yet." in render_densities(bare)
    assert density_lines(bare) == [bare.title, "  cubic crystals  60  (7 learners)"]


def test_the_lines_hold_a_row_a_learner_and_property(report: DensityReport) -> None:
    lines = density_lines(report)
    assert sum(line.strip().startswith("Fusion") for line in lines) == 2
    assert max(map(len, lines[:-4])) < 100


def test_tables_stand_beside_the_page(report: DensityReport, tmp_path: Path) -> None:
    written = {path.name for path in write_report(report, tmp_path)}
    assert {"report.html", "held_out.csv", "scores.parquet", "left_out_elements.parquet"} <= written
    assert pq.read_table(tmp_path / "held_out.parquet").num_rows == 2 * N_CRYSTAL * len(LEARNERS)
    left_out = pq.read_table(tmp_path / "left_out_elements.parquet").to_pylist()
    assert len(left_out) == 5 * len(LEARNERS)
    assert all(row["n_train"] + row["n_test"] == N_CRYSTAL for row in left_out)

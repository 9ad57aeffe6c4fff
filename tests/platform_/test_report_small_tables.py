"""The small tables of the report: a table a stage of rules, runs drawn together by flow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from tests.factories.report import empty_report, sample_report

from matsift.reports.data import EvaluationRow, Provenance, QualityRow, RunRow
from matsift.reports.small_tables import evaluation_tables, provenance_tables, quality_tables


def test_every_stage_of_rules_has_a_table_and_unknown_a_column_only_where_there_is_one() -> None:
    quality = (
        QualityRow("labels of k_vrh", "negative_modulus", 240, 77),
        QualityRow("labels of k_vrh", "not_born_stable", 238, 2),
        QualityRow("screen", "band_gap", 0, 1, 126),
    )
    labels, screen = quality_tables(replace(empty_report(), quality=quality))
    assert str(labels.title) == "Labels of K<sub>VRH</sub>"
    assert [c.header for c in labels.columns] == ["Rule", "Kept", "Rejected"]
    assert labels.rows == (("negative_modulus", "240", "77"), ("not_born_stable", "238", "2"))
    assert [c.header for c in screen.columns] == ["Rule", "Kept", "Rejected", "Unknown"]
    assert screen.rows == (("band_gap", "0", "1", "126"),)


def test_runs_are_drawn_together_by_flow() -> None:
    def run(number: int, flow: str, minute: int, ended: int | None, status: str = "completed") -> RunRow:
        hour = datetime(2026, 3, 2, 9, tzinfo=UTC)
        last = None if ended is None else hour.replace(minute=ended)
        return RunRow(number, flow, status, hour.replace(minute=minute), last, "0.1.0")

    runs = (
        run(1, "ingest", 0, 1),
        run(2, "train", 2, 3),
        run(3, "train", 3, 5),
        run(4, "train", 5, None, "interrupted"),
        run(9, "train", 7, 8),
    )
    table = provenance_tables(Provenance("0.1.0", "none", runs=runs))[0]
    assert table.rows == (
        ("ingest", "1", "1 completed", "2026-03-02 09:00 UTC", "2026-03-02 09:01 UTC", "0.1.0", "1"),
        (
            "train",
            "4",
            "3 completed, 1 interrupted",
            "2026-03-02 09:02 UTC",
            "2026-03-02 09:08 UTC",
            "0.1.0",
            "2–4, 9",
        ),
    )


def test_a_subset_reads_as_words_and_a_worthless_score_as_its_magnitude() -> None:
    rows = (
        EvaluationRow("ridge", "k_vrh", "GPa", "test:Na", 10, -0.4184),
        EvaluationRow("ridge", "k_vrh", "GPa", "test", 41, -3473098.667),
    )
    (table,) = evaluation_tables(replace(sample_report(), evaluations=rows))
    assert [row[1] for row in table.rows] == ["test, with Na", "test"]
    assert [row[3] for row in table.rows] == ["−0.418", "−3.5 · 10⁶"]

from __future__ import annotations

from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest
from tests.factories.report import empty_report, sample_report

from matsift.reports.tables import candidate_table, report_tables, unit_suffix, write_tables


@pytest.mark.parametrize(
    ("unit", "suffix"),
    [("GPa", "gpa"), ("eV/atom", "ev_per_atom"), ("Å^3", "angstrom3"), ("g/cm³", "g_per_cm3"), ("", "")],
)
def test_units_become_the_end_of_a_column_name(unit: str, suffix: str) -> None:
    assert unit_suffix(unit) == suffix


def test_every_candidate_is_a_row_with_its_units_in_the_column_names() -> None:
    report = sample_report()
    table = candidate_table(report).to_pylist()
    rows = (*report.ranking.ranked, *report.ranking.excluded)
    assert [r["structure_hash"] for r in table] == [r.candidate.structure_hash for r in rows]
    assert [r["rank"] for r in table] == [*range(1, 51), *[None] * 10]
    for row, ranked in zip(table, rows, strict=True):
        found = ranked.candidate.prediction("g_vrh")
        label = ranked.candidate.label("g_vrh")
        assert found is not None
        assert (row["g_vrh_mean_gpa"], row["g_vrh_lower_gpa"]) == (found.mean, found.lower)
        assert row["g_vrh_label_gpa"] == (label.value if label else None)
        assert row["formation_energy_value_seen_ev_per_atom"] == ranked.candidate.criteria[3].value_seen
        assert row["band_gap_outcome"] == ranked.candidate.criteria[2].outcome


def test_parquet_and_csv_read_back_as_they_were_written(tmp_path: Path) -> None:
    report = sample_report()
    paths = write_tables(report_tables(report), tmp_path)
    names = ["candidates", "calibration", "evaluations", "importances", "learning_curves", "parity"]
    assert [p.name for p in paths] == [f"{name}.{ending}" for name in names for ending in ("csv", "parquet")]
    for name, table in report_tables(report).items():
        assert pyarrow.parquet.read_table(tmp_path / f"{name}.parquet").equals(table)
        as_types = pyarrow.csv.ConvertOptions(
            column_types=table.schema, strings_can_be_null=True, quoted_strings_can_be_null=False
        )
        assert pyarrow.csv.read_csv(tmp_path / f"{name}.csv", convert_options=as_types).equals(table)


def test_the_same_report_writes_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = (write_tables(report_tables(sample_report()), tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_an_empty_study_still_writes_its_candidates_with_all_types() -> None:
    tables = report_tables(empty_report())
    assert list(tables) == ["candidates"]
    assert tables["candidates"].num_rows == 0
    assert str(tables["candidates"].schema.field("k_vrh_mean_gpa").type) == "double"

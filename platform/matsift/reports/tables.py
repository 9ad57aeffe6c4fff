"""The data behind the page as Arrow tables, written as CSV and Parquet beside it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from matsift.reports.calibration import CalibrationRow, calibration_rows
from matsift.reports.comparisons import ImportanceRow
from matsift.reports.data import (
    Candidate,
    CriterionSeen,
    EvaluationRow,
    LearningPoint,
    Parity,
    RankedCandidate,
    RankingReport,
    ReportProperty,
)
from matsift.reports.mobility import CandidateMobility, MobilityAxis

_SIGNS = {
    ".": "",
    "/": "_per_",
    "^": "",
    "Å": "angstrom",
    "å": "angstrom",
    "³": "3",
    "²": "2",
    "%": "percent",
    " ": "_",
}
_TEXT, _NUMBER, _WHOLE = pa.string(), pa.float64(), pa.int64()
_TYPE_OF = {"str": _TEXT, "int": _WHOLE, "int | None": _WHOLE, "float": _NUMBER, "float | None": _NUMBER}


def unit_suffix(unit: str) -> str:
    """Return a unit as the end of a column name: ``gpa``, ``ev_per_atom``, ``angstrom3``; empty for no unit."""
    suffix = "" if unit == "1" else unit
    for sign, word in _SIGNS.items():
        suffix = suffix.replace(sign, word)
    return suffix.lower()


def candidate_table(report: RankingReport) -> pa.Table:
    """Return one row a candidate, the ranked ones in order and then those left out, whose rank is null.

    Columns: identity, then for every property mean, lower, upper, spread, label and its method, then where the mobile
    ion can go, then for every criterion its outcome and the value seen. The unit stands at the end of a column's name.
    """
    rows = (*report.ranking.ranked, *report.ranking.excluded)
    columns: dict[str, pa.Array] = {
        "rank": pa.array([r.rank for r in rows], _WHOLE),
        "structure_hash": _text(r.candidate.structure_hash for r in rows),
        "formula": _text(r.candidate.formula for r in rows),
        "space_group": _text(r.candidate.space_group for r in rows),
        "state": _text(r.candidate.state for r in rows),
    }
    for known in report.properties:
        columns |= _property_columns(rows, known)
    if report.mobility is not None:
        columns |= _mobility_columns(rows, report.mobility)
    for name, unit in _criteria(rows).items():
        columns |= _criterion_columns(rows, name, unit)
    columns["sources"] = _text("; ".join(f"{s.source} {s.external_id}" for s in r.candidate.sources) for r in rows)
    columns["source_urls"] = _text("; ".join(s.url for s in r.candidate.sources if s.url) for r in rows)
    columns["reason"] = _text(r.reason for r in rows)
    return pa.table(columns)


def report_tables(report: RankingReport) -> dict[str, pa.Table]:
    """Return every table by the name of its file; one that has no rows is left out, the candidates never are.

    Those that hold several properties below each other have a column ``unit``, in which their errors, spreads and
    values stand.
    """
    rest = {
        "calibration": _records(calibration_rows(report.calibrations), CalibrationRow),
        "evaluations": _records(report.evaluations, EvaluationRow),
        "importances": _records(report.importances, ImportanceRow),
        "learning_curves": _learning_curves(report),
        "parity": _parity(report.parities),
    }
    return {"candidates": candidate_table(report)} | {name: t for name, t in rest.items() if t.num_rows}


def write_tables(tables: Mapping[str, pa.Table], folder: Path) -> list[Path]:
    """Write tables, by the names of their files, as CSV and as Parquet into an existing folder; return the paths."""
    paths = []
    for name, table in tables.items():
        as_csv, as_parquet = folder / f"{name}.csv", folder / f"{name}.parquet"
        pyarrow.csv.write_csv(table, as_csv)
        pyarrow.parquet.write_table(table, as_parquet)
        paths += [as_csv, as_parquet]
    return paths


def _property_columns(rows: Sequence[RankedCandidate], known: ReportProperty) -> dict[str, pa.Array]:
    predictions = [r.candidate.prediction(known.name) for r in rows]
    labels = [r.candidate.label(known.name) for r in rows]
    columns = {
        _named(f"{known.name}_{field}", known.unit): pa.array(
            [None if p is None else getattr(p, field) for p in predictions], _NUMBER
        )
        for field in ("mean", "lower", "upper", "spread")
    }
    columns[_named(f"{known.name}_label", known.unit)] = pa.array([x.value if x else None for x in labels], _NUMBER)
    columns[f"{known.name}_label_method"] = pa.array([x.method if x else None for x in labels], _TEXT)
    return columns


def _mobility_columns(rows: Sequence[RankedCandidate], axis: MobilityAxis) -> dict[str, pa.Array]:
    """Return the dimension below the level of the study and the barriers; null where not computed, or no path."""
    known = [r.candidate.mobility or CandidateMobility(None) for r in rows]
    columns = {"percolation_dimension_within_limit": pa.array([m.dimension(axis.level) for m in known], _WHOLE)}
    for n in range(3):
        barriers = [math.inf if m.barriers is None else m.barriers[n] for m in known]
        finite = [barrier if math.isfinite(barrier) else None for barrier in barriers]
        columns[f"percolation_barrier_{n + 1}d_ev"] = pa.array(finite, _NUMBER)
    columns["percolation_method"] = _text(axis.method if m.barriers else "" for m in known)
    columns["percolation_refused"] = _text(m.reason for m in known)
    return columns


def _criteria(rows: Sequence[RankedCandidate]) -> dict[str, str]:
    units: dict[str, str] = {}
    for criterion in (c for r in rows for c in r.candidate.criteria):
        units[criterion.name] = units.get(criterion.name) or criterion.unit
    return units


def _criterion_columns(rows: Sequence[RankedCandidate], name: str, unit: str) -> dict[str, pa.Array]:
    found = [_criterion(r.candidate, name) for r in rows]
    return {
        f"{name}_outcome": pa.array([c.outcome if c else None for c in found], _TEXT),
        _named(f"{name}_value_seen", unit): pa.array([c.value_seen if c else None for c in found], _NUMBER),
    }


def _criterion(candidate: Candidate, name: str) -> CriterionSeen | None:
    return next((c for c in candidate.criteria if c.name == name), None)


def _records(rows: Sequence[Any], record: type[Any]) -> pa.Table:
    return pa.Table.from_pylist([dataclasses.asdict(row) for row in rows], pa.schema(_arrow_fields(record)))


def _learning_curves(report: RankingReport) -> pa.Table:
    rows = [
        {"campaign": c.campaign, "property_name": c.property_name, "unit": c.unit, "arm": c.arm}
        | dataclasses.asdict(point)
        for c in report.learning_curves
        for point in c.points
    ]
    heads = [(name, _TEXT) for name in ("campaign", "property_name", "unit", "arm")]
    return pa.Table.from_pylist(rows, pa.schema(heads + _arrow_fields(LearningPoint)))


def _parity(parities: Sequence[Parity]) -> pa.Table:
    rows = [
        {"property_name": p.property_name, "unit": p.unit, "title": p.title, "subset": subset}
        | {"true": float(true), "mean": float(mean), "spread": float(spread)}
        for p in parities
        for true, mean, spread, subset in zip(p.true, p.mean, p.spread, p.subset or [""] * p.true.size, strict=True)
    ]
    heads = [(name, _TEXT) for name in ("property_name", "unit", "title", "subset")]
    return pa.Table.from_pylist(rows, pa.schema([*heads, ("true", _NUMBER), ("mean", _NUMBER), ("spread", _NUMBER)]))


def _arrow_fields(record: type[Any]) -> list[tuple[str, Any]]:
    """Return the columns of a record, typed by its annotations: a column of nothing but None keeps its type."""
    return [(field.name, _TYPE_OF[str(field.type)]) for field in dataclasses.fields(record)]


def _named(name: str, unit: str) -> str:
    suffix = unit_suffix(unit)
    return f"{name}_{suffix}" if suffix else name


def _text(values: Iterable[str]) -> pa.Array:
    return pa.array(list(values), _TEXT)

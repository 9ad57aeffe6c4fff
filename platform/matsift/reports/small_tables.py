"""The small tables of the page: metrics, quality rules, failures, provenance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from matsift.reports.data import Provenance, RankingReport
from matsift.reports.notation import number, quantity, symbol_markup

_HASH_SHOWN = 12


@dataclass(frozen=True)
class Column:
    """A column of a small table; a header with a unit ends in it (``MAE / GPa``)."""

    header: str | Markup
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A small table, its cells written as text or safe markup."""

    title: str | Markup
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Markup, ...], ...]


def evaluation_tables(report: RankingReport) -> tuple[Table, ...]:
    """Return the metrics of every model, the ensemble beside its baselines, a table a property."""
    return tuple(_evaluation_table(report, name) for name in dict.fromkeys(e.property_name for e in report.evaluations))


def quality_tables(report: RankingReport) -> tuple[Table, ...]:
    """Return what each named rule kept and rejected, and what failed."""
    rules = Table(
        "Rows kept and rejected by each rule",
        _columns({"Stage": False, "Rule": False, "Kept": True, "Rejected": True, "Unknown": True}),
        tuple(
            (q.stage, q.rule, number(q.n_kept, 0), number(q.n_rejected, 0), number(q.n_unknown, 0))
            for q in report.quality
        ),
    )
    failures = Table(
        "Failures by stage",
        _columns({"Stage": False, "Error": False, "Count": True, "For example": False}),
        tuple((f.stage, f.error_class, number(f.count, 0), f.example) for f in report.failures),
    )
    return tuple(t for t in (rules, failures) if t.rows)


def provenance_tables(provenance: Provenance) -> tuple[Table, ...]:
    """Return the tables of the footer: runs, snapshots, models, descriptor sets, packages."""
    candidates = (
        Table(
            "Runs",
            (Column("Run", True), Column("Flow"), Column("Status"), Column("Started"), Column("Ended"), Column("Code")),
            tuple(
                (str(r.run_id), r.flow, r.status, moment(r.started_at), moment(r.ended_at), r.code_version)
                for r in provenance.runs
            ),
        ),
        Table(
            "Data snapshots",
            (Column("Snapshot"), Column("Property"), Column("Strategy"), Column("Rows", True)),
            tuple(
                (_hash(s.content_hash), symbol_markup(s.property_name), s.strategy, number(s.n_row, 0))
                for s in provenance.snapshots
            ),
        ),
        Table(
            "Model versions",
            (
                *map(Column, ("Model", "Learner", "Purpose", "Property")),
                Column("Seed", True),
                Column("Trained on snapshot"),
            ),
            tuple(
                (
                    _hash(m.content_hash),
                    m.learner,
                    m.purpose,
                    symbol_markup(m.property_name),
                    str(m.seed),
                    _hash(m.snapshot_hash),
                )
                for m in provenance.models
            ),
        ),
        Table(
            "Descriptor sets",
            (Column("Set"), Column("Version"), Column("Columns", True)),
            tuple((d.name, d.version, str(d.n_column)) for d in provenance.descriptor_sets),
        ),
        Table("Packages", (Column("Package"), Column("Version")), tuple(sorted(provenance.packages.items()))),
    )
    return tuple(t for t in candidates if t.rows)


def moment(when: datetime | None) -> str:
    """Return a time to the minute with its zone, or an en dash."""
    return "–" if when is None else f"{when:%Y-%m-%d %H:%M %Z}".strip()


def _evaluation_table(report: RankingReport, name: str) -> Table:
    rows = [e for e in report.evaluations if e.property_name == name]
    unit = rows[0].unit
    columns = {
        "Model": False,
        "Subset": False,
        "Rows": True,
        "R²": True,
        f"MAE / {unit}": True,
        f"RMSE / {unit}": True,
        "Interval coverage / %": True,
        f"Mean interval width / {unit}": True,
        "Spread–error rank correlation": True,
    }
    return Table(
        symbol_markup(name),
        _columns(columns),
        tuple(
            (
                e.model,
                e.subset,
                number(e.n_row, 0),
                number(e.r2, 3),
                quantity(e.mae, unit, more=1),
                quantity(e.rmse, unit, more=1),
                number(None if e.interval_coverage is None else 100 * e.interval_coverage),
                quantity(e.mean_interval_width, unit),
                number(e.spread_error_spearman, 2),
            )
            for e in rows
        ),
    )


def _columns(numeric_by_header: Mapping[str, bool]) -> tuple[Column, ...]:
    return tuple(Column(header, numeric) for header, numeric in numeric_by_header.items())


def _hash(content_hash: str) -> Markup:
    return Markup('<code title="{}">{}</code>').format(content_hash, content_hash[:_HASH_SHOWN])

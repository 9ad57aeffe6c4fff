"""The small tables of the page: metrics, quality rules, failures, provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from matsift.reports.data import Provenance, QualityRow, RankingReport, RunRow, StudyLine
from matsift.reports.densities import DensityReport
from matsift.reports.generative import GenerativeReport
from matsift.reports.notation import headed, moment, number, quantity, score, symbol, symbol_markup, text_markup
from matsift.reports.space_groups import SpaceGroupReport

_HASH_SHOWN = 12


@dataclass(frozen=True)
class Column:
    """A column of a small table; a header with a unit ends in it (``MAE / GPa``)."""

    header: str | Markup
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A small table, its cells written as text or safe markup; a `wide` one takes the whole width of the page."""

    title: str | Markup
    columns: tuple[Column, ...]
    rows: tuple[tuple[str | Markup, ...], ...]
    wide: bool = False


def evaluation_tables(report: RankingReport) -> tuple[Table, ...]:
    """Return the metrics of every model, the ensemble beside its baselines, a table a property."""
    return tuple(_evaluation_table(report, name) for name in dict.fromkeys(e.property_name for e in report.evaluations))


def quality_tables(report: RankingReport | SpaceGroupReport | DensityReport | GenerativeReport) -> tuple[Table, ...]:
    """Return what each named rule kept and rejected, a table a stage, and what failed."""
    stages = groupby(report.quality, key=lambda row: row.stage)
    failures = Table(
        "Failures by stage",
        _columns({"Stage": False, "Error": False, "Count": True, "For example": False}),
        tuple((f.stage, f.error_class, number(f.count, 0), f.example) for f in report.failures),
        wide=True,
    )
    return (*(_rule_table(stage, list(rows)) for stage, rows in stages), *([failures] if failures.rows else []))


def study_table(studies: Sequence[StudyLine]) -> Table:
    """Return the studies behind a report across studies, each with the address of its own report."""
    return Table(
        "Each with a report of its own",
        _columns({"Study": False, "Title": False, "Ranked": True, "Left out": True, "Order": False}),
        tuple(
            (
                Markup('<a href="{}">{}</a>').format(line.page, line.name),
                line.title,
                number(line.n_ranked, 0),
                number(line.n_left_out, 0),
                text_markup(line.rule),
            )
            for line in studies
        ),
        wide=True,
    )


def provenance_tables(provenance: Provenance) -> tuple[Table, ...]:
    """Return the tables of the footer: runs by flow, models, snapshots, descriptor sets, packages."""
    flows = dict.fromkeys(r.flow for r in provenance.runs)
    candidates = (
        Table(
            "Runs",
            _columns(
                {"Flow": False, "Runs": True, "Status": False, "First start": False, "Last end": False, "Code": False}
                | {"Numbers": False}
            ),
            tuple(_run_cells(flow, [r for r in provenance.runs if r.flow == flow]) for flow in flows),
            wide=True,
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
                    hash_markup(m.content_hash),
                    m.learner,
                    m.purpose,
                    symbol_markup(m.property_name),
                    str(m.seed),
                    hash_markup(m.snapshot_hash),
                )
                for m in provenance.models
            ),
            wide=True,
        ),
        Table(
            "Data snapshots",
            (Column("Snapshot"), Column("Property"), Column("Strategy"), Column("Rows", True)),
            tuple(
                (hash_markup(s.content_hash), symbol_markup(s.property_name), s.strategy, number(s.n_row, 0))
                for s in provenance.snapshots
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


def _run_cells(flow: str, runs: Sequence[RunRow]) -> tuple[str, ...]:
    ended = [r.ended_at for r in runs if r.ended_at is not None]
    by_status = {status: sum(r.status == status for r in runs) for status in sorted({r.status for r in runs})}
    return (
        flow,
        number(len(runs), 0),
        ", ".join(f"{n} {status}" for status, n in by_status.items()),
        moment(min(r.started_at for r in runs)),
        moment(max(ended, default=None)),
        ", ".join(sorted({r.code_version for r in runs})),
        _ranges([r.run_id for r in runs]),
    )


def _ranges(numbers: Sequence[int]) -> str:
    """Return whole numbers with those in a row drawn together: ``1, 4–9``."""
    in_a_row = groupby(enumerate(sorted(numbers)), key=lambda pair: pair[1] - pair[0])
    groups = [[n for _, n in group] for _, group in in_a_row]
    return ", ".join(str(g[0]) if len(g) == 1 else f"{g[0]}–{g[-1]}" for g in groups)


def _rule_table(stage: str, rows: Sequence[QualityRow]) -> Table:
    columns = {"Rule": False, "Kept": True, "Rejected": True}
    cells = [(q.rule, number(q.n_kept, 0), number(q.n_rejected, 0)) for q in rows]
    words = " ".join(map(symbol, stage.split()))
    title = text_markup(words[:1].upper() + words[1:])
    if not any(q.n_unknown for q in rows):
        return Table(title, _columns(columns), tuple(cells))
    known = tuple((*cell, number(q.n_unknown, 0)) for cell, q in zip(cells, rows, strict=True))
    return Table(title, _columns(columns | {"Unknown": True}), known, wide=True)


def _evaluation_table(report: RankingReport, name: str) -> Table:
    rows = [e for e in report.evaluations if e.property_name == name]
    unit = rows[0].unit
    columns = {
        "Model": False,
        "Subset": False,
        "Rows": True,
        "R²": True,
        headed("MAE", unit): True,
        headed("RMSE", unit): True,
        "Interval coverage / %": True,
        headed("Mean interval width", unit): True,
        "Spread–error rank correlation": True,
    }
    return Table(
        symbol_markup(name),
        _columns(columns),
        tuple(
            (
                e.model,
                e.subset.replace(":", ", with "),
                number(e.n_row, 0),
                score(e.r2),
                quantity(e.mae, unit, more=1),
                quantity(e.rmse, unit, more=1),
                number(None if e.interval_coverage is None else 100 * e.interval_coverage),
                quantity(e.mean_interval_width, unit),
                number(e.spread_error_spearman, 2),
            )
            for e in rows
        ),
        wide=True,
    )


def _columns(numeric_by_header: Mapping[str, bool]) -> tuple[Column, ...]:
    return tuple(Column(header, numeric) for header, numeric in numeric_by_header.items())


def hash_markup(content_hash: str) -> Markup:
    """Return the beginning of a hash that shows the whole one under the mouse."""
    return Markup('<code title="{}">{}</code>').format(content_hash, content_hash[:_HASH_SHOWN])

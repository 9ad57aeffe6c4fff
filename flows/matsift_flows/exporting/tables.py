"""Views of `analysis` and rankings as files of tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from matsift.errors import UserInputError
from matsift.exchange.columns import LICENCES, Column, Kind
from matsift.exchange.conditions import Condition, OrderBy
from matsift.reports.data import RankedCandidate, RankingReport
from matsift.reports.tables import candidate_table
from matsift.study.settings import Study
from matsift_adapters.exporters.tables import TableFormat, table_file
from matsift_flows.study import run_study
from matsift_flows.workspace import Workspace
from matsift_schema.store.exported_views import find_view, list_views, read_view
from matsift_schema.store.streaming import read_at_one_moment

_ROWS_AT_ONCE = 2000


def views(workspace: Workspace) -> list[tuple[str, str]]:
    """Return name and meaning of every view."""
    with workspace.sessions.begin() as session:
        return list_views(session)


def export_view(
    workspace: Workspace,
    name: str,
    path: Path,
    form: TableFormat,
    *,
    conditions: Sequence[Condition] = (),
    licences: Sequence[str] = (),
    order: OrderBy | None = None,
    limit: int | None = None,
) -> int:
    """Write rows of a view to a file, and return how many.

    Raises
    ------
    UserInputError
        If there is no such view or column, or the file cannot be written.
    """
    n = 0
    with workspace.sessions.begin() as session:
        read_at_one_moment(session)
        view = find_view(session, name)
        chunks = read_view(session, view, conditions=conditions, licences=licences, order=order, limit=limit)
        with (
            workspace.reporter.work(f"export {name}", None, "rows") as advance,
            table_file(path, view.exported, form) as writer,
        ):
            for rows in chunks:
                writer.write(rows)
                advance(len(rows))
                n += len(rows)
    return n


def export_ranking(
    workspace: Workspace,
    study: Study,
    base_dir: Path,
    path: Path,
    form: TableFormat,
    *,
    top: int | None = None,
    licences: Sequence[str] = (),
) -> int:
    """Write the ranking of a study to a file, and return how many candidates; what is missing is computed first.

    With `top` only the best are written, otherwise all, those left out at the end. The last column names the licences.

    Raises
    ------
    UserInputError
        If the study ranks no candidates, or the file cannot be written.
    """
    report = ranking_report(workspace, study, base_dir)
    ranked = (*report.ranking.ranked, *report.ranking.excluded)
    chosen = [i for i, row in enumerate(ranked) if not licences or not _licences(row).isdisjoint(licences)]
    if top is not None:
        chosen = [i for i in chosen if i < len(report.ranking.ranked)][:top]
    table = candidate_table(report)
    listed = pa.array([sorted(_licences(row)) for row in ranked], pa.list_(pa.string()))
    table = table.append_column(LICENCES, listed).take(pa.array(chosen, pa.int64()))
    with table_file(path, _columns(table.schema), form) as writer:
        for batch in table.to_batches(_ROWS_AT_ONCE):
            writer.write(list(zip(*(column.to_pylist() for column in batch.columns), strict=True)))
    return len(chosen)


def ranking_report(workspace: Workspace, study: Study, base_dir: Path) -> RankingReport:
    """Return the ranking of a study; what is missing is computed first.

    Raises
    ------
    UserInputError
        If the study ranks no candidates.
    """
    report = run_study(workspace, study, base_dir).written.report
    if not isinstance(report, RankingReport):
        raise UserInputError(f"the study {study.name} ranks no candidates; export one of the views instead")
    return report


def _licences(row: RankedCandidate) -> set[str]:
    return {link.licence for link in row.candidate.sources}


def _columns(schema: pa.Schema) -> list[Column]:
    kinds: dict[pa.DataType, Kind] = {
        pa.string(): "text",
        pa.int64(): "integer",
        pa.float64(): "number",
        pa.bool_(): "boolean",
        pa.list_(pa.string()): "texts",
    }
    return [Column(field.name, kinds[field.type]) for field in schema]

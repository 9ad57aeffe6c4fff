"""`matsift status`: what is there, what failed, what is missing, and what to do next."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from matsift_flows.cli.options import AsJson, settings

if TYPE_CHECKING:
    from matsift_adapters.settings import Settings
    from matsift_schema.store.overview import Overview


def status(
    as_json: AsJson = False,
    rows: Annotated[bool, typer.Option("--rows", help="Print how many rows each table holds, and no more.")] = False,
) -> None:
    """Print what is there, what failed, what is missing, and what to do next. Example: matsift status --json.

    A database that was never made is not made now.
    """
    from matsift_flows.workspace import is_absent

    own = settings()
    counts, found = (None, None) if is_absent(own) else _read(own)
    if rows and not as_json:
        for table, n in (counts or {}).items():
            typer.echo(f"{table:<24}{n:>10}")
        return
    _tell(own, counts, found, as_json=as_json)


def _read(own: Settings) -> tuple[dict[str, int], Overview]:
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace
    from matsift_schema.store.counts import row_counts
    from matsift_schema.store.overview import overview

    reporter = Reporter(brief=True)
    with (
        open_workspace(own, reporter) as workspace,
        reporter.busy("count rows"),
        workspace.sessions.begin() as session,
    ):
        return row_counts(session), overview(session)


def _tell(own: Settings, counts: dict[str, int] | None, found: Overview | None, *, as_json: bool) -> None:
    from matsift_flows.cli import status_lines
    from matsift_flows.cli.called import as_called
    from matsift_flows.cli.completion import files_by_name
    from matsift_flows.cli.look import width
    from matsift_flows.cli.next_steps import never_run, next_steps

    files = files_by_name()
    steps, unused = next_steps(found, files, as_called()), never_run(found, files)
    if as_json:
        state = {} if found is None else asdict(found)
        told = {**(counts or {}), **state, "never_run": unused, "next": [asdict(step) for step in steps]}
        typer.echo(json.dumps(told, default=str))
        return
    columns = width()
    if found is None:
        lines = [f"There is no database in {own.home} yet; the first run of a study makes one"]
    else:
        lines = [
            *status_lines.holdings(found, columns),
            *status_lines.failures(found, columns),
            *status_lines.missing(unused, columns),
        ]
    typer.echo("\n".join([*lines, *status_lines.steps(steps, columns)]))

"""`matsift run`: a study from ingestion to report."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from matsift_flows.cli.campaign_lines import waiting_sentence
from matsift_flows.cli.options import AsJson, Overrides, Quiet, RetryFailed, StudyPath, Workers, settings
from matsift_flows.cli.queries import queries_to_try, shell_command

if TYPE_CHECKING:
    from pathlib import Path

    from matsift_flows.study import StudyRun


def run(
    study: StudyPath,
    overrides: Overrides = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run a study from ingestion to report, or continue it. Example: matsift run studies/na_electrolytes.toml."""
    from matsift.study.loading import load_study
    from matsift_flows.cli.reports import print_generated, print_report
    from matsift_flows.progress import Reporter
    from matsift_flows.study import run_study
    from matsift_flows.workspace import open_workspace

    loaded = load_study(study, overrides or ())
    reporter = Reporter(quiet=quiet or as_json)
    reporter.say(f"Study {loaded.name}: {loaded.study.title}")
    with open_workspace(settings(workers), reporter, retry_failed=retry_failed) as workspace:
        result = run_study(workspace, loaded, study.parent)
    if as_json:
        typer.echo(json.dumps(_as_json(result)))
        return
    print_report(result.written.report, loaded.ranking.top)
    if result.generated is not None:
        print_generated(result.generated.report)
    _print_end(result, study)


def _as_json(result: StudyRun) -> dict[str, object]:
    from matsift.reports.data import RankingReport
    from matsift_flows.cli.reports import unranked_json

    report = result.written.report
    said = unranked_json(report) or {}
    if isinstance(report, RankingReport):
        said = {"ranked": [row.candidate.structure_hash for row in report.ranking.ranked]}
    return {
        "study": result.study.name,
        "added": result.added,
        "report": str(result.written.path),
        **({} if result.generated is None else {"generated": str(result.generated.path)}),
        "waiting": None if result.waiting is None else asdict(result.waiting),
        **said,
    }


def _print_end(result: StudyRun, study: Path) -> None:
    typer.echo()
    if result.added:
        typer.echo("Added: " + ", ".join(f"{n} {table}" for table, n in result.added.items()))
    elif result.waiting is None:
        typer.echo("Nothing to do: the study is complete, 0 rows were added.")
    if result.waiting is not None:
        typer.echo(waiting_sentence(result.waiting, study))
    typer.echo(f"Report: {result.written.path}")
    if result.generated is not None:
        typer.echo(f"New compositions: {result.generated.path}")
    typer.echo("\nThree queries to try:")
    for title, query in queries_to_try(result.study):
        typer.echo(f'\n  # {title}\n  {shell_command()} "{query}"')

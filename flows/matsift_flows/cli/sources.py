"""`matsift ingest`, `group` and `serve`: sources brought up to date, once or on a schedule, and what they share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from matsift_flows.cli.completion import source_names, study_files
from matsift_flows.cli.options import AsJson, Overrides, Quiet, RetryFailed, StudyPath, Workers, settings

StudyPaths = Annotated[
    list[Path],
    typer.Argument(help="Study files, or files of [study] and [[sources]] alone.", autocompletion=study_files),
]


def ingest(
    study: StudyPath,
    sources: Annotated[
        list[str] | None,
        typer.Option("--source", help="Only this source; may be repeated.", autocompletion=source_names),
    ] = None,
    overrides: Overrides = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Bring the sources of a study up to date. Example: matsift ingest studies/na_electrolytes.toml.

    A file with [study] and [[sources]] alone will do: the database is then a mirror of these sources.
    """
    from matsift.study.loading import load_mirror
    from matsift.study.settings import Study
    from matsift_flows.ingest import ingest as flow
    from matsift_flows.ingest import refuse_incomplete
    from matsift_flows.judge import judge
    from matsift_flows.orchestration import invoke
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    loaded = load_mirror(study, overrides or ())
    reporter = Reporter(quiet=quiet or as_json)
    with (
        open_workspace(settings(workers), reporter, retry_failed=retry_failed) as workspace,
        workspace.alone_on(loaded.name),
    ):
        synced = invoke(flow, workspace, loaded, study.parent, tuple(sources or ()))
        n_verdict = invoke(judge, workspace, loaded) if isinstance(loaded, Study) else 0
    if as_json:
        typer.echo(json.dumps({name: counts.as_dict() for name, counts in synced.items()}))
    else:
        n_entry = sum(counts.new + counts.changed for counts in synced.values())
        typer.echo(f"{n_entry} entries and {n_verdict} verdicts are new")
    refuse_incomplete(synced)


def group(
    study: StudyPath,
    overrides: Overrides = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
) -> None:
    """Find the structures that are the same crystal. Example: matsift group studies/na_electrolytes.toml.

    Structures without a group are compared with those of the same formula and space group; nothing is merged. The table
    [duplicates] of the study holds the tolerances; without it they are those of Materials Project.
    """
    from matsift.study.loading import load_mirror
    from matsift_flows.group import group as flow
    from matsift_flows.orchestration import invoke
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    loaded = load_mirror(study, overrides or ())
    with (
        open_workspace(settings(workers), Reporter(quiet=quiet), retry_failed=retry_failed) as workspace,
        workspace.alone_on(loaded.name),
    ):
        typer.echo(f"{invoke(flow, workspace, loaded)} structures are new in a group")


def serve(
    studies: StudyPaths,
    cron: Annotated[
        str | None, typer.Option(help="Schedule (cron, UTC) of the sources that name none of their own.")
    ] = None,
    port: Annotated[
        int, typer.Option(help="Port of the Prefect server that is started where none is configured.")
    ] = 4200,
) -> None:
    """Keep sources in step on their schedules, until stopped. Example: matsift serve studies/na_electrolytes.toml.

    Every source gets a Prefect deployment, and every study one to be started by hand. Where PREFECT_API_URL names no
    server, one is started on this machine; its page shows runs, logs and summaries.
    """
    from prefect import serve as serve_deployments

    from matsift_flows.cli.prefect_server import prefect_server, private_temporary_folder
    from matsift_flows.deployments import deployments

    found = deployments(studies, cron=cron)
    own = settings()
    with prefect_server(own, port=port, tell=typer.echo) as api_url, private_temporary_folder(own):
        for deployed in found:
            typer.echo(f"  {deployed.name}: {deployed.cron or 'by hand'}")
        typer.echo(f"Serving {len(found)} deployments; see {api_url.removesuffix('/api')}. Ctrl-C ends it.")
        serve_deployments(*(deployed.deployment for deployed in found), print_starting_message=False, limit=1)

"""Schedules: a Prefect deployment for each source of a study, and one for the study itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron, Schedule
from prefect.types.entrypoint import EntrypointType

from matsift.errors import UserInputError
from matsift.study.loading import load_mirror
from matsift.study.settings import Study
from matsift_adapters.settings import Settings
from matsift_flows.group import group
from matsift_flows.ingest import ingest, refuse_incomplete
from matsift_flows.judge import judge
from matsift_flows.orchestration import invoke, prefect_is_configured
from matsift_flows.progress import Reporter
from matsift_flows.study import study_flow
from matsift_flows.workspace import open_workspace

#: A sync that failed or did not come to its end is tried again so often, after so many seconds each.
RETRIES, RETRY_DELAY_S = 3, 600

#: A run that is due while the one before still goes on is left out: it would find nothing to do.
_ONE_AT_A_TIME = ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW)


@flow(name="sync", retries=RETRIES, retry_delay_seconds=RETRY_DELAY_S)
def sync_source(study_path: str, source: str, *, retry_failed: bool = False) -> dict[str, Any]:
    """Bring one source of a study file up to date; return the summary of the run, with zeros where nothing changed.

    Parameters
    ----------
    study_path
        A study file, or a file of sources alone.
    source
        Name of one of its sources.
    retry_failed
        Read the entries again that gave no structure or a failure.

    Raises
    ------
    SourceError
        If the source cannot be read, or not to its end; Prefect tries again `RETRIES` times.
    UserInputError
        If the file has no such source, or another process works on the study.
    """
    path = Path(study_path)
    loaded = load_mirror(path)
    with (
        open_workspace(Settings.load(), Reporter(), retry_failed=retry_failed) as workspace,
        workspace.alone_on(loaded.name),
    ):
        counts = invoke(ingest, workspace, loaded, path.parent, (source,))[source]
        if isinstance(loaded, Study):
            invoke(judge, workspace, loaded)
        if loaded.duplicates is not None:
            invoke(group, workspace, loaded)
    summary = {"source": source, **counts.as_dict()}
    if prefect_is_configured():
        get_run_logger().info("%s", ", ".join(f"{key} {value}" for key, value in summary.items()))
        create_table_artifact([summary], key="sync-summary", description=f"What came of reading {source}")
    refuse_incomplete({source: counts})
    return summary


@dataclass(frozen=True)
class Deployed:
    """A deployment and its schedule in cron's words (UTC), None where it is started by hand."""

    deployment: RunnerDeployment
    cron: str | None

    @property
    def name(self) -> str:
        """What `prefect deployment run` calls it."""
        return f"{self.deployment.flow_name}/{self.deployment.name}"


def deployments(study_paths: Iterable[Path], *, cron: str | None = None) -> list[Deployed]:
    """Return a deployment for each source of each file, and one, without a schedule, for each whole study.

    Parameters
    ----------
    study_paths
        Study files, or files of sources alone.
    cron
        Schedule (UTC) of the sources that name none of their own; None leaves them to be started by hand.

    Raises
    ------
    UserInputError
        If a schedule is no cron expression.
    """
    found = []
    if cron:
        _cron(cron, "of --cron")
    for path in study_paths:
        loaded = load_mirror(path)
        where = str(path.absolute())
        for source in loaded.sources:
            schedule = source.schedule or cron
            synced = RunnerDeployment.from_flow(
                sync_source,
                f"{loaded.name}.{source.name}",
                parameters={"study_path": where, "source": source.name},
                schedule=_cron(schedule, f"of the source {source.name}") if schedule else None,
                concurrency_limit=_ONE_AT_A_TIME,
                description=source.description or f"Keeps the source {source.name} in step.",
                tags=["matsift", "source", source.kind],
                entrypoint_type=EntrypointType.MODULE_PATH,
            )
            found.append(Deployed(synced, schedule))
        if isinstance(loaded, Study):
            whole = RunnerDeployment.from_flow(
                study_flow,
                loaded.name,
                parameters={"study_path": where},
                concurrency_limit=_ONE_AT_A_TIME,
                description=loaded.study.title,
                tags=["matsift", "study"],
                entrypoint_type=EntrypointType.MODULE_PATH,
            )
            found.append(Deployed(whole, None))
    return found


def _cron(expression: str, whose: str) -> Schedule:
    try:
        return Cron(expression, timezone="UTC")
    except ValueError:
        raise UserInputError(
            f"the schedule {expression!r} {whose} is no cron expression; write for example '0 3 * * *'"
        ) from None

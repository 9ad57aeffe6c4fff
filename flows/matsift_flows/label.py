"""Labelling: acquisitions that are open go to the oracle; each answer is a row before the next one is waited for."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from matsift.errors import OracleError
from matsift.execution.killable import KillablePool, Outcome
from matsift.records import FailureRecord, LabelRecord
from matsift.study.settings import Study
from matsift_adapters.oracles.registry import Oracle, oracle
from matsift_flows.orchestration import invoke
from matsift_flows.workspace import Workspace
from matsift_schema.store import acquisitions as queue
from matsift_schema.store.failures import latest_failure_ids, write_failures
from matsift_schema.store.labels import label_id, write_labels
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.structures import load_crystals

_STAGE = "label"


@flow(name="label", validate_parameters=False)
def label(workspace: Workspace, study: Study, campaign_id: int, property_name: str, title: str) -> int:
    """Label all open acquisitions of a campaign; return how many were settled.

    Whoever calls holds the lock of the study, so claims that a killed run of the same study left behind are its own.
    """
    asked = oracle(study.campaign.oracle)
    worker = f"matsift run {study.name}"
    with workspace.sessions.begin() as session:
        if workspace.retry_failed:
            queue.retry_failed(session, campaign_id)
        mine = [
            row
            for row in queue.load_acquisitions(session, campaign_id)
            if row.status == "claimed" and row.claimed_by == worker
        ]
        lease_s = 10 * study.campaign.time_limit_s
        mine += queue.claim_acquisitions(session, campaign_id, worker=worker, limit=100_000, lease_s=lease_s)
    if not mine:
        return 0
    parameters = {"campaign": campaign_id, "oracle": asked.name, "method": asked.method}
    with workspace.run(
        "label", study.name, {"title": title, **{k: parameters[k] for k in ("oracle", "method")}}
    ) as run:
        invoke(label_claimed, workspace, study, run, asked, mine, property_name, title)
    return len(mine)


@task(name="label acquisitions", cache_policy=NO_CACHE)
def label_claimed(
    workspace: Workspace,
    study: Study,
    run: LazyRun,
    asked: Oracle,
    claimed: Sequence[queue.AcquisitionRow],
    property_name: str,
    title: str,
) -> None:
    """Settle claimed acquisitions: by a label or failure that is there already, else by asking the oracle."""
    open_rows = [row for row in claimed if not _settle_known(workspace, asked, row, property_name)]
    with workspace.reporter.work(title, len(claimed), "structures") as advance:
        advance(len(claimed) - len(open_rows))
        if not open_rows:
            return
        with workspace.sessions.begin() as session:
            crystals = load_crystals(session, [row.structure_id for row in open_rows])
        limit_s = study.campaign.time_limit_s
        n_worker = min(workspace.n_worker, len(open_rows))
        with KillablePool(asked.target, n_worker=n_worker, time_limit_s=limit_s, initializer=asked.initializer) as pool:
            for outcome in pool.run(enumerate(crystals)):
                row = open_rows[int(str(outcome.key))]
                with workspace.sessions.begin() as session:
                    good = _settle(session, run, asked, row, outcome, property_name, retried=workspace.retry_failed)
                advance(1, failed=int(not good))


def _settle_known(workspace: Workspace, asked: Oracle, row: queue.AcquisitionRow, property_name: str) -> bool:
    """Settle an acquisition from what another campaign already asked of the same oracle; return whether that was."""
    with workspace.sessions.begin() as session:
        known = label_id(session, row.structure_id, property_name, asked.method)
        if known is not None:
            return queue.settle_labelled(session, row.id, worker=str(row.claimed_by), label_id=known)
        if workspace.retry_failed:
            return False
        failures = latest_failure_ids(session, _STAGE, asked.name, [row.structure_id])
        if row.structure_id in failures:
            failure = failures[row.structure_id]
            return queue.settle_failed(session, row.id, worker=str(row.claimed_by), failure_id=failure)
    return False


def _settle(
    session: Session,
    run: LazyRun,
    asked: Oracle,
    row: queue.AcquisitionRow,
    outcome: Outcome,
    property_name: str,
    *,
    retried: bool,
) -> bool:
    """Write what the oracle said of one structure and settle its acquisition; return whether there is a label."""
    worker, failure = str(row.claimed_by), _failure(asked, row, outcome)
    if failure is None:
        labels = [
            LabelRecord(name, float(outcome.value[name]), asked.method, asked.origin) for name in asked.properties
        ]
        write_labels(session, run.id(session), [(row.structure_hash, record, None) for record in labels])
        known = label_id(session, row.structure_id, property_name, asked.method)
        assert known is not None
        queue.settle_labelled(session, row.id, worker=worker, label_id=known)
        return True
    write_failures(session, run.id(session), [failure], retried=retried)
    failure_id = latest_failure_ids(session, _STAGE, asked.name, [row.structure_id])[row.structure_id]
    queue.settle_failed(session, row.id, worker=worker, failure_id=failure_id)
    return False


def _failure(asked: Oracle, row: queue.AcquisitionRow, outcome: Outcome) -> FailureRecord | None:
    error_class, message = outcome.error_class, str(outcome.message)
    if outcome.ok:
        if outcome.value.get("born_stable", True):
            return None
        error_class = OracleError.__name__
        message = (
            "the elastic tensor is not positive definite, so the crystal is mechanically unstable "
            f"(K_VRH {outcome.value['k_vrh']:.1f} GPa, G_VRH {outcome.value['g_vrh']:.1f} GPa)"
        )
    return FailureRecord(
        _STAGE, row.structure_hash, str(error_class), message, outcome.seconds, asked.name, row.structure_hash
    )

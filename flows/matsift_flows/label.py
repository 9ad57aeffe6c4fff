"""Labelling: acquisitions that are open go to the oracle; each answer is a row before the next one is waited for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from matsift.errors import OracleError, UserInputError
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
_ALL = 1_000_000

#: Acquisitions of one structure, each with the property that its campaign is about.
Claims = list[tuple[queue.AcquisitionRow, str]]


@flow(name="label", validate_parameters=False)
def label(workspace: Workspace, study: Study, campaigns: Sequence[tuple[int, str]], title: str) -> int:
    """Label all open acquisitions of campaigns, given as (id, property); return how many were settled.

    A structure that several campaigns want is computed once. Whoever calls holds the lock of the study, so the claims
    that a killed run of the same study left behind are its own.
    """
    worker = f"matsift run {study.name}"
    claimed: dict[int, Claims] = defaultdict(list)
    with workspace.sessions.begin() as session:
        for campaign_id, property_name in campaigns:
            if workspace.retry_failed:
                queue.retry_failed(session, campaign_id)
            for row in _claim(session, study, campaign_id, worker):
                claimed[row.structure_id].append((row, property_name))
    if claimed:
        asked = oracle(study.campaign.oracle)
        parameters = {
            "what": title,
            "oracle": asked.name,
            "method": asked.method,
            "campaigns": [campaign_id for campaign_id, _ in campaigns],
            "retry_failed": workspace.retry_failed,
        }
        with workspace.run("label", study.name, parameters) as run:
            invoke(label_claimed, workspace, study, run, asked, list(claimed.values()), title)
    return sum(len(claims) for claims in claimed.values())


@task(name="label acquisitions", cache_policy=NO_CACHE)
def label_claimed(
    workspace: Workspace, study: Study, run: LazyRun, asked: Oracle, claimed: Sequence[Claims], title: str
) -> None:
    """Settle claimed acquisitions: by a label or failure that is there already, else by asking the oracle."""
    with workspace.sessions.begin() as session:
        open_claims = [left for claims in claimed if (left := _unknown(session, workspace, asked, claims))]
        crystals = load_crystals(session, [claims[0][0].structure_id for claims in open_claims])
    if not open_claims:
        return
    if asked.target is None:
        raise UserInputError(f"the oracle {asked.name!r} does not compute here")
    payloads = enumerate(asked.payload(crystal) for crystal in crystals)
    n_worker, limit_s = min(workspace.n_worker, len(open_claims)), study.campaign.time_limit_s
    with (
        workspace.reporter.work(title, len(open_claims), "structures") as advance,
        KillablePool(asked.target, n_worker=n_worker, time_limit_s=limit_s, initializer=asked.initializer) as pool,
    ):
        for outcome in pool.run(payloads):
            claims = open_claims[int(str(outcome.key))]
            failure = _failure(asked, claims[0][0], outcome)
            with workspace.sessions.begin() as session:
                if failure is None:
                    _settle_labelled(session, run, asked, claims, outcome)
                else:
                    write_failures(session, run.id(session), [failure], retried=workspace.retry_failed)
                    _settle_failed(session, asked, claims)
            advance(1, failed=int(failure is not None))


def _claim(session: Session, study: Study, campaign_id: int, worker: str) -> list[queue.AcquisitionRow]:
    """Return what this study already holds of a campaign's queue, and what it can claim now."""
    rows = queue.load_acquisitions(session, campaign_id)
    mine = [row for row in rows if row.status == "claimed" and row.claimed_by == worker]
    lease_s = 10 * study.campaign.time_limit_s
    return mine + queue.claim_acquisitions(session, campaign_id, worker=worker, limit=_ALL, lease_s=lease_s)


def _unknown(session: Session, workspace: Workspace, asked: Oracle, claims: Claims) -> Claims:
    """Settle claims from what the same oracle said before; return those on which it has not been asked."""
    left, structure_id = [], claims[0][0].structure_id
    for row, property_name in claims:
        known = label_id(session, structure_id, property_name, asked.method)
        if known is None:
            left.append((row, property_name))
        else:
            queue.settle_labelled(session, row.id, worker=str(row.claimed_by), label_id=known)
    failures = latest_failure_ids(session, _STAGE, asked.name, [structure_id])
    if left and structure_id in failures and not workspace.retry_failed:
        _settle_failed(session, asked, left)
        return []
    return left


def _settle_labelled(session: Session, run: LazyRun, asked: Oracle, claims: Claims, outcome: Outcome) -> None:
    structure_hash, structure_id = claims[0][0].structure_hash, claims[0][0].structure_id
    said = [
        (structure_hash, LabelRecord(name, float(outcome.value[name]), asked.method, asked.origin), None)
        for name in asked.properties
    ]
    write_labels(session, run.id(session), said)
    for row, property_name in claims:
        known = label_id(session, structure_id, property_name, asked.method)
        assert known is not None
        queue.settle_labelled(session, row.id, worker=str(row.claimed_by), label_id=known)


def _settle_failed(session: Session, asked: Oracle, claims: Claims) -> None:
    structure_id = claims[0][0].structure_id
    failure_id = latest_failure_ids(session, _STAGE, asked.name, [structure_id])[structure_id]
    for row, _ in claims:
        queue.settle_failed(session, row.id, worker=str(row.claimed_by), failure_id=failure_id)


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

"""Labelling: acquisitions that are open go to the oracle; each answer is a row before the next one is waited for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.execution.pools import open_pool
from matsift.study.settings import Study
from matsift_adapters.oracles.registry import Oracle
from matsift_flows.answers import answer_of, record
from matsift_flows.askings import Asking
from matsift_flows.leases import Heartbeat
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.replay import replay
from matsift_flows.workspace import Workspace
from matsift_schema.store import acquisitions as queue
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.settling import n_failure, settle_answered
from matsift_schema.store.structures import load_crystals

_LOOK_AGAIN_S = 2.0


@dataclass(frozen=True)
class Waiting:
    """Labels that others have to return before campaigns can go on: how many, and who holds how many of them."""

    oracle: str
    n_open: int
    holders: dict[str, int]


@inner_flow("label")
def label(workspace: Workspace, study: Study, asking: Asking, campaigns: Sequence[int], title: str) -> set[int]:
    """Label the open acquisitions of campaigns; return the ids of the campaigns that still wait for somebody.

    An oracle that computes is asked until nothing is open, beside whatever workers are at it; one that hands its work
    off has its answers in the database already, or they are waited for. Whoever calls holds the lock of the study, so
    the claims that a killed run of the same study left behind are its own.
    """
    asked, worker = asking.oracle, run_worker(study)
    with workspace.sessions.begin() as session:
        for campaign_id in campaigns if workspace.retry_failed else ():
            queue.retry_failed(session, campaign_id)
        settle_answered(session, campaigns=list(campaigns))
    if asked.mode == "replays":
        replay(workspace, study, campaigns)
    elif asked.mode == "computes":
        parameters = {
            "what": title,
            "oracle": asked.name,
            "method": asked.method,
            "campaigns": list(campaigns),
            "retry_failed": workspace.retry_failed,
        }
        with workspace.run("label", study.name, parameters) as run:
            told = False
            while _open(workspace, campaigns):
                if invoke(compute, workspace, study, run, asking, campaigns, worker, title):
                    continue
                if not told and (others := _open(workspace, campaigns)):
                    workspace.reporter.say(f"  {title}: waiting for {len(others)} that others have claimed")
                    told = True
                time.sleep(_LOOK_AGAIN_S)
    return {row.campaign_id for row in _open(workspace, campaigns)}


def run_worker(study: Study) -> str:
    """Return the name under which whoever holds the lock of a study claims."""
    return f"matsift run {study.name}"


@task(name="label acquisitions", cache_policy=NO_CACHE)
def compute(
    workspace: Workspace,
    study: Study,
    run: LazyRun,
    asking: Asking,
    campaigns: Sequence[int],
    worker: str,
    title: str,
) -> int:
    """Claim one acquisition after the other, as workers become free, and settle each; return how many.

    Raises
    ------
    UserInputError
        If something that the oracle needs is not installed on this machine; nothing is claimed.
    """
    asked = asking.oracle
    assert asked.target is not None
    asked.check()
    claims = _claims(workspace, study, asked, campaigns, worker)
    first = next(claims, None)
    if first is None:
        return 0
    n_open, done = len({row.structure_id for row in _open(workspace, campaigns)}), 0
    with (
        workspace.reporter.work(title, n_open, "structures") as advance,
        Heartbeat(workspace, worker, study.campaign.lease_s) as heartbeat,
        open_pool(
            asked.target,
            n_worker=min(workspace.n_worker, n_open),
            time_limit_s=asking.time_limit_s,
            initializer=asked.initializer,
        ) as pool,
    ):
        in_hand: dict[int, tuple[queue.AcquisitionRow, int]] = {}

        def payloads() -> Iterator[tuple[int, Any]]:
            for row, attempt, payload in chain([first], claims):
                in_hand[row.id] = row, attempt
                heartbeat.take(row.id)
                yield row.id, payload

        for outcome in pool.run(payloads(), ahead=0):
            row, attempt = in_hand.pop(int(str(outcome.key)))
            structure = row.structure_id, row.structure_hash
            answer = answer_of(asked, outcome)
            with workspace.sessions.begin() as session:
                said = record(session, run, asked, structure, answer, worker=worker, attempt=attempt)
            heartbeat.drop(row.id)
            advance(1, failed=int(said.failed))
            done += 1
    return done


def _claims(
    workspace: Workspace, study: Study, asked: Oracle, campaigns: Sequence[int], worker: str
) -> Iterator[tuple[queue.AcquisitionRow, int, Any]]:
    """Yield claims with their attempt and payload: first what the worker holds already, then one after the other."""
    lease_s = study.campaign.lease_s
    with workspace.sessions.begin() as session:
        held = queue.held_acquisitions(session, campaigns, worker)
        queue.renew_leases(session, [row.id for row in held], worker=worker, lease_s=lease_s)
    while True:
        if held:
            row = held.pop(0)
        else:
            with workspace.sessions.begin() as session:
                new = queue.claim_acquisitions(session, campaigns, worker=worker, limit=1, lease_s=lease_s)
            if not new:
                return
            row = new[0]
        with workspace.sessions.begin() as session:
            (crystal,) = load_crystals(session, [row.structure_id])
            attempt = n_failure(session, row.structure_hash, asked.method) + 1
        yield row, attempt, asked.payload(crystal)


def _open(workspace: Workspace, campaigns: Sequence[int]) -> list[queue.AcquisitionRow]:
    with workspace.sessions.begin() as session:
        return queue.open_acquisitions(session, campaigns)


def still_waiting(workspace: Workspace, asking: Asking, campaigns: Sequence[int]) -> Waiting | None:
    """Return what campaigns wait for, None where nothing is open."""
    rows = _open(workspace, campaigns)
    if not rows:
        return None
    holders = Counter(str(row.claimed_by) for row in rows if row.status == "claimed")
    n_open = len({row.structure_hash for row in rows})
    return Waiting(asking.oracle.name, n_open, dict(sorted(holders.items())))

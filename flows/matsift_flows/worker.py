"""A worker that computes beside others: it claims one acquisition after the other and needs no lock of the study."""

from __future__ import annotations

import os
import socket
from contextlib import suppress

from sqlalchemy.orm import Session

from matsift.errors import UserInputError
from matsift.study.settings import Study
from matsift_adapters.oracles.registry import Oracle, oracle
from matsift_flows.label import compute
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.workspace import Workspace
from matsift_schema.faults import DATABASE_ERRORS
from matsift_schema.store import acquisitions as queue
from matsift_schema.store.campaigns import current_campaigns


def default_worker() -> str:
    """Return a name for this process that no other has."""
    return f"{socket.gethostname()}-{os.getpid()}"


def campaigns_of(session: Session, study: Study, asked: Oracle) -> dict[int, str]:
    """Return id -> property of the campaigns of a study that ask an oracle.

    Raises
    ------
    UserInputError
        If there is none yet.
    """
    found = dict(current_campaigns(session, study.name, asked.method))
    if not found:
        raise UserInputError(
            f"the study {study.name} has no campaign with the oracle {asked.name} ({asked.method}) yet; "
            "`matsift run` or `matsift acquire` begins it"
        )
    return found


@inner_flow("work")
def work(workspace: Workspace, study: Study, worker: str) -> int:
    """Compute what the campaigns of a study wait for until nothing is left to claim; return how many were settled.

    Any number of workers may be at it, and a `matsift run` too. One that is stopped gives its claims back; one that is
    killed loses them when its leases end, or goes on with them under the same name.

    Raises
    ------
    UserInputError
        If the oracle does not compute, or the study has no campaign yet.
    """
    asked = oracle(study.campaign.oracle)
    if asked.mode == "hands_off":
        raise UserInputError(
            f"the oracle {asked.name} works elsewhere; hand structures out with `matsift claim`, and read what came "
            "back with `matsift label STUDY --from DIR`"
        )
    if asked.mode == "replays":
        raise UserInputError("replayed labels need no worker; `matsift acquire` takes them")
    with workspace.alone_as(worker):
        with workspace.sessions.begin() as session:
            campaigns = list(campaigns_of(session, study, asked))
            if workspace.retry_failed:
                for campaign_id in campaigns:
                    queue.retry_failed(session, campaign_id)
        parameters = {"worker": worker, "oracle": asked.name, "method": asked.method, "campaigns": campaigns}
        settled = 0
        try:
            with workspace.run("label", study.name, parameters) as run:
                while new := invoke(compute, workspace, study, run, asked, campaigns, worker, f"label as {worker}"):
                    settled += new
        finally:
            with suppress(*DATABASE_ERRORS), workspace.sessions.begin() as session:
                for row in queue.held_acquisitions(session, campaigns, worker):
                    queue.release(session, row.id, worker=worker, reason=f"{worker} stopped")
    return settled

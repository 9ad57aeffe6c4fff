"""A worker that computes beside others: it claims one acquisition after the other and needs no lock of the study."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy.orm import Session

from matsift.errors import UserInputError
from matsift.study.settings import Study
from matsift_adapters.oracles.registry import Oracle
from matsift_flows.askings import Asking, askings
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
        raise _not_begun(study, asked)
    return found


def _not_begun(study: Study, asked: Oracle) -> UserInputError:
    return UserInputError(
        f"the study {study.name} has no campaign with the oracle {asked.name} ({asked.method}) yet; "
        "`matsift run` or `matsift acquire` begins it"
    )


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
    every = askings(study)
    computing = [asking for asking in every if asking.oracle.mode == "computes"]
    if not computing and every[0].oracle.mode == "hands_off":
        raise UserInputError(
            f"the oracle {every[0].oracle.name} works elsewhere; hand structures out with `matsift claim`, and read "
            "what came back with `matsift label STUDY --from DIR`"
        )
    if not computing:
        raise UserInputError("replayed labels need no worker; `matsift acquire` takes them")
    with workspace.alone_as(worker):
        with workspace.sessions.begin() as session:
            began = [(asking, current_campaigns(session, study.name, asking.oracle.method)) for asking in computing]
            found = [(asking, [key for key, _ in rows]) for asking, rows in began if rows]
        if not found:
            raise _not_begun(study, computing[0].oracle)
        return sum(_work(workspace, study, asking, campaigns, worker) for asking, campaigns in found)


def _work(workspace: Workspace, study: Study, asking: Asking, campaigns: Sequence[int], worker: str) -> int:
    """Compute what campaigns that ask one oracle wait for; return how many were settled."""
    asked = asking.oracle
    if workspace.retry_failed:
        with workspace.sessions.begin() as session:
            for campaign_id in campaigns:
                queue.retry_failed(session, campaign_id)
    parameters = {"worker": worker, "oracle": asked.name, "method": asked.method, "campaigns": list(campaigns)}
    settled = 0
    try:
        with workspace.run("label", study.name, parameters) as run:
            while new := invoke(compute, workspace, study, run, asking, campaigns, worker, f"label as {worker}"):
                settled += new
    finally:
        with suppress(*DATABASE_ERRORS), workspace.sessions.begin() as session:
            for row in queue.held_acquisitions(session, campaigns, worker):
                queue.release(session, row.id, worker=worker, reason=f"{worker} stopped")
    return settled

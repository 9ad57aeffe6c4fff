"""Replay: an acquisition is settled by the label that a source states already, read only now that it is picked."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from matsift.errors import UserInputError
from matsift.screening.quality import rule_set_hash
from matsift.study.settings import Study
from matsift_flows.workspace import Workspace
from matsift_schema.store import acquisitions as queue
from matsift_schema.store.labels import label_table
from matsift_schema.store.settling import settle_labelled

_WORKER = "replay"
_LEASE_S = 60.0
_AT_ONCE = 1000


def replay(workspace: Workspace, study: Study, campaigns: Sequence[int]) -> int:
    """Settle the open acquisitions of campaigns by labels of the study's sources; return how many.

    Raises
    ------
    UserInputError
        If a source no longer states the label of a structure that was held back.
    """
    settled = 0
    while True:
        with workspace.sessions.begin() as session:
            claimed = queue.claim_acquisitions(session, campaigns, worker=_WORKER, limit=_AT_ONCE, lease_s=_LEASE_S)
            if not claimed:
                return settled
            for property_name in sorted({row.property_name for row in claimed}):
                rows = [row for row in claimed if row.property_name == property_name]
                known = _known(session, study, property_name, [row.structure_id for row in rows])
                for row in rows:
                    if row.structure_id not in known:
                        raise UserInputError(
                            f"no source states an accepted {property_name} of {row.formula} "
                            f"({row.structure_hash[:12]}) any more; begin the replay anew with another seed"
                        )
                    label_id = known[row.structure_id]
                    settle_labelled(session, row.id, worker=_WORKER, label_id=label_id)
            settled += len(claimed)


def _known(session: Session, study: Study, property_name: str, structure_ids: Sequence[int]) -> dict[int, int]:
    """Return structure id -> id of the label that the study's sources give it."""
    origins = {f"source:{source.name}" for source in study.sources}
    labels = label_table(
        session,
        [property_name],
        rule_set=rule_set_hash(study.labels.rules),
        methods=study.labels.methods,
        structure_ids=structure_ids,
    )
    found: dict[int, int] = {}
    for i in range(len(labels)):
        if labels.verdicts[i] == "accepted" and labels.origins[i] in origins:
            found.setdefault(int(labels.structure_ids[i]), int(labels.label_ids[i]))
    return found

"""What became of structures that a study handed to an oracle: the newest acquisition of each."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Ids


@dataclass(frozen=True)
class HandedOff:
    """The state of one acquisition; the label, in its property's unit, is None until there is one.

    `reason` says why it took its state, None where that is plain.
    """

    oracle: str
    status: str
    property_name: str
    unit: str
    value: float | None
    method: str | None
    reason: str | None


def handed_off(session: Session, study: str, structure_ids: Ids) -> dict[int, HandedOff]:
    """Return structure id -> the newest acquisition of a structure by the campaigns of a study."""
    query = text("""
        SELECT DISTINCT ON (a.structure_id) a.structure_id, c.oracle, a.status, p.name, p.unit, l.value, l.method,
               a.reason
        FROM matsift.acquisition a JOIN matsift.campaign c ON c.id = a.campaign_id
        JOIN matsift.property p ON p.id = c.property_id LEFT JOIN matsift.label l ON l.id = a.label_id
        WHERE c.study = :study AND a.structure_id = ANY(CAST(:ids AS int8[]))
        ORDER BY a.structure_id, a.id DESC
    """)
    rows = session.execute(query, {"study": study, "ids": [int(key) for key in structure_ids]})
    return {int(key): HandedOff(*rest) for key, *rest in rows}

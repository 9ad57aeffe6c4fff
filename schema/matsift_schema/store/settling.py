"""What becomes of acquisitions: labelled or failed, by whoever holds them or by an answer that is there already."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Stage of the failures of oracles; their detail is the method, so that another method is another question.
STAGE = "label"

_AMONG = {
    "acquisition_ids": "a.id = ANY(CAST(:acquisition_ids AS int8[]))",
    "campaigns": "a.campaign_id = ANY(CAST(:campaigns AS int8[]))",
    "structure_id": "a.structure_id = :structure_id AND a.oracle_method = :method",
}
# Locked in one order, so that two that settle at once never wait for each other.
_LABELLED = """
    WITH answered AS (
        SELECT a.id, l.id AS label_id
        FROM matsift.acquisition a JOIN matsift.campaign c ON c.id = a.campaign_id
        CROSS JOIN LATERAL (
            SELECT l.id FROM matsift.label l
            WHERE (l.structure_id, l.property_id, l.method) = (a.structure_id, c.property_id, a.oracle_method)
            ORDER BY l.revision DESC, l.id DESC LIMIT 1) AS l
        WHERE a.status IN ('proposed', 'claimed', 'released') AND {among}
        ORDER BY a.id FOR UPDATE OF a {locked}
    )
    UPDATE matsift.acquisition a
    SET status = 'labelled', label_id = answered.label_id, lease_expires_at = NULL, updated_at = clock_timestamp(),
        reason = CASE WHEN a.status = 'claimed' AND a.claimed_by = :worker THEN NULL
                      WHEN a.status = 'claimed' THEN :worker || ' answered before ' || a.claimed_by
                      ELSE 'answered for another campaign, or before' END,
        claimed_by = coalesce(:worker, a.claimed_by)
    FROM answered WHERE a.id = answered.id RETURNING a.id
"""
# A failure that was dismissed by a retry is no answer; nor is one for a claim that another worker is at.
_FAILED = """
    WITH answered AS (
        SELECT a.id, f.id AS failure_id, f.message
        FROM matsift.acquisition a JOIN matsift.structure s ON s.id = a.structure_id
        CROSS JOIN LATERAL (
            SELECT f.id, f.message FROM matsift.failure f
            WHERE f.stage = '{stage}' AND f.subject = s.content_hash AND f.detail = a.oracle_method
            ORDER BY f.id DESC LIMIT 1) AS f
        WHERE f.id > coalesce(a.failure_id, 0) AND {among}
          AND (a.status IN ('proposed', 'released') OR (a.status = 'claimed' AND a.claimed_by = :worker))
        ORDER BY a.id FOR UPDATE OF a {locked}
    )
    UPDATE matsift.acquisition a
    SET status = 'failed', failure_id = answered.failure_id, lease_expires_at = NULL, updated_at = clock_timestamp(),
        reason = answered.message, claimed_by = coalesce(:worker, a.claimed_by)
    FROM answered WHERE a.id = answered.id RETURNING a.id
"""


def settle_answered(session: Session, *, worker: str | None = None, **among: Any) -> int:
    """Settle acquisitions that have an answer: a label of their property, or else a failure; return how many.

    A label settles whoever holds the claim; a failure settles the claims of `worker` and what nobody holds, unless a
    retry dismissed it. Flushed, not committed.

    Parameters
    ----------
    session
        Where.
    worker
        Who answered; None for what was known before.
    among
        Which: `acquisition_ids`, `campaigns`, or `structure_id` and `method`.
    """
    condition = _AMONG["structure_id" if "method" in among else next(iter(among))]
    # Whoever looks up passes over what others have in hand; whoever answers waits, so that nobody misses the answer.
    locked = "" if "method" in among else "SKIP LOCKED"
    values = {**among, "worker": worker}
    settled = 0
    for statement in (_LABELLED, _FAILED):
        query = text(statement.format(among=condition, stage=STAGE, locked=locked))
        settled += len(session.execute(query, values).all())
    return settled


def settle_labelled(session: Session, acquisition_id: int, *, worker: str, label_id: int) -> bool:
    """Note the label of a claimed acquisition; False where the worker lost the claim. Flushed, not committed."""
    return _settle(session, acquisition_id, worker, "status = 'labelled', label_id = :other", label_id)


def settle_failed(session: Session, acquisition_id: int, *, worker: str, failure_id: int) -> bool:
    """Note the failure of a claimed acquisition; False where the worker lost the claim. Flushed, not committed."""
    return _settle(session, acquisition_id, worker, "status = 'failed', failure_id = :other", failure_id)


def has_result(session: Session, structure_id: int, method: str) -> bool:
    """Return whether a method has given labels of a structure."""
    query = text(
        "SELECT EXISTS (SELECT FROM matsift.oracle_result WHERE structure_id = :structure_id AND method = :method)"
    )
    return bool(session.scalar(query, {"structure_id": structure_id, "method": method}))


def open_properties(session: Session, structure_id: int, method: str) -> list[str]:
    """Return the properties of a structure that campaigns still want from a method of an oracle, by name."""
    query = text("""
        SELECT DISTINCT p.name FROM matsift.acquisition a
        JOIN matsift.campaign c ON c.id = a.campaign_id JOIN matsift.property p ON p.id = c.property_id
        WHERE a.structure_id = :structure_id AND a.oracle_method = :method
          AND a.status IN ('proposed', 'claimed', 'released') ORDER BY p.name
    """)
    return list(session.scalars(query, {"structure_id": structure_id, "method": method}))


def n_failure(session: Session, structure_hash: str, method: str) -> int:
    """Return how many attempts of a method at a structure have failed."""
    query = text(
        "SELECT coalesce(max(attempt), 0) FROM matsift.failure"
        " WHERE stage = :stage AND subject = :structure_hash AND detail = :method"
    )
    values = {"stage": STAGE, "structure_hash": structure_hash, "method": method}
    return int(session.execute(query, values).scalar_one())


def write_result(
    session: Session,
    run_id: int,
    structure_id: int,
    method: str,
    *,
    detail: Mapping[str, Any],
    worker: str,
    seconds: float = 0.0,
) -> bool:
    """Write what an oracle said beside its labels, plain JSON; False where a result was there. Not committed."""
    query = text("""
        INSERT INTO matsift.oracle_result (structure_id, method, detail, worker, seconds, run_id)
        VALUES (:structure_id, :method, CAST(:detail AS jsonb), :worker, :seconds, :run_id)
        ON CONFLICT (structure_id, method) DO NOTHING RETURNING id
    """)
    values = {"structure_id": structure_id, "method": method, "worker": worker, "seconds": max(seconds, 0.0)}
    values |= {"detail": json.dumps(dict(detail)), "run_id": run_id}
    return session.execute(query, values).scalar_one_or_none() is not None


def _settle(session: Session, acquisition_id: int, worker: str, change: str, other: int) -> bool:
    query = text(
        f"UPDATE matsift.acquisition SET {change}, lease_expires_at = NULL, updated_at = clock_timestamp(),"  # noqa: S608
        " reason = NULL WHERE id = :id AND status = 'claimed' AND claimed_by = :worker RETURNING id"
    )
    values: dict[str, object] = {"id": acquisition_id, "worker": worker, "other": other}
    return session.execute(query, values).scalar_one_or_none() is not None

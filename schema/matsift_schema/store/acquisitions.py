"""The queue of acquisitions: claimed under a lease by one worker each, kept by signs of life, given back.

What becomes of a claim stands in `settling`. A structure is with one method of an oracle once at a time, whichever
campaigns want it: the database refuses a second claim, so the others wait for the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.leases import lease_ended
from matsift_schema.store.settling import settle_answered

#: The states in which an acquisition still waits for an answer.
OPEN = ("proposed", "claimed", "released")


@dataclass(frozen=True)
class AcquisitionRow:
    """A candidate chosen for labelling; `status` is proposed, claimed, labelled, failed or released."""

    id: int
    campaign_id: int
    property_name: str
    round_number: int
    structure_id: int
    structure_hash: str
    formula: str
    rank: int
    score: float
    status: str
    claimed_by: str | None
    lease_expires_at: datetime | None
    external_job: str | None
    label_id: int | None
    failure_id: int | None
    oracle_method: str


_ROW = """
    a.id, a.campaign_id, p.name, r.number, a.structure_id, s.content_hash, s.reduced_formula, a.rank, a.score, a.status,
    a.claimed_by, a.lease_expires_at, a.external_job, a.label_id, a.failure_id, a.oracle_method
"""
_FROM = """
    matsift.acquisition a
    JOIN matsift.campaign c ON c.id = a.campaign_id JOIN matsift.property p ON p.id = c.property_id
    JOIN matsift.campaign_round r ON r.id = a.campaign_round_id JOIN matsift.structure s ON s.id = a.structure_id
"""
_ORDER = "ORDER BY r.number, a.rank, a.campaign_id"
_IS_CLAIMABLE = f"""
    (a.status IN ('proposed', 'released') OR (a.status = 'claimed' AND {lease_ended("a")}))
"""
# SKIP LOCKED: two workers that claim at the same moment get different acquisitions.
_PICK = text(f"""
    SELECT a.id, a.structure_id, a.oracle_method
    FROM matsift.acquisition a JOIN matsift.campaign_round r ON r.id = a.campaign_round_id
    WHERE a.campaign_id = ANY(CAST(:campaigns AS int8[])) AND {_IS_CLAIMABLE}
      AND a.id <> ALL(CAST(:passed AS int8[]))
      AND NOT EXISTS (
          SELECT FROM matsift.acquisition o
          WHERE (o.structure_id, o.oracle_method) = (a.structure_id, a.oracle_method)
            AND o.status = 'claimed' AND o.id <> a.id AND NOT {lease_ended("o")})
    {_ORDER} LIMIT :limit FOR UPDATE OF a SKIP LOCKED
""")  # noqa: S608  constants of this module
# Whoever claims a structure for another campaign at this moment holds this lock until it is committed.
_ALONE = text("""
    SELECT id FROM unnest(CAST(:ids AS int8[]), CAST(:keys AS text[])) AS picked (id, key)
    WHERE pg_try_advisory_xact_lock(7242005, hashtext(key))
""")
_GIVE_BACK_RIVALS = text(f"""
    WITH rivals AS (
        SELECT o.id FROM matsift.acquisition a JOIN matsift.acquisition o
          ON (o.structure_id, o.oracle_method) = (a.structure_id, a.oracle_method) AND o.id <> a.id
        WHERE a.id = ANY(CAST(:ids AS int8[])) AND o.status = 'claimed' AND {lease_ended("o")}
        ORDER BY o.id FOR UPDATE OF o SKIP LOCKED
    )
    UPDATE matsift.acquisition a SET status = 'released', lease_expires_at = NULL, updated_at = clock_timestamp(),
           reason = 'the lease of ' || a.claimed_by || ' ended'
    FROM rivals WHERE a.id = rivals.id
""")  # noqa: S608  the condition is a constant
_TAKE = text("""
    UPDATE matsift.acquisition a
    SET status = 'claimed', claimed_by = :worker, heartbeat_at = clock_timestamp(), external_job = NULL,
        lease_expires_at = clock_timestamp() + make_interval(secs => :lease_s), updated_at = clock_timestamp(),
        reason = CASE WHEN a.status = 'claimed' THEN 'the lease of ' || a.claimed_by || ' ended' END
    WHERE a.id = ANY(CAST(:ids AS int8[])) AND NOT EXISTS (
        SELECT FROM matsift.acquisition o
        WHERE (o.structure_id, o.oracle_method) = (a.structure_id, a.oracle_method)
          AND o.status = 'claimed' AND o.id <> a.id)
    RETURNING a.id
""")


def load_acquisitions(session: Session, campaign_id: int) -> list[AcquisitionRow]:
    """Return all acquisitions of a campaign, by round and rank."""
    return _rows(session, "a.campaign_id = :id", id=campaign_id)


def held_acquisitions(session: Session, campaigns: Sequence[int], worker: str) -> list[AcquisitionRow]:
    """Return what a worker has claimed of campaigns, by round and rank; their leases may have ended."""
    condition = "a.campaign_id = ANY(CAST(:ids AS int8[])) AND a.status = 'claimed' AND a.claimed_by = :worker"
    return _rows(session, condition, ids=list(campaigns), worker=worker)


def open_acquisitions(session: Session, campaigns: Sequence[int]) -> list[AcquisitionRow]:
    """Return what campaigns still wait for, by round and rank."""
    condition = "a.campaign_id = ANY(CAST(:ids AS int8[])) AND a.status = ANY(:open)"
    return _rows(session, condition, ids=list(campaigns), open=list(OPEN))


def claim_acquisitions(
    session: Session, campaigns: int | Sequence[int], *, worker: str, limit: int, lease_s: float
) -> list[AcquisitionRow]:
    """Claim the next acquisitions of campaigns for a worker until the lease ends; flushed, not committed.

    Proposed and released ones are claimable, and claimed ones whose lease has expired, by round and rank. What another
    campaign has with the same method of the oracle is passed over, and what is answered already is settled instead, so
    there may be fewer than asked for. Commit at once: until then the rows are locked, and only afterwards does the
    lease protect them.
    """
    ids = [campaigns] if isinstance(campaigns, int) else list(campaigns)
    settle_answered(session, campaigns=ids)
    passed: list[int] = []
    taken: list[int] = []
    while len(taken) < limit:
        values = {"campaigns": ids, "passed": passed, "limit": limit - len(taken)}
        picked = session.execute(_PICK, values).tuples().all()
        if not picked:
            break
        passed += [key for key, *_ in picked]
        first = {f"{structure} {method}": key for key, structure, method in reversed(picked)}
        alone = list(session.scalars(_ALONE, {"ids": list(first.values()), "keys": list(first)}))
        # From here on each statement sees what others committed before this transaction was alone with the structures.
        session.execute(_GIVE_BACK_RIVALS, {"ids": alone})
        new = list(session.scalars(_TAKE, {"ids": alone, "worker": worker, "lease_s": lease_s}))
        settle_answered(session, acquisition_ids=new, worker=worker)
        taken += session.scalars(
            text("SELECT id FROM matsift.acquisition WHERE id = ANY(CAST(:ids AS int8[])) AND status = 'claimed'"),
            {"ids": new},
        )
    return _rows(session, "a.id = ANY(CAST(:ids AS int8[]))", ids=taken) if taken else []


def renew_leases(session: Session, acquisition_ids: Sequence[int], *, worker: str, lease_s: float) -> set[int]:
    """Give a sign of life for claimed acquisitions: extend their leases, and return those that the worker still holds.

    Flushed, not committed. One that is being settled at this moment counts as held.
    """
    query = text("""
        WITH mine AS (
            SELECT id FROM matsift.acquisition
            WHERE id = ANY(CAST(:ids AS int8[])) AND status = 'claimed' AND claimed_by = :worker
            ORDER BY id FOR UPDATE SKIP LOCKED
        ), renewed AS (
            UPDATE matsift.acquisition a SET heartbeat_at = clock_timestamp(),
                   lease_expires_at = clock_timestamp() + make_interval(secs => :lease_s)
            FROM mine WHERE a.id = mine.id
        )
        SELECT id FROM matsift.acquisition
        WHERE id = ANY(CAST(:ids AS int8[])) AND status = 'claimed' AND claimed_by = :worker
    """)
    values = {"ids": list(acquisition_ids), "worker": worker, "lease_s": lease_s}
    return set(session.scalars(query, values))


def note_job(session: Session, acquisition_id: int, *, worker: str, job: str) -> bool:
    """Note the worker's own name of the work on a claim; False where the worker lost it. Flushed, not committed."""
    query = text("""
        UPDATE matsift.acquisition SET external_job = :job, heartbeat_at = clock_timestamp()
        WHERE id = :id AND status = 'claimed' AND claimed_by = :worker RETURNING id
    """)
    values = {"id": acquisition_id, "worker": worker, "job": job}
    return session.execute(query, values).scalar_one_or_none() is not None


def release(session: Session, acquisition_id: int, *, worker: str, reason: str | None = None) -> bool:
    """Give a claimed acquisition back; False where the worker lost the claim. Flushed, not committed."""
    query = text("""
        UPDATE matsift.acquisition SET status = 'released', lease_expires_at = NULL, updated_at = clock_timestamp(),
               reason = coalesce(:reason, 'given back by ' || claimed_by)
        WHERE id = :id AND status = 'claimed' AND claimed_by = :worker RETURNING id
    """)
    values = {"id": acquisition_id, "worker": worker, "reason": reason}
    return session.execute(query, values).scalar_one_or_none() is not None


def retry_failed(session: Session, campaign_id: int) -> int:
    """Make the failed acquisitions of a campaign claimable again; return how many. Flushed, not committed.

    Each keeps its failure: only a newer one, or a label, is an answer from now on.
    """
    query = text("""
        UPDATE matsift.acquisition SET status = 'released', updated_at = clock_timestamp(),
               reason = 'to be tried again'
        WHERE status = 'failed' AND campaign_id = :campaign_id RETURNING id
    """)
    return len(session.execute(query, {"campaign_id": campaign_id}).all())


def _rows(session: Session, condition: str, **values: object) -> list[AcquisitionRow]:
    query = text(f"SELECT {_ROW} FROM {_FROM} WHERE {condition} {_ORDER}")  # noqa: S608  constants of this module
    return [AcquisitionRow(*row) for row in session.execute(query, values)]

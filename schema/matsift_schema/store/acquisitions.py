"""The queue of acquisitions: claimed under a lease by one worker each, then settled."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class AcquisitionRow:
    """A candidate chosen for labelling; `status` is proposed, claimed, labelled, failed or released."""

    id: int
    campaign_id: int
    round_number: int
    structure_id: int
    structure_hash: str
    rank: int
    score: float
    status: str
    claimed_by: str | None


_ROW = """
    a.id, a.campaign_id, r.number, a.structure_id, s.content_hash, a.rank, a.score, a.status, a.claimed_by
"""
_JOINED = """
    JOIN matsift.campaign_round r ON r.id = a.campaign_round_id JOIN matsift.structure s ON s.id = a.structure_id
"""
# SKIP LOCKED: two workers that claim at the same moment get different acquisitions.
_CLAIM = text(f"""
    WITH claimable AS (
        SELECT a.id FROM matsift.acquisition a JOIN matsift.campaign_round r ON r.id = a.campaign_round_id
        WHERE a.campaign_id = :campaign_id
          AND (a.status IN ('proposed', 'released')
               OR (a.status = 'claimed' AND a.lease_expires_at < clock_timestamp()))
        ORDER BY r.number, a.rank LIMIT :limit FOR UPDATE OF a SKIP LOCKED
    ), claimed AS (
        UPDATE matsift.acquisition a
        SET status = 'claimed', claimed_by = :worker, updated_at = clock_timestamp(),
            lease_expires_at = clock_timestamp() + make_interval(secs => :lease_s)
        FROM claimable WHERE a.id = claimable.id RETURNING a.*
    )
    SELECT {_ROW} FROM claimed a {_JOINED} ORDER BY r.number, a.rank
""")  # noqa: S608  constants of this module


def load_acquisitions(session: Session, campaign_id: int) -> list[AcquisitionRow]:
    """Return all acquisitions of a campaign, by round and rank."""
    query = text(
        f"SELECT {_ROW} FROM matsift.acquisition a {_JOINED}"  # noqa: S608  constants of this module
        " WHERE a.campaign_id = :id ORDER BY r.number, a.rank"
    )
    return [AcquisitionRow(*row) for row in session.execute(query, {"id": campaign_id})]


def claim_acquisitions(
    session: Session, campaign_id: int, *, worker: str, limit: int, lease_s: float
) -> list[AcquisitionRow]:
    """Claim the next acquisitions of a campaign for a worker until the lease ends; flushed, not committed.

    Proposed and released ones are claimable, and claimed ones whose lease has expired. Commit at once: until then the
    rows are locked, and only afterwards does the lease protect them.
    """
    values = {"campaign_id": campaign_id, "worker": worker, "limit": limit, "lease_s": lease_s}
    return [AcquisitionRow(*row) for row in session.execute(_CLAIM, values)]


def settle_labelled(session: Session, acquisition_id: int, *, worker: str, label_id: int) -> bool:
    """Note the label of a claimed acquisition; False where the worker lost the claim. Flushed, not committed."""
    return _settle(session, acquisition_id, worker, "status = 'labelled', label_id = :other", label_id)


def settle_failed(session: Session, acquisition_id: int, *, worker: str, failure_id: int) -> bool:
    """Note the failure of a claimed acquisition; False where the worker lost the claim. Flushed, not committed."""
    return _settle(session, acquisition_id, worker, "status = 'failed', failure_id = :other", failure_id)


def release(session: Session, acquisition_id: int, *, worker: str) -> bool:
    """Give a claimed acquisition back; False where the worker lost the claim. Flushed, not committed."""
    return _settle(session, acquisition_id, worker, "status = 'released'", None)


def renew_lease(session: Session, acquisition_id: int, *, worker: str, lease_s: float) -> bool:
    """Extend the lease of a claimed acquisition; False where the worker lost the claim. Flushed, not committed."""
    query = text("""
        UPDATE matsift.acquisition SET lease_expires_at = clock_timestamp() + make_interval(secs => :lease_s)
        WHERE id = :id AND status = 'claimed' AND claimed_by = :worker RETURNING id
    """)
    values = {"id": acquisition_id, "worker": worker, "lease_s": lease_s}
    return session.execute(query, values).scalar_one_or_none() is not None


def release_expired(session: Session, campaign_id: int | None = None) -> int:
    """Give back all claims whose lease has ended; return how many. Flushed, not committed."""
    query = text("""
        UPDATE matsift.acquisition SET status = 'released', lease_expires_at = NULL, updated_at = clock_timestamp()
        WHERE status = 'claimed' AND lease_expires_at < clock_timestamp()
          AND (CAST(:campaign_id AS int8) IS NULL OR campaign_id = :campaign_id)
        RETURNING id
    """)
    return len(session.execute(query, {"campaign_id": campaign_id}).all())


def retry_failed(session: Session, campaign_id: int) -> int:
    """Make the failed acquisitions of a campaign claimable again; return how many. Flushed, not committed."""
    query = text("""
        UPDATE matsift.acquisition SET status = 'released', updated_at = clock_timestamp()
        WHERE status = 'failed' AND campaign_id = :campaign_id RETURNING id
    """)
    return len(session.execute(query, {"campaign_id": campaign_id}).all())


def _settle(session: Session, acquisition_id: int, worker: str, change: str, other: int | None) -> bool:
    query = text(
        f"UPDATE matsift.acquisition SET {change}, lease_expires_at = NULL, updated_at = clock_timestamp()"  # noqa: S608
        " WHERE id = :id AND status = 'claimed' AND claimed_by = :worker RETURNING id"
    )
    values: dict[str, object] = {"id": acquisition_id, "worker": worker}
    if other is not None:
        values["other"] = other
    return session.execute(query, values).scalar_one_or_none() is not None

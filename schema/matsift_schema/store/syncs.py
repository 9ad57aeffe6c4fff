"""How far a source is in step: what is known of it, what it withdrew, and what came of reading it to its end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.records import WithdrawnRecord

_WITHDRAW = """
    UPDATE matsift.source_entry e SET withdrawn_at = clock_timestamp(), withdrawn_reason = {reason}
    FROM matsift.source s
    WHERE s.id = e.source_id AND s.name = :name AND e.withdrawn_at IS NULL AND {which}
    RETURNING e.external_id
"""


@dataclass(frozen=True)
class SyncCounts:
    """What came of reading a source to its end, in entries.

    `n_stated` is the source's own count, None where it gives none, and `n_excluded` of these the study's rules left
    out; `failed` are entries without a structure. Of a reading that is not whole the counts say what came.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    failed: int = 0
    n_stated: int | None = None
    is_whole: bool = True
    n_excluded: int = 0

    def as_dict(self) -> dict[str, int | bool | None]:
        """Return the counts by the words that a summary uses."""
        return asdict(self)

    @property
    def n_entry(self) -> int:
        """Entries that the source states now."""
        return self.new + self.changed + self.unchanged


def known_revisions(session: Session, source_name: str, *, with_failed: bool = True) -> dict[str, str]:
    """Return external id -> revision of what a source states now; what has none is left out.

    With ``with_failed=False`` entries without a structure, or with a failure, are left out too: they are to be retried.
    """
    query = text("""
        SELECT e.external_id, e.revision
        FROM matsift.source_entry e JOIN matsift.source s ON s.id = e.source_id
        WHERE s.name = :name AND e.withdrawn_at IS NULL AND e.revision IS NOT NULL
          AND (:with_failed OR (e.structure_id IS NOT NULL
               AND NOT EXISTS (SELECT FROM matsift.failure f WHERE f.source_entry_id = e.id)))
    """)
    return dict(session.execute(query, {"name": source_name, "with_failed": with_failed}).tuples().all())


def without_structure(session: Session, source_name: str) -> set[str]:
    """Return the ids of entries that a source states now and that gave no structure."""
    query = text("""
        SELECT e.external_id FROM matsift.source_entry e JOIN matsift.source s ON s.id = e.source_id
        WHERE s.name = :name AND e.withdrawn_at IS NULL AND e.structure_id IS NULL
    """)
    return set(session.scalars(query, {"name": source_name}))


def latest_snapshot(session: Session, source_name: str) -> tuple[str, int] | None:
    """Return content hash and number of entries of the newest state of a source that was ingested to its end."""
    query = text("""
        SELECT p.content_hash, p.n_entry FROM matsift.source_snapshot p JOIN matsift.source s ON s.id = p.source_id
        WHERE s.name = :name ORDER BY p.id DESC LIMIT 1
    """)
    found = session.execute(query, {"name": source_name}).one_or_none()
    return None if found is None else (found.content_hash, found.n_entry)


def write_source_snapshot(
    session: Session, run_id: int, source_name: str, *, version: str, content_hash: str, counts: SyncCounts
) -> bool:
    """Note that a source was ingested to its end; return whether its state is another than last time.

    A source that returns to an earlier state takes a row again. Flushed, not committed.
    """
    insert = text("""
        INSERT INTO matsift.source_snapshot (source_id, version, content_hash, n_entry, n_failure, n_stated, n_new,
                                             n_changed, n_unchanged, n_withdrawn, run_id)
        SELECT s.id, :version, :content_hash, :n_entry, :failed, :n_stated, :new, :changed, :unchanged, :withdrawn,
               :run_id
        FROM matsift.source s
        WHERE s.name = :name AND :content_hash IS DISTINCT FROM (
            SELECT p.content_hash FROM matsift.source_snapshot p WHERE p.source_id = s.id ORDER BY p.id DESC LIMIT 1)
        RETURNING id
    """)
    values = {"name": source_name, "version": version, "content_hash": content_hash, "run_id": run_id}
    return session.scalar(insert, {**values, **counts.as_dict(), "n_entry": counts.n_entry}) is not None


def withdraw_missing(session: Session, source_name: str, stated: Collection[str]) -> int:
    """Mark as withdrawn what a source no longer states; return how many ids. Flushed, not committed.

    `stated` holds all external ids of the newest complete state. Nothing is deleted.
    """
    query = text(_WITHDRAW.format(reason="'not_stated'", which="e.external_id <> ALL(:stated)"))
    return len(set(session.scalars(query, {"name": source_name, "stated": list(stated)})))


def withdraw(session: Session, source_name: str, withdrawn: Sequence[WithdrawnRecord]) -> int:
    """Mark as withdrawn what a source takes back by name; return how many were current. Flushed, not committed."""
    if not withdrawn:
        return 0
    reason = "(CAST(:reasons AS text[]))[array_position(CAST(:ids AS text[]), e.external_id)]"
    query = text(_WITHDRAW.format(reason=reason, which="e.external_id = ANY(:ids)"))
    ids, told = [w.external_id for w in withdrawn], [w.reason for w in withdrawn]
    return len(set(session.scalars(query, {"name": source_name, "ids": ids, "reasons": told})))

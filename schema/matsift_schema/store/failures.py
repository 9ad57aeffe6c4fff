"""Failures as rows: written once an attempt, counted, and told apart from what was not tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.records import FailureRecord
from matsift_schema.store.copying import incoming
from matsift_schema.store.packing import storable

_COLUMNS = {
    "position": "int4",
    "stage": "text",
    "subject": "text",
    "detail": "text",
    "structure_hash": "text",
    "source_entry_id": "int8",
    "error_class": "text",
    "message": "text",
    "seconds": "float8",
}
# One row a key and call; the attempt is 1, or the next one where the caller tried again.
_INSERT = text("""
    INSERT INTO matsift.failure (run_id, stage, subject, detail, structure_id, source_entry_id, error_class, message,
                                 seconds, attempt)
    SELECT DISTINCT ON (i.stage, i.subject, i.detail)
           :run_id, i.stage, i.subject, i.detail, s.id, i.source_entry_id, i.error_class, i.message, i.seconds,
           CASE WHEN :retried THEN 1 + coalesce((SELECT max(f.attempt) FROM matsift.failure f
                    WHERE (f.stage, f.subject, f.detail) = (i.stage, i.subject, i.detail)), 0)
                ELSE 1 END
    FROM incoming i LEFT JOIN matsift.structure s ON s.content_hash = i.structure_hash
    ORDER BY i.stage, i.subject, i.detail, i.position
    ON CONFLICT (stage, subject, detail, attempt) DO NOTHING
    RETURNING id
""")


@dataclass(frozen=True)
class FailureCount:
    """How many subjects failed in a stage with one class of error, with one of the messages."""

    stage: str
    error_class: str
    count: int
    example: str


def write_failures(
    session: Session,
    run_id: int,
    failures: Sequence[FailureRecord],
    *,
    entry_ids: Sequence[int | None] | None = None,
    retried: bool = False,
) -> int:
    """Return how many failures are new; flushed, not committed.

    A failure that is there already (same stage, subject and detail) adds nothing, unless it was `retried`: then it is
    the next attempt. `entry_ids` names the source entry of each failure.
    """
    if not failures:
        return 0
    entries = entry_ids or [None] * len(failures)
    rows = (
        (i, f.stage, f.subject, f.detail, f.structure_hash, entry, f.error_class, f.message, max(f.seconds, 0.0))
        for i, (f, entry) in enumerate(zip(failures, entries, strict=True))
    )
    with incoming(session, _COLUMNS, rows):
        return len(session.execute(_INSERT, {"run_id": run_id, "retried": retried}).all())


def missing_failures(session: Session, failures: Sequence[FailureRecord]) -> list[FailureRecord]:
    """Return the failures of which no attempt stands in the database yet."""
    if not failures:
        return []
    query = text("""
        SELECT DISTINCT f.stage, f.subject, f.detail FROM matsift.failure f
        JOIN unnest(CAST(:stages AS text[]), CAST(:subjects AS text[]), CAST(:details AS text[]))
          AS i (stage, subject, detail) ON (f.stage, f.subject, f.detail) = (i.stage, i.subject, i.detail)
    """)
    keys = [(storable(f.stage), storable(f.subject), storable(f.detail)) for f in failures]
    stages, subjects, details = ([key[i] for key in keys] for i in range(3))
    found = session.execute(query, {"stages": stages, "subjects": subjects, "details": details})
    there = {tuple(row) for row in found}
    return [failure for failure, key in zip(failures, keys, strict=True) if key not in there]


def failed_structures(session: Session, stage: str, detail: str = "") -> set[int]:
    """Return the ids of structures that failed in a stage at least once, whatever became of them later."""
    query = text(
        "SELECT DISTINCT structure_id FROM matsift.failure"
        " WHERE stage = :stage AND detail = :detail AND structure_id IS NOT NULL"
    )
    return set(session.scalars(query, {"stage": stage, "detail": detail}))


def latest_failure_ids(session: Session, stage: str, detail: str, structure_ids: Sequence[int]) -> dict[int, int]:
    """Return structure id -> id of its last failure in a stage."""
    query = text(
        "SELECT structure_id, max(id) FROM matsift.failure WHERE stage = :stage AND detail = :detail"
        " AND structure_id = ANY(:ids) GROUP BY structure_id"
    )
    found = session.execute(query, {"stage": stage, "detail": detail, "ids": list(structure_ids)})
    return dict(found.tuples().all())


def failure_counts(session: Session) -> list[FailureCount]:
    """Return the failures, each subject once, by stage and class of error, most first."""
    query = text("""
        SELECT stage, error_class, count(DISTINCT (subject, detail)), min(message)
        FROM matsift.failure GROUP BY stage, error_class ORDER BY 3 DESC, 1, 2
    """)
    return [FailureCount(*row) for row in session.execute(query)]

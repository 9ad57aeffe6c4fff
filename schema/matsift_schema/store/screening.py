"""Screens and their outcomes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Floats, Ids, Texts
from matsift_schema.store.copying import incoming

_COLUMNS = {"structure_id": "int8", "criterion": "text", "outcome": "text", "value_seen": "float8", "detail": "text"}
_INSERT = text("""
    INSERT INTO matsift.screen_outcome (screen_id, structure_id, criterion, outcome, value_seen, detail, run_id)
    SELECT :screen_id, structure_id, criterion, outcome, value_seen, detail, :run_id FROM incoming
    ORDER BY structure_id, criterion
    ON CONFLICT (screen_id, structure_id, criterion) DO NOTHING RETURNING structure_id
""")


@dataclass(frozen=True)
class CriterionCount:
    """How many structures one criterion of a screen passed, failed and could not decide."""

    criterion: str
    passed: int
    failed: int
    unknown: int


def find_screen(session: Session, content_hash: str) -> int | None:
    """Return the id of a screen, None where it was never run."""
    query = text("SELECT id FROM matsift.screen WHERE content_hash = :content_hash")
    return session.execute(query, {"content_hash": content_hash}).scalar_one_or_none()


def write_screen(
    session: Session, run_id: int, *, name: str, study: str, criteria: Sequence[Mapping[str, Any]], content_hash: str
) -> int:
    """Return the id of a screen, inserted where its content hash is new; flushed, not committed.

    `criteria` are plain JSON, in order; they are stored as ``{"criteria": [...]}``.
    """
    insert = text("""
        INSERT INTO matsift.screen (name, study, criteria, content_hash, run_id)
        VALUES (:name, :study, CAST(:criteria AS jsonb), :content_hash, :run_id)
        ON CONFLICT (content_hash) DO NOTHING
    """)
    listed = json.dumps({"criteria": [dict(criterion) for criterion in criteria]})
    values = {"name": name, "study": study, "criteria": listed, "content_hash": content_hash, "run_id": run_id}
    session.execute(insert, values)
    screen_id = find_screen(session, content_hash)
    assert screen_id is not None
    return screen_id


def structures_without_outcome(session: Session, screen_id: int, structure_ids: Ids) -> NDArray[np.int64]:
    """Return those of the structures that a screen did not look at yet, ordered by content hash."""
    query = text("""
        SELECT s.id FROM matsift.structure s
        WHERE s.id = ANY(CAST(:ids AS int8[])) AND NOT EXISTS (
            SELECT FROM matsift.screen_outcome o WHERE o.structure_id = s.id AND o.screen_id = :screen_id)
        ORDER BY s.content_hash COLLATE "C"
    """)
    rows = session.scalars(query, {"ids": [int(key) for key in structure_ids], "screen_id": screen_id})
    return np.array(rows.all(), dtype=np.int64)


def write_outcomes(
    session: Session,
    run_id: int,
    screen_id: int,
    *,
    criterion: str,
    structure_ids: Ids,
    outcomes: Texts,
    values_seen: Floats,
    details: Sequence[str | None],
) -> int:
    """Write what one criterion says of n structures; return how many outcomes are new. Flushed, not committed.

    An outcome is passed, failed or unknown; a value seen is NaN where there is none.
    """
    rows = (
        (int(key), criterion, str(outcome), float(seen) if math.isfinite(seen) else None, detail)
        for key, outcome, seen, detail in zip(structure_ids, outcomes, values_seen, details, strict=True)
    )
    with incoming(session, _COLUMNS, rows):
        return len(session.execute(_INSERT, {"screen_id": screen_id, "run_id": run_id}).all())


def criterion_counts(session: Session, screen_id: int) -> list[CriterionCount]:
    """Return the counts of each criterion, in the order of the screen."""
    query = text("""
        SELECT o.criterion, count(*) FILTER (WHERE o.outcome = 'passed'), count(*) FILTER (WHERE o.outcome = 'failed'),
               count(*) FILTER (WHERE o.outcome = 'unknown')
        FROM matsift.screen_outcome o WHERE o.screen_id = :id GROUP BY o.criterion
    """)
    found = {row[0]: CriterionCount(*row) for row in session.execute(query, {"id": screen_id})}
    return [found[name] for name in criteria_in_order(session, screen_id) if name in found]


def criteria_in_order(session: Session, screen_id: int) -> list[str]:
    """Return the names of a screen's criteria as the study lists them."""
    criteria = session.scalar(text("SELECT criteria FROM matsift.screen WHERE id = :id"), {"id": screen_id})
    return [str(criterion["name"]) for criterion in (criteria or {}).get("criteria", [])]

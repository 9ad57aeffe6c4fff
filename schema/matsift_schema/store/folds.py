"""The labels of a benchmark with the official fold of each, as its source states them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

#: Sampling strategy of the snapshots that hold official folds.
STRATEGY: Final = "official_fold"

# The newest revision of each label counts; a label that several rows of a benchmark share belongs to the first of them.
_FOLDED = text("""
    SELECT DISTINCT ON (p.name, l.id)
           p.name, l.id, s.content_hash, l.value, l.method, l.origin, CAST(e.payload->>'official_fold' AS int) AS fold
    FROM matsift.source o
    JOIN matsift.source_entry e ON e.source_id = o.id AND e.withdrawn_at IS NULL
    JOIN matsift.structure s ON s.id = e.structure_id
    JOIN LATERAL (
        SELECT DISTINCT ON (l.property_id, l.method) l.* FROM matsift.label l
        WHERE l.structure_id = s.id AND l.origin = 'source:' || o.name
        ORDER BY l.property_id, l.method, l.revision DESC
    ) l ON true
    JOIN matsift.property p ON p.id = l.property_id
    WHERE o.name = :source AND e.payload->>'official_fold' IS NOT NULL
    ORDER BY p.name, l.id, e.external_id COLLATE "C"
""")


@dataclass(frozen=True)
class FoldedLabel:
    """One label, and the fold in which it is tested."""

    label_id: int
    structure_hash: str
    value: float
    method: str
    origin: str
    fold: int


def folded_labels(session: Session, source_name: str) -> dict[str, list[FoldedLabel]]:
    """Return property -> current labels of a source whose entries have an official fold."""
    found: dict[str, list[FoldedLabel]] = {}
    for name, *label in session.execute(_FOLDED, {"source": source_name}):
        found.setdefault(name, []).append(FoldedLabel(*label))
    return found


def n_folded_entry(session: Session, source_name: str) -> int:
    """Return how many entries of a source have an official fold, with a label or without."""
    query = text("""
        SELECT count(*) FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
        WHERE o.name = :source AND e.withdrawn_at IS NULL AND e.payload->>'official_fold' IS NOT NULL
    """)
    return int(session.execute(query, {"source": source_name}).scalar_one())


def has_folds(session: Session, source_name: str) -> bool:
    """Return whether official folds of a source were kept before."""
    query = text("""
        SELECT EXISTS (SELECT FROM matsift.dataset_snapshot
                       WHERE strategy = :strategy AND settings->>'source' = :source)
    """)
    return bool(session.execute(query, {"strategy": STRATEGY, "source": source_name}).scalar_one())

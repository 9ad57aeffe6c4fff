"""The chain behind a prediction, from the view `analysis.provenance`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

# Each kind of name by an index of its own; no hash that begins with hexadecimal digits lies beyond them and a g.
_FIND = text("""
    SELECT content_hash COLLATE "C" FROM matsift.structure
    WHERE content_hash >= lower(:wanted) AND content_hash < lower(:wanted) || 'g'
      AND starts_with(content_hash, lower(:wanted))
    UNION SELECT content_hash COLLATE "C" FROM matsift.structure WHERE reduced_formula = :wanted
    UNION SELECT s.content_hash COLLATE "C" FROM matsift.source o
    JOIN matsift.source_entry e ON e.source_id = o.id AND e.external_id = :wanted
    JOIN matsift.structure s ON s.id = e.structure_id
    ORDER BY 1 LIMIT :limit
""")


def find_structures(session: Session, wanted: str, limit: int = 20) -> list[str]:
    """Return the content hashes of structures that a person may mean.

    `wanted` is the beginning of a content hash, an external id of a source, or a reduced formula.
    """
    return list(session.scalars(_FIND, {"wanted": wanted, "limit": limit}))


def why(session: Session, structure_hash: str) -> list[dict[str, Any]]:
    """Return the rows of `analysis.provenance` of one structure: one a model that predicted it, newest first."""
    query = text("""
        SELECT * FROM analysis.provenance WHERE structure_hash = :structure_hash
        ORDER BY property_name, is_current DESC, model_trained_at DESC
    """)
    return [dict(row) for row in session.execute(query, {"structure_hash": structure_hash}).mappings()]

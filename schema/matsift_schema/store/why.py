"""The chain behind a prediction, from the view `analysis.provenance`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

_FIND = text("""
    SELECT DISTINCT s.content_hash COLLATE "C" FROM matsift.structure s
    WHERE starts_with(s.content_hash, lower(:wanted))
       OR s.reduced_formula = :wanted
       OR s.id IN (SELECT e.structure_id FROM matsift.source_entry e WHERE e.external_id = :wanted)
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

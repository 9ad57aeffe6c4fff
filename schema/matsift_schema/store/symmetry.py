"""Space groups that spglib finds again: which structures lack them, and structure types in and out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Ids, Texts
from matsift_schema.store.copying import incoming
from matsift_schema.store.structures import STATED_NOW

#: Stage of the failures that `missing_symmetry` looks at; their detail is the method.
STAGE = "symmetry"

_COLUMNS = {"structure_id": "int8", "name": "text"}
_INSERT = text("""
    INSERT INTO matsift.structure_type (structure_id, method, name, run_id)
    SELECT structure_id, :method, name, :run_id FROM incoming ORDER BY structure_id
    ON CONFLICT (structure_id, method) DO NOTHING RETURNING structure_id
""")


def missing_symmetry(
    session: Session, method: str, *, sources: Sequence[str] = (), retry_failed: bool = False
) -> NDArray[np.int64]:
    """Return the ids of structures without a structure type by a method, ordered by content hash.

    Structures that failed by the method are left out unless `retry_failed`. `sources` narrows the search to structures
    that one of these sources states now.
    """
    query = text(f"""
        SELECT s.id FROM matsift.structure s
        WHERE {STATED_NOW}
          AND NOT EXISTS (SELECT FROM matsift.structure_type t WHERE t.structure_id = s.id AND t.method = :method)
          AND (:retry OR NOT EXISTS (SELECT FROM matsift.failure f WHERE f.structure_id = s.id
                                     AND f.stage = :stage AND f.detail = :method))
        ORDER BY s.content_hash COLLATE "C"
    """)  # noqa: S608  a constant
    rows = session.scalars(query, {"sources": list(sources), "method": method, "retry": retry_failed, "stage": STAGE})
    return np.array(rows.all(), dtype=np.int64)


def write_structure_types(session: Session, run_id: int, method: str, structure_ids: Ids, names: Texts) -> int:
    """Write the structure types that a method finds; return how many are new. Flushed, not committed."""
    rows = zip((int(key) for key in structure_ids), names, strict=True)
    with incoming(session, _COLUMNS, rows):
        return len(session.execute(_INSERT, {"method": method, "run_id": run_id}).all())


def structure_types(session: Session, method: str, structure_ids: Ids) -> list[str | None]:
    """Return the structure type of each structure by a method, None where it is unknown, in the order of the ids."""
    query = text("""
        SELECT t.structure_id, t.name FROM matsift.structure_type t
        WHERE t.method = :method AND t.structure_id = ANY(CAST(:ids AS int8[]))
    """)
    ids = [int(key) for key in structure_ids]
    rows = session.execute(query, {"method": method, "ids": ids})
    known: dict[int, str] = {row.structure_id: row.name for row in rows}
    return [known.get(key) for key in ids]


def atoms_per_volume(session: Session, structure_ids: Ids) -> NDArray[np.float64]:
    """Return the atoms per cubic angstrom of each structure, a vacancy being none, in the order of the ids."""
    query = text("""
        SELECT (SELECT sum(o) FROM unnest(s.occupancies) AS o) / s.volume_angstrom3
        FROM unnest(CAST(:ids AS int8[])) WITH ORDINALITY AS wanted (id, position)
        JOIN matsift.structure s USING (id) ORDER BY wanted.position
    """)
    return np.array(session.scalars(query, {"ids": [int(key) for key in structure_ids]}).all(), dtype=np.float64)


def space_groups_now(session: Session, structure_ids: Ids) -> NDArray[np.int64]:
    """Return the space group of each structure, in the order of the ids; 0 where none is known.

    It is the newest label's; without a label that which was found when the structure was read.
    """
    query = text("""
        SELECT coalesce((SELECT l.value FROM matsift.label l JOIN matsift.property p ON p.id = l.property_id
                         WHERE l.structure_id = s.id AND p.name = 'space_group_number' ORDER BY l.id DESC LIMIT 1),
                        s.space_group_number, 0)::int
        FROM unnest(CAST(:ids AS int8[])) WITH ORDINALITY AS wanted (id, position)
        JOIN matsift.structure s USING (id) ORDER BY wanted.position
    """)
    return np.array(session.scalars(query, {"ids": [int(key) for key in structure_ids]}).all(), dtype=np.int64)

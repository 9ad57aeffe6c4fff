"""Structures as they leave the database: chosen by source, hash, licence and facts, read in chunks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.exchange.conditions import Condition
from matsift.exchange.stated import StatedBy, StatedStructure
from matsift_schema.store.arrays import Ids
from matsift_schema.store.conditions import where
from matsift_schema.store.copying import driver_connection
from matsift_schema.store.exported_views import find_view
from matsift_schema.store.structures import load_crystals

_CHUNK = 500
_FACTS = text("""
    SELECT s.id, s.content_hash, s.reduced_formula, s.space_group_number, s.created_at FROM matsift.structure s
    WHERE s.id = ANY(CAST(:ids AS int8[]))
""")
_STATED_BY = text("""
    SELECT e.structure_id, o.name, e.external_id, e.url, e.licence
    FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
    WHERE e.structure_id = ANY(CAST(:ids AS int8[])) AND e.withdrawn_at IS NULL
    ORDER BY o.name COLLATE "C", e.external_id COLLATE "C"
""")
_ENTRIES = """
    EXISTS (SELECT FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
            WHERE e.structure_id = s.id AND e.withdrawn_at IS NULL
              AND (cardinality(CAST(%(sources)s AS text[])) = 0 OR o.name = ANY(CAST(%(sources)s AS text[])))
              AND (cardinality(CAST(%(licences)s AS text[])) = 0 OR e.licence = ANY(CAST(%(licences)s AS text[]))))
"""


@dataclass(frozen=True)
class StructureChoice:
    """Which structures: of these sources, under one of these licences, of these hashes, that meet these conditions.

    What is empty, or None, asks for nothing.
    """

    sources: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    hashes: tuple[str, ...] | None = None
    conditions: tuple[Condition, ...] = ()


def choose_structures(session: Session, choice: StructureChoice) -> tuple[NDArray[np.int64], int]:
    """Return the ids of the structures, ordered by content hash, and how many of them are disordered.

    Where hashes are given, the ids stand in their order.

    Raises
    ------
    UserInputError
        If a condition does not fit the view `analysis.structure`, whose columns it names.
    """
    view = find_view(session, "structure")
    parts, parameters = where(choice.conditions, view.columns, "the view structure")
    if choice.sources or choice.licences:
        parts.append(sql.Composed([sql.SQL(_ENTRIES)]))
        parameters |= {"sources": list(choice.sources), "licences": list(choice.licences)}
    order = sql.SQL('s.content_hash COLLATE "C"')
    if choice.hashes is not None:
        hashes = sql.SQL("CAST({} AS text[])").format(sql.Placeholder("hashes"))
        parts.append(sql.SQL("s.content_hash = ANY ({})").format(hashes))
        order = sql.SQL("array_position({}, s.content_hash)").format(hashes)  # type: ignore[assignment]
        parameters["hashes"] = list(choice.hashes)
    query = sql.SQL(
        "SELECT s.id, s.is_ordered FROM matsift.structure s JOIN analysis.structure v ON v.structure_hash = "
        "s.content_hash{} ORDER BY {}"
    ).format(sql.SQL(" WHERE ") + sql.SQL(" AND ").join(parts) if parts else sql.SQL(""), order)
    with driver_connection(session).cursor() as cursor:
        rows = cursor.execute(query, parameters).fetchall()
    ids = np.array([row[0] for row in rows], dtype=np.int64)
    return ids, sum(not row[1] for row in rows)


def read_structures(session: Session, structure_ids: Ids) -> Iterator[list[StatedStructure]]:
    """Yield structures in chunks, in the order of the ids."""
    ids = [int(key) for key in structure_ids]
    for start in range(0, len(ids), _CHUNK):
        yield _chunk(session, ids[start : start + _CHUNK])


def known_sources(session: Session) -> list[str]:
    """Return the names of all sources."""
    return list(session.scalars(text('SELECT name FROM matsift.source ORDER BY name COLLATE "C"')))


def known_licences(session: Session) -> list[str]:
    """Return the licences of all entries that count now."""
    query = text('SELECT DISTINCT licence COLLATE "C" FROM matsift.source_entry WHERE withdrawn_at IS NULL ORDER BY 1')
    return list(session.scalars(query))


def _chunk(session: Session, ids: list[int]) -> list[StatedStructure]:
    facts = {row.id: row for row in session.execute(_FACTS, {"ids": ids})}
    entries = _entries(session, ids)
    return [
        StatedStructure(
            structure_hash=facts[key].content_hash,
            crystal=crystal,
            formula=facts[key].reduced_formula,
            space_group_number=facts[key].space_group_number,
            stated_by=tuple(entries[key]),
            created_at=facts[key].created_at,
        )
        for key, crystal in zip(ids, load_crystals(session, ids), strict=True)
    ]


def _entries(session: Session, ids: Sequence[int]) -> Mapping[int, list[StatedBy]]:
    found: dict[int, list[StatedBy]] = defaultdict(list)
    for row in session.execute(_STATED_BY, {"ids": list(ids)}):
        key, *rest = cast("tuple[Any, ...]", row)
        found[key].append(StatedBy(*rest))
    return found

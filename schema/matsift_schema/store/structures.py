"""Structures in and out: crystals as arrays, facts as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.crystal import Crystal
from matsift.structure_facts import StructureFacts
from matsift_schema.store.arrays import Ids
from matsift_schema.store.copying import incoming, select_binary

_COLUMNS = {
    "content_hash": "text",
    "lattice": "float8[]",
    "species": "text[]",
    "frac_coords": "float8[]",
    "occupancies": "float8[]",
    "site_index": "int4[]",
    "n_site": "int4",
    "n_element": "int4",
    "formula": "text",
    "reduced_formula": "text",
    "anonymous_formula": "text",
    "chemical_system": "text",
    "elements": "text[]",
    "space_group_number": "int2",
    "space_group_symbol": "text",
    "crystal_system": "text",
    "volume_angstrom3": "float8",
    "density_g_per_cm3": "float8",
    "is_ordered": "bool",
    "holds": "text[]",
}
_LISTED = ", ".join(_COLUMNS)
_INSERT = text(
    f"INSERT INTO matsift.structure ({_LISTED}, run_id) SELECT {_LISTED}, :run_id FROM incoming"  # noqa: S608  constants
    " ORDER BY content_hash ON CONFLICT (content_hash) DO NOTHING RETURNING id"
)
#: Condition on ``matsift.structure s``: one of the named :sources states it now, or none is named.
STATED_NOW = """
    (cardinality(CAST(:sources AS text[])) = 0 OR s.id IN (
        SELECT e.structure_id FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
        WHERE o.name = ANY(CAST(:sources AS text[])) AND e.withdrawn_at IS NULL))
"""
_CRYSTALS = """
    SELECT s.lattice, array_to_string(s.species, ' '), s.frac_coords, s.occupancies, s.site_index
    FROM unnest(%(ids)s::int8[]) WITH ORDINALITY AS wanted (id, position) JOIN matsift.structure s USING (id)
    ORDER BY wanted.position
"""


@dataclass(frozen=True, eq=False)
class StructureTable:
    """Facts about n structures, ordered by content hash.

    Parameters
    ----------
    ids
        (n,) database ids, for joins in this database only.
    hashes, formulae, reduced_formulae, elements
        (n,) content hash, formula of the cell, reduced formula, sorted element symbols.
    n_site
        (n,) sites in the cell.
    space_group_numbers, space_group_symbols
        (n,) 0 and an empty text where none was found.
    is_ordered, holds
        (n,) whether every site holds one species, and the named reservations of the first source.
    """

    ids: NDArray[np.int64]
    hashes: tuple[str, ...]
    formulae: tuple[str, ...]
    reduced_formulae: tuple[str, ...]
    elements: tuple[tuple[str, ...], ...]
    n_site: NDArray[np.int64]
    space_group_numbers: NDArray[np.int64]
    space_group_symbols: tuple[str, ...]
    is_ordered: NDArray[np.bool_]
    holds: tuple[frozenset[str], ...]

    def __len__(self) -> int:
        return len(self.hashes)


def write_structures(
    session: Session, run_id: int, structures: Sequence[tuple[Crystal, StructureFacts, Sequence[str]]]
) -> int:
    """Write crystals with their facts and holds; return how many are new. Flushed, not committed."""
    if not structures:
        return 0
    with incoming(session, _COLUMNS, _rows(structures)):
        return len(session.execute(_INSERT, {"run_id": run_id}).all())


def load_crystals(session: Session, structure_ids: Ids) -> list[Crystal]:
    """Return the crystals of structures, in the order of the ids.

    Raises
    ------
    KeyError
        If there is no structure of an id.
    """
    ids = [int(key) for key in structure_ids]
    rows = select_binary(session, _CRYSTALS, {"ids": ids})
    if len(rows) != len(ids):
        raise KeyError(f"{len(ids) - len(rows)} of {len(ids)} structure ids are not in the database")
    return [
        Crystal(lattice.reshape(3, 3), tuple(species.split()), coords.reshape(-1, 3), occupancies, site_index)
        for lattice, species, coords, occupancies, site_index in rows
    ]


def load_structures(
    session: Session,
    *,
    elements: Sequence[str] = (),
    ids: Ids | None = None,
    sources: Sequence[str] = (),
) -> StructureTable:
    """Return facts about structures, ordered by content hash.

    Parameters
    ----------
    session
        Where to read.
    elements
        Elements that each structure must contain; none means any.
    ids
        Only these structures; None means all.
    sources
        Only structures that one of these sources states now; none means any.
    """
    query = text(f"""
        SELECT s.id, s.content_hash, s.formula, s.reduced_formula, s.elements, s.n_site,
               coalesce(s.space_group_number, 0), coalesce(s.space_group_symbol, ''), s.is_ordered, s.holds
        FROM matsift.structure s
        WHERE s.elements @> CAST(:elements AS text[])
          AND (CAST(:ids AS int8[]) IS NULL OR s.id = ANY(CAST(:ids AS int8[])))
          AND {STATED_NOW}
        ORDER BY s.content_hash COLLATE "C"
    """)  # noqa: S608  a constant
    wanted = None if ids is None else [int(key) for key in ids]
    rows = session.execute(query, {"elements": list(elements), "ids": wanted, "sources": list(sources)}).all()
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [()] * 10
    return StructureTable(
        np.array(columns[0], dtype=np.int64),
        columns[1],
        columns[2],
        columns[3],
        tuple(tuple(symbols) for symbols in columns[4]),
        np.array(columns[5], dtype=np.int64),
        np.array(columns[6], dtype=np.int64),
        columns[7],
        np.array(columns[8], dtype=bool),
        tuple(frozenset(names) for names in columns[9]),
    )


def structure_digest(session: Session, sources: Sequence[str] = ()) -> str:
    """Return the SHA-256 of the content hashes, sorted, one a line, of the structures that sources state now."""
    query = text(f"""
        SELECT encode(sha256(convert_to(coalesce(
            string_agg(s.content_hash, chr(10) ORDER BY s.content_hash COLLATE "C"), ''), 'UTF8')), 'hex')
        FROM matsift.structure s WHERE {STATED_NOW}
    """)  # noqa: S608  a constant
    return str(session.execute(query, {"sources": list(sources)}).scalar_one())


def _rows(structures: Sequence[tuple[Crystal, StructureFacts, Sequence[str]]]) -> Iterator[tuple[Any, ...]]:
    for crystal, facts, holds in structures:
        yield (
            crystal.content_hash,
            crystal.lattice.ravel().tolist(),
            list(crystal.species),
            crystal.frac_coords.ravel().tolist(),
            crystal.occupancies.tolist(),
            crystal.site_index.tolist(),
            facts.n_site,
            facts.n_element,
            facts.formula,
            facts.reduced_formula,
            facts.anonymous_formula,
            facts.chemical_system,
            list(facts.elements),
            facts.space_group_number,
            facts.space_group_symbol,
            facts.crystal_system,
            facts.volume_angstrom3,
            facts.density_g_per_cm3,
            facts.is_ordered,
            list(holds),
        )

"""Structures in and out: crystals as arrays, facts as columns."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.crystal import Crystal
from matsift.structure_facts import StructureFacts
from matsift_schema.store.arrays import Ids
from matsift_schema.store.copying import copy_into, select_binary, server_time, unless_overtaken
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.packing import (
    alike_arrays,
    float8_arrays,
    frequent_text_array,
    frequent_text_field,
    int2_field,
    int4_arrays,
    microseconds,
    sha256_field,
    text_array,
    text_field,
)

#: Columns of `packed_rows`.
COLUMNS = (
    *("run_id", "created_at", "n_site", "n_element", "volume_angstrom3", "density_g_per_cm3", "is_ordered"),
    *("content_hash", "lattice", "species", "frac_coords", "occupancies", "site_index"),
    *("formula", "reduced_formula", "anonymous_formula", "chemical_system", "elements"),
    *("space_group_number", "space_group_symbol", "crystal_system", "holds"),
)
_ORIGIN = struct.Struct(">hiqiq")  # the number of fields, then length and value of the first two
_NUMBERS = struct.Struct(">iiiiididi?")  # length and value of the next five
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
    return len(store_structures(session, run_id, structures)[1])


def store_structures(
    session: Session,
    run_id: int,
    structures: Sequence[tuple[Crystal, StructureFacts, Sequence[str]]],
    packed: Mapping[str, bytes] | None = None,
) -> tuple[dict[str, int], set[str]]:
    """Write crystals as `write_structures` does; return content hash -> id of all, and the hashes of the new.

    `packed` are their `packed_structures` by content hash, as far as they were packed before.
    """
    by_hash: dict[str, tuple[Crystal, StructureFacts, Sequence[str]]] = {}
    for structure in structures:
        by_hash.setdefault(structure[0].content_hash, structure)

    bodies = dict(packed or {})

    def write() -> tuple[dict[str, int], set[str]]:
        ids = structure_ids(session, list(by_hash))
        new = sorted(by_hash.keys() - ids.keys())
        if new:
            late = [key for key in new if key not in bodies]
            bodies.update(zip(late, packed_structures([by_hash[key] for key in late]), strict=True))
            origin = _origin(run_id, server_time(session))
            copy_into(session, "structure", COLUMNS, (part for key in new for part in (origin, bodies[key])))
            ids |= structure_ids(session, new)
        return ids, set(new)

    return unless_overtaken(session, write) if by_hash else ({}, set())


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


def packed_rows(
    structures: Sequence[tuple[Crystal, StructureFacts, Sequence[str]]], run_id: int, moment: datetime
) -> Iterator[bytes]:
    """Yield a row of `COLUMNS` a structure in COPY's binary form."""
    origin = _origin(run_id, moment)
    for body in packed_structures(structures):
        yield origin + body


def packed_structures(structures: Sequence[tuple[Crystal, StructureFacts, Sequence[str]]]) -> list[bytes]:
    """Return a row of `COLUMNS` a structure in COPY's binary form, without its beginning: the run and the moment.

    It takes no connection, so that it can be done while the server is busy with something else.
    """
    crystals = [crystal for crystal, _, _ in structures]
    lattices = float8_arrays([crystal.lattice for crystal in crystals])
    coords = float8_arrays([crystal.frac_coords for crystal in crystals])
    # Those of ordered crystals are the same for each number of atoms.
    occupancies = alike_arrays(float8_arrays, [crystal.occupancies for crystal in crystals])
    sites = alike_arrays(int4_arrays, [crystal.site_index for crystal in crystals])
    bodies = []
    for i, (crystal, facts, holds) in enumerate(structures):
        volume, density = facts.volume_angstrom3, facts.density_g_per_cm3
        numbers = _NUMBERS.pack(4, facts.n_site, 4, facts.n_element, 8, volume, 8, density, 1, facts.is_ordered)
        body = b"".join(
            (
                numbers,
                sha256_field(crystal.content_hash),
                lattices[i],
                text_array(crystal.species),
                coords[i],
                occupancies[i],
                sites[i],
                text_field(facts.formula),
                text_field(facts.reduced_formula),
                frequent_text_field(facts.anonymous_formula),
                frequent_text_field(facts.chemical_system),
                frequent_text_array(facts.elements),
                int2_field(facts.space_group_number),
                frequent_text_field(facts.space_group_symbol),
                frequent_text_field(facts.crystal_system),
                frequent_text_array(tuple(holds)),
            )
        )
        bodies.append(body)
    return bodies


def _origin(run_id: int, moment: datetime) -> bytes:
    return _ORIGIN.pack(len(COLUMNS), 8, run_id, 8, microseconds(moment))

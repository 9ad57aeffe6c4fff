"""Ideal diffraction profiles: which are missing, and rows in and out without a Python list between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from matsift.diffraction.sparse import SparseProfiles
from matsift_schema.store.arrays import Floats, Ids
from matsift_schema.store.copying import incoming_packed, select_binary
from matsift_schema.store.descriptors import STAGE, failure_detail
from matsift_schema.store.packing import float4_arrays, float8_field, int2_arrays, int8_field
from matsift_schema.store.structures import STATED_NOW

_COLUMNS = {"structure_id": "int8", "bins": "int2[]", "intensities": "float4[]", "seconds": "float8"}
_INSERT = text("""
    INSERT INTO matsift.diffraction_profile (structure_id, descriptor_set_id, bins, intensities, seconds, run_id)
    SELECT structure_id, :set_id, bins, intensities, seconds, :run_id FROM incoming ORDER BY structure_id
    ON CONFLICT (structure_id, descriptor_set_id) DO NOTHING
""")
_SELECT = """
    SELECT s.id, s.content_hash, p.bins, p.intensities
    FROM matsift.diffraction_profile p JOIN matsift.structure s ON s.id = p.structure_id
    WHERE p.descriptor_set_id = %(set_id)s AND (%(ids)s::int8[] IS NULL OR s.id = ANY(%(ids)s::int8[]))
    ORDER BY s.content_hash COLLATE "C"
"""


@dataclass(frozen=True, eq=False)
class StoredProfiles:
    """n profiles of one descriptor set, ordered by structure content hash.

    Parameters
    ----------
    structure_ids
        (n,) database ids, for joins in this database only.
    structure_hashes
        (n,) content hashes.
    profiles
        The profiles.
    """

    structure_ids: NDArray[np.int64]
    structure_hashes: tuple[str, ...]
    profiles: SparseProfiles

    def __len__(self) -> int:
        return len(self.structure_ids)


def missing_profiles(
    session: Session, name: str, version: str, *, sources: Sequence[str] = (), retry_failed: bool = False
) -> NDArray[np.int64]:
    """Return the ids of structures without a profile in a set, ordered by content hash.

    Structures that failed in this version of the set are left out unless `retry_failed`. `sources` narrows the search
    to structures that one of these sources states now.
    """
    query = text(f"""
        SELECT s.id FROM matsift.structure s
        WHERE {STATED_NOW}
          AND NOT EXISTS (SELECT FROM matsift.diffraction_profile p
                          JOIN matsift.descriptor_set t ON t.id = p.descriptor_set_id
                          WHERE p.structure_id = s.id AND t.name = :name AND t.version = :version)
          AND (:retry OR NOT EXISTS (SELECT FROM matsift.failure f WHERE f.structure_id = s.id
                                     AND f.stage = :stage AND f.detail = :detail))
        ORDER BY s.content_hash COLLATE "C"
    """)  # noqa: S608  a constant
    values = {"sources": list(sources), "name": name, "version": version, "retry": retry_failed}
    rows = session.scalars(query, {**values, "stage": STAGE, "detail": failure_detail(name, version)})
    return np.array(rows.all(), dtype=np.int64)


def write_profiles(
    session: Session, run_id: int, set_id: int, structure_ids: Ids, profiles: SparseProfiles, *, seconds: Floats
) -> int:
    """Write n profiles, none of them empty; return how many are new. Flushed, not committed."""
    with incoming_packed(session, _COLUMNS, _packed(structure_ids, profiles, seconds)):
        result = session.execute(_INSERT, {"set_id": set_id, "run_id": run_id})
        return int(cast("CursorResult[Any]", result).rowcount)


def load_profiles(session: Session, set_id: int, structure_ids: Ids | None = None) -> StoredProfiles:
    """Return the profiles of a set, of all structures or of those of these that have one."""
    wanted = None if structure_ids is None else [int(key) for key in structure_ids]
    rows = select_binary(session, _SELECT, {"set_id": set_id, "ids": wanted})
    ids, hashes, bins, intensities = zip(*rows, strict=True) if rows else ((), (), (), ())
    return StoredProfiles(
        np.array(ids, dtype=np.int64), tuple(hashes), SparseProfiles.from_lists(list(bins), list(intensities))
    )


def _packed(ids: Ids, profiles: SparseProfiles, seconds: Floats) -> Iterator[bytes]:
    """Yield a row of `_COLUMNS` a structure in COPY's binary form."""
    rows = [profiles.row(i) for i in range(len(profiles))]
    bins = int2_arrays([row[0] for row in rows])
    intensities = float4_arrays([row[1] for row in rows])
    head = len(_COLUMNS).to_bytes(2, "big")
    for key, where, how_much, took in zip(ids, bins, intensities, seconds, strict=True):
        yield b"".join((head, int8_field(int(key)), where, how_much, float8_field(float(took))))

"""Descriptor sets, what is missing in them, and matrices for learners."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Floats, Ids
from matsift_schema.store.copying import as_float32, incoming_packed, select_binary
from matsift_schema.store.packing import int2_array
from matsift_schema.store.structures import STATED_NOW

#: Stage of the failures that `missing_descriptors` looks at; their detail is `failure_detail`.
STAGE = "descriptor"

_COLUMNS = {"structure_id": "int8", "seconds": "float8", "vector": "vector", "missing_columns": "int2[]"}
_INSERT = text("""
    INSERT INTO matsift.descriptor (structure_id, descriptor_set_id, vector, missing_columns, seconds, run_id)
    SELECT structure_id, :set_id, vector, missing_columns, seconds, :run_id FROM incoming ORDER BY structure_id
    ON CONFLICT (structure_id, descriptor_set_id) DO NOTHING
""")
_MATRIX = """
    SELECT wanted.position, d.vector, d.missing_columns::int4[]
    FROM unnest(%(ids)s::int8[]) WITH ORDINALITY AS wanted (id, position)
    JOIN matsift.descriptor d ON d.structure_id = wanted.id AND d.descriptor_set_id = %(set_id)s
"""


def failure_detail(name: str, version: str) -> str:
    """Return the `detail` of failures in one version of a descriptor set."""
    return f"{name}@{version}"


def ensure_descriptor_set(
    session: Session,
    *,
    name: str,
    version: str,
    columns: Sequence[str],
    description: str,
    package_versions: Mapping[str, str],
) -> int:
    """Return the id of a descriptor set, inserted where it is new; flushed, not committed.

    Raises
    ------
    ValueError
        If this version is known with other columns: whoever changes columns must raise the version.
    """
    session.execute(
        text("""
            INSERT INTO matsift.descriptor_set (name, version, column_names, n_column, description, package_versions)
            VALUES (:name, :version, :columns, :n_column, :description, CAST(:packages AS jsonb))
            ON CONFLICT (name, version) DO NOTHING
        """),
        {
            "name": name,
            "version": version,
            "columns": list(columns),
            "n_column": len(columns),
            "description": description,
            "packages": json.dumps(dict(package_versions)),
        },
    )
    query = text("SELECT id, column_names FROM matsift.descriptor_set WHERE name = :name AND version = :version")
    set_id, known = session.execute(query, {"name": name, "version": version}).one()
    if list(known) != list(columns):
        raise ValueError(f"descriptor set {name} {version} is stored with other columns; raise its version")
    return int(set_id)


def find_descriptor_set(session: Session, name: str, version: str) -> int | None:
    """Return the id of a descriptor set, None where nothing was ever computed in it."""
    query = text("SELECT id FROM matsift.descriptor_set WHERE name = :name AND version = :version")
    return session.execute(query, {"name": name, "version": version}).scalar_one_or_none()


def descriptor_set_names(session: Session, set_ids: Sequence[int]) -> list[str]:
    """Return the names of descriptor sets, in the order of their ids."""
    query = text("SELECT id, name FROM matsift.descriptor_set WHERE id = ANY(:ids)")
    names: dict[int, str] = dict(session.execute(query, {"ids": list(set_ids)}).tuples().all())
    return [names[key] for key in set_ids]


def missing_descriptors(
    session: Session,
    name: str,
    version: str,
    structure_ids: Ids | None = None,
    *,
    sources: Sequence[str] = (),
    retry_failed: bool = False,
) -> NDArray[np.int64]:
    """Return the ids of structures without a vector in a set, ordered by content hash.

    Structures that failed in this version of the set are left out unless `retry_failed`. `structure_ids` and `sources`
    narrow the search to these structures, and to those that one of these sources states now.
    """
    query = text(f"""
        SELECT s.id FROM matsift.structure s
        WHERE (CAST(:ids AS int8[]) IS NULL OR s.id = ANY(CAST(:ids AS int8[]))) AND {STATED_NOW}
          AND NOT EXISTS (SELECT FROM matsift.descriptor d JOIN matsift.descriptor_set t ON t.id = d.descriptor_set_id
                          WHERE d.structure_id = s.id AND t.name = :name AND t.version = :version)
          AND (:retry OR NOT EXISTS (SELECT FROM matsift.failure f WHERE f.structure_id = s.id
                                     AND f.stage = :stage AND f.detail = :detail))
        ORDER BY s.content_hash COLLATE "C"
    """)  # noqa: S608  a constant
    wanted = None if structure_ids is None else [int(key) for key in structure_ids]
    values = {"ids": wanted, "sources": list(sources), "name": name, "version": version, "retry": retry_failed}
    rows = session.scalars(query, {**values, "stage": STAGE, "detail": failure_detail(name, version)})
    return np.array(rows.all(), dtype=np.int64)


def write_descriptors(
    session: Session,
    run_id: int,
    set_id: int,
    structure_ids: Ids,
    *,
    values: NDArray[np.float64],
    seconds: Floats,
) -> int:
    """Write (n, n_column) values, NaN where unknown; return how many rows are new. Flushed, not committed.

    Vectors are stored in single precision (7 digits); a value beyond its range, 3.4e38, becomes unknown.
    """
    single = as_float32(np.asarray(values, dtype=np.float64))
    unknown = ~np.isfinite(single)
    single[unknown] = 0.0
    with incoming_packed(session, _COLUMNS, _packed(structure_ids, seconds, single, unknown)):
        result = session.execute(_INSERT, {"set_id": set_id, "run_id": run_id})
        return int(cast("CursorResult[Any]", result).rowcount)


def _packed(ids: Ids, seconds: Floats, vectors: NDArray[np.float32], unknown: NDArray[np.bool_]) -> Iterator[bytes]:
    """Yield a row of `_COLUMNS` a structure in COPY's binary form."""
    n, width = vectors.shape
    rows = np.zeros(
        n,
        dtype=[
            ("fields", ">i2"),
            ("id_size", ">i4"),
            ("id", ">i8"),
            ("seconds_size", ">i4"),
            ("seconds", ">f8"),
            ("vector_size", ">i4"),
            ("vector_length", ">i2"),
            ("vector_unused", ">i2"),
            ("vector", ">f4", (width,)),
        ],
    )
    rows["fields"] = len(_COLUMNS)
    rows["id_size"], rows["id"] = 8, ids
    rows["seconds_size"], rows["seconds"] = 8, seconds
    rows["vector_size"], rows["vector_length"], rows["vector"] = 4 + 4 * width, width, vectors
    data, size = rows.tobytes(), rows.itemsize
    nothing, partly_unknown = int2_array(np.zeros(0, dtype=np.int64)), set(np.flatnonzero(unknown.any(axis=1)))
    for i in range(n):
        yield data[i * size : (i + 1) * size]
        yield int2_array(np.flatnonzero(unknown[i])) if i in partly_unknown else nothing


def has_descriptors(session: Session, set_ids: Sequence[int], structure_ids: Ids) -> NDArray[np.bool_]:
    """Return (n,) whether each structure has a vector in all of the sets."""
    ids = [int(key) for key in structure_ids]
    query = text("""
        SELECT structure_id FROM matsift.descriptor
        WHERE structure_id = ANY(:ids) AND descriptor_set_id = ANY(:sets)
        GROUP BY structure_id HAVING count(*) = :n_set
    """)
    found = set(session.scalars(query, {"ids": ids, "sets": list(set_ids), "n_set": len(set(set_ids))}))
    return np.array([key in found for key in ids], dtype=bool)


def descriptor_states(
    session: Session, name: str, version: str, structure_ids: Ids
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (n,) whether each structure has a vector in a set, and (n,) whether computing it failed instead."""
    query = text("""
        SELECT w.id,
               EXISTS (SELECT FROM matsift.descriptor d JOIN matsift.descriptor_set t ON t.id = d.descriptor_set_id
                       WHERE d.structure_id = w.id AND t.name = :name AND t.version = :version),
               EXISTS (SELECT FROM matsift.failure f
                       WHERE f.structure_id = w.id AND f.stage = :stage AND f.detail = :detail)
        FROM unnest(CAST(:ids AS int8[])) WITH ORDINALITY AS w (id, position) ORDER BY w.position
    """)
    ids = [int(key) for key in structure_ids]
    values = {"ids": ids, "name": name, "version": version, "stage": STAGE, "detail": failure_detail(name, version)}
    rows = session.execute(query, values).all()
    there = np.array([row[1] for row in rows], dtype=bool)
    return there, np.array([row[2] for row in rows], dtype=bool) & ~there


def load_matrix(session: Session, set_ids: Sequence[int], structure_ids: Ids) -> tuple[NDArray[np.float64], list[str]]:
    """Return (n, n_column) float64 and the column names; rows in the order of the structures, sets side by side.

    NaN stands where a value is unknown, and in all columns of a set in which the structure has no vector. A column name
    that two sets share is written ``set.column`` in both.
    """
    ids = [int(key) for key in structure_ids]
    names = _column_names(session, set_ids)
    blocks = []
    for set_id in set_ids:
        block = np.full((len(ids), len(names[set_id])), np.nan)
        for position, vector, missing in select_binary(session, _MATRIX, {"ids": ids, "set_id": set_id}):
            block[position - 1] = vector
            block[position - 1, missing] = np.nan
        blocks.append(block)
    columns = [name for set_id in set_ids for name in names[set_id]]
    return np.hstack(blocks) if blocks else np.zeros((len(ids), 0)), columns


def _column_names(session: Session, set_ids: Sequence[int]) -> dict[int, list[str]]:
    query = text("SELECT id, name, column_names FROM matsift.descriptor_set WHERE id = ANY(:ids)")
    found = {key: (name, list(columns)) for key, name, columns in session.execute(query, {"ids": list(set_ids)})}
    every = [column for key in set_ids for column in found[key][1]]
    shared = {column for column in every if every.count(column) > 1}
    return {
        key: [f"{name}.{column}" if column in shared else column for column in columns]
        for key, (name, columns) in found.items()
    }

"""Volumetric fields: which structures lack one, and rows in and out; the grids themselves are artifacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Ids
from matsift_schema.store.copying import incoming, select_binary
from matsift_schema.store.structures import STATED_NOW

#: Stage of the failures that `missing_fields` looks at; their detail is `failure_detail`.
STAGE = "field"

_COLUMNS = {
    "structure_id": "int8",
    "kind": "text",
    "method": "text",
    "electrons": "text",
    "shape": "int4[]",
    "cell": "float8[]",
    "n_electron": "float8",
    "n_electron_expected": "float8",
    "n_unpaired": "float8",
    "artifact_sha256": "text",
    "artifact_uri": "text",
    "source_entry_id": "int8",
}
_INSERT = text(f"""
    INSERT INTO matsift.volumetric_field ({", ".join(_COLUMNS)}, run_id)
    SELECT {", ".join(_COLUMNS)}, :run_id FROM incoming ORDER BY structure_id, kind, method
    ON CONFLICT (structure_id, kind, method) DO NOTHING RETURNING id
""")  # noqa: S608  constants
_SELECT = """
    SELECT f.id, s.id, s.content_hash, s.reduced_formula, f.shape, f.cell, f.n_electron, f.n_electron_expected,
           f.artifact_sha256, f.artifact_uri
    FROM matsift.volumetric_field f JOIN matsift.structure s ON s.id = f.structure_id
    WHERE f.kind = %(kind)s AND f.method = %(method)s
      AND (%(ids)s::int8[] IS NULL OR s.id = ANY(%(ids)s::int8[]))
    ORDER BY s.content_hash COLLATE "C"
"""


@dataclass(frozen=True)
class FieldRow:
    """One field of one structure whose grid is stored already.

    Parameters
    ----------
    structure_id
        The structure.
    kind
        ``dft_charge``, ``elf`` or ``promolecule``.
    method
        How it was made, for example ``promolecule-it92``.
    electrons
        ``all`` or ``valence``, None for ``elf``.
    shape
        Points along a, b, c.
    cell
        (3, 3) rows a, b, c in angstrom, of the grid; it may differ from that of the structure.
    n_electron
        Integral over the cell, None for ``elf``.
    artifact_sha256, artifact_uri
        Where the grid is.
    n_electron_expected
        Electrons of the cell by another count than the grid's.
    n_unpaired
        Integral of the spin density.
    source_entry_id
        Entry that it came with.
    """

    structure_id: int
    kind: str
    method: str
    electrons: str | None
    shape: tuple[int, int, int]
    cell: NDArray[np.float64]
    n_electron: float | None
    artifact_sha256: str
    artifact_uri: str
    n_electron_expected: float | None = None
    n_unpaired: float | None = None
    source_entry_id: int | None = None


@dataclass(frozen=True, eq=False)
class FieldTable:
    """n fields of one kind and method, ordered by structure content hash.

    Parameters
    ----------
    ids, structure_ids
        (n,) database ids, for joins in this database only.
    structure_hashes, formulae, artifacts, uris
        (n,) content hashes, reduced formulae, SHA-256 of the grids, where they lay.
    shapes
        (n, 3) points along a, b, c.
    cells
        (n, 3, 3) rows a, b, c in angstrom.
    n_electron, n_electron_expected
        (n,) electrons of the cell; NaN where there are none or the count is not known.
    """

    ids: NDArray[np.int64]
    structure_ids: NDArray[np.int64]
    structure_hashes: tuple[str, ...]
    formulae: tuple[str, ...]
    shapes: NDArray[np.int64]
    cells: NDArray[np.float64]
    n_electron: NDArray[np.float64]
    n_electron_expected: NDArray[np.float64]
    artifacts: tuple[str, ...]
    uris: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


def failure_detail(kind: str, method: str) -> str:
    """Return the detail of a failure to make a field, by which `missing_fields` knows it again."""
    return f"{kind}:{method}"


def missing_fields(
    session: Session,
    kind: str,
    method: str,
    *,
    sources: Sequence[str] = (),
    space_groups: tuple[int, int] | None = None,
    structure_ids: Ids | None = None,
    retry_failed: bool = False,
) -> NDArray[np.int64]:
    """Return the ids of structures without a field of a kind by a method, ordered by content hash.

    Parameters
    ----------
    session
        Where to read.
    kind, method
        The field.
    sources
        Only structures that one of these sources states now; none means any.
    space_groups
        Only structures whose space group, as found when they were read, has a number in this range, both ends
        included; (195, 230) are the cubic ones.
    structure_ids
        Only these structures; None means any.
    retry_failed
        Whether structures of which a failure of `STAGE` with `failure_detail` is known are among them.
    """
    query = text(f"""
        SELECT s.id FROM matsift.structure s
        WHERE {STATED_NOW}
          AND (CAST(:low AS int) IS NULL OR s.space_group_number BETWEEN :low AND :high)
          AND (CAST(:ids AS int8[]) IS NULL OR s.id = ANY(CAST(:ids AS int8[])))
          AND NOT EXISTS (SELECT FROM matsift.volumetric_field f
                          WHERE f.structure_id = s.id AND f.kind = :kind AND f.method = :method)
          AND (:retry OR NOT EXISTS (SELECT FROM matsift.failure f WHERE f.structure_id = s.id
                                     AND f.stage = :stage AND f.detail = :detail))
        ORDER BY s.content_hash COLLATE "C"
    """)  # noqa: S608  a constant
    low, high = space_groups or (None, None)
    values: dict[str, Any] = {
        "sources": list(sources),
        "low": low,
        "high": high,
        "ids": None if structure_ids is None else [int(key) for key in structure_ids],
        "kind": kind,
        "method": method,
        "retry": retry_failed,
        "stage": STAGE,
        "detail": failure_detail(kind, method),
    }
    return np.array(session.scalars(query, values).all(), dtype=np.int64)


def write_fields(session: Session, run_id: int, rows: Sequence[FieldRow]) -> int:
    """Write fields whose grids are stored; return how many are new. Flushed, not committed.

    A structure keeps the first field of a kind and method: a second one adds no row.
    """
    with incoming(session, _COLUMNS, (_values(row) for row in rows)):
        return len(session.execute(_INSERT, {"run_id": run_id}).all())


def load_fields(session: Session, kind: str, method: str, structure_ids: Ids | None = None) -> FieldTable:
    """Return the fields of a kind and method, of all structures or of those of these that have one."""
    wanted = None if structure_ids is None else [int(key) for key in structure_ids]
    rows = select_binary(session, _SELECT, {"kind": kind, "method": method, "ids": wanted})
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [()] * 10
    return FieldTable(
        ids=np.array(columns[0], dtype=np.int64),
        structure_ids=np.array(columns[1], dtype=np.int64),
        structure_hashes=columns[2],
        formulae=columns[3],
        shapes=np.array(columns[4], dtype=np.int64).reshape(-1, 3),
        cells=np.array(columns[5], dtype=np.float64).reshape(-1, 3, 3),
        n_electron=np.array(columns[6], dtype=np.float64),
        n_electron_expected=np.array(columns[7], dtype=np.float64),
        artifacts=columns[8],
        uris=columns[9],
    )


def fields_of(session: Session, structure_hash: str) -> list[dict[str, Any]]:
    """Return the rows of `analysis.volumetric_field` of one structure, by kind and method."""
    query = text("""
        SELECT * FROM analysis.volumetric_field WHERE structure_hash = :structure_hash
        ORDER BY kind COLLATE "C", method COLLATE "C"
    """)
    return [dict(row) for row in session.execute(query, {"structure_hash": structure_hash}).mappings()]


def entry_of(session: Session, source: str, external_id: str) -> int | None:
    """Return the id of the entry that a source states now under an id, None where it states none."""
    query = text("""
        SELECT e.id FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
        WHERE o.name = :source AND e.external_id = :external_id AND e.withdrawn_at IS NULL
        ORDER BY e.id DESC LIMIT 1
    """)
    return session.execute(query, {"source": source, "external_id": external_id}).scalar_one_or_none()


def field_methods(session: Session, kind: str) -> dict[str, int]:
    """Return how many structures have a field of a kind, by method, in the order of the methods."""
    query = text("""
        SELECT method, count(*) AS n FROM matsift.volumetric_field WHERE kind = :kind
        GROUP BY method ORDER BY method COLLATE "C"
    """)
    return {str(row.method): int(row.n) for row in session.execute(query, {"kind": kind})}


def _values(row: FieldRow) -> tuple[Any, ...]:
    """Return a row of `_COLUMNS`."""
    return (
        row.structure_id,
        row.kind,
        row.method,
        row.electrons,
        [int(n) for n in row.shape],
        np.asarray(row.cell, dtype=np.float64).ravel().tolist(),
        _float(row.n_electron),
        _float(row.n_electron_expected),
        _float(row.n_unpaired),
        row.artifact_sha256,
        row.artifact_uri,
        row.source_entry_id,
    )


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)

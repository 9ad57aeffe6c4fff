"""Dataset snapshots: written once by content hash, read back in the order of the structure content hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Ids, Texts
from matsift_schema.store.copying import incoming
from matsift_schema.store.lookups import property_id

_INSERT = text("""
    INSERT INTO matsift.dataset_snapshot (content_hash, property_id, strategy, settings, seed, n_row, run_id)
    VALUES (:content_hash, :property_id, :strategy, CAST(:settings AS jsonb), :seed, :n_row, :run_id)
    ON CONFLICT (content_hash) DO NOTHING RETURNING id
""")
_ROW_COLUMNS = {"label_id": "int8", "role": "text", "fold": "int4"}
_INSERT_ROWS = text("""
    INSERT INTO matsift.dataset_row (snapshot_id, label_id, role, fold)
    SELECT :snapshot_id, label_id, role, fold FROM incoming ORDER BY label_id
""")


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A dataset snapshot with its n rows, ordered by structure content hash, method and origin.

    Parameters
    ----------
    id, content_hash, property_name, strategy, settings, seed
        What it is.
    label_ids, structure_ids
        (n,) database ids, for joins in this database only.
    structure_hashes, methods, origins, roles
        (n,) texts; a role is train, validation or test.
    values
        (n,) in the unit of the property.
    folds
        (n,) number of the fold, -1 for none.
    elements
        (n,) sorted element symbols of the structure.
    """

    id: int
    content_hash: str
    property_name: str
    strategy: str
    settings: dict[str, Any]
    seed: int
    label_ids: NDArray[np.int64]
    structure_ids: NDArray[np.int64]
    structure_hashes: tuple[str, ...]
    values: NDArray[np.float64]
    methods: tuple[str, ...]
    origins: tuple[str, ...]
    roles: NDArray[np.str_]
    folds: NDArray[np.int64]
    elements: tuple[tuple[str, ...], ...]

    def __len__(self) -> int:
        return len(self.values)


def find_snapshot(session: Session, content_hash: str) -> int | None:
    """Return the id of a snapshot, None where there is none."""
    query = text("SELECT id FROM matsift.dataset_snapshot WHERE content_hash = :content_hash")
    return session.execute(query, {"content_hash": content_hash}).scalar_one_or_none()


def write_snapshot(
    session: Session,
    run_id: int,
    content_hash: str,
    *,
    property_name: str,
    strategy: str,
    settings: Mapping[str, Any],
    seed: int,
    label_ids: Ids,
    roles: Texts,
    folds: Sequence[int | None] | None = None,
) -> int:
    """Return the id of a snapshot, written with all its rows where the content hash is new; flushed, not committed.

    `label_ids`, `roles` (train, validation, test) and `folds` have one entry a row.
    """
    values = {
        "content_hash": content_hash,
        "property_id": property_id(session, property_name),
        "strategy": strategy,
        "settings": json.dumps(dict(settings)),
        "seed": seed,
        "n_row": len(label_ids),
        "run_id": run_id,
    }
    new = session.execute(_INSERT, values).scalar_one_or_none()
    if new is None:
        known = find_snapshot(session, content_hash)
        assert known is not None
        return known
    rows = zip(label_ids, roles, folds or [None] * len(label_ids), strict=True)
    with incoming(session, _ROW_COLUMNS, ((int(key), str(role), fold) for key, role, fold in rows)):
        session.execute(_INSERT_ROWS, {"snapshot_id": new})
    return int(new)


def load_snapshot(session: Session, snapshot_id: int) -> Snapshot:
    """Return a snapshot with its rows.

    Raises
    ------
    KeyError
        If there is no snapshot of this id.
    """
    query = text("""
        SELECT d.content_hash, p.name, d.strategy, d.settings, d.seed
        FROM matsift.dataset_snapshot d JOIN matsift.property p ON p.id = d.property_id WHERE d.id = :id
    """)
    head = session.execute(query, {"id": snapshot_id}).one_or_none()
    if head is None:
        raise KeyError(f"there is no dataset snapshot {snapshot_id}")
    rows = session.execute(
        text("""
            SELECT l.id, s.id, s.content_hash, l.value, l.method, l.origin, r.role, coalesce(r.fold, -1), s.elements
            FROM matsift.dataset_row r
            JOIN matsift.label l ON l.id = r.label_id
            JOIN matsift.structure s ON s.id = l.structure_id
            WHERE r.snapshot_id = :id
            ORDER BY s.content_hash COLLATE "C", l.method COLLATE "C", l.origin COLLATE "C"
        """),
        {"id": snapshot_id},
    ).all()
    columns: list[Any] = list(zip(*rows, strict=True))
    return Snapshot(
        snapshot_id,
        head.content_hash,
        head.name,
        head.strategy,
        head.settings,
        head.seed,
        np.array(columns[0], dtype=np.int64),
        np.array(columns[1], dtype=np.int64),
        columns[2],
        np.array(columns[3], dtype=np.float64),
        columns[4],
        columns[5],
        np.array(columns[6], dtype=np.str_),
        np.array(columns[7], dtype=np.int64),
        tuple(tuple(symbols) for symbols in columns[8]),
    )

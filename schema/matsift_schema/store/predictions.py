"""Predictions: what is missing, bulk writes, arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Floats, Ids
from matsift_schema.store.copying import incoming, select_binary

_COLUMNS = {
    "structure_id": "int8",
    "mean": "float8",
    "spread": "float8",
    "lower": "float8",
    "upper": "float8",
    "members": "float8[]",
}
_INSERT = text("""
    INSERT INTO matsift.prediction (model_version_id, structure_id, property_id, mean, spread, lower, upper, coverage,
                                    members, run_id)
    SELECT m.id, i.structure_id, m.property_id, i.mean, i.spread, i.lower, i.upper, :coverage, i.members, :run_id
    FROM incoming i CROSS JOIN matsift.model_version m WHERE m.id = :model_id
    ORDER BY i.structure_id
    ON CONFLICT (model_version_id, structure_id) DO NOTHING RETURNING structure_id
""")
_LOAD = """
    SELECT s.id, s.content_hash, p.mean, p.spread, p.lower, p.upper, p.coverage, p.members
    FROM matsift.prediction p JOIN matsift.structure s ON s.id = p.structure_id
    WHERE p.model_version_id = %(model_id)s AND (%(ids)s::int8[] IS NULL OR p.structure_id = ANY(%(ids)s::int8[]))
    ORDER BY s.content_hash COLLATE "C"
"""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one model says of n structures, ordered by structure content hash.

    `mean`, `spread`, `lower`, `upper` are (n,) in the property's unit, `members` is (n, n_member) or (n, 0);
    `coverage` is (n,) the share of true values that the interval is calibrated to hold.
    """

    structure_ids: NDArray[np.int64]
    structure_hashes: tuple[str, ...]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    coverage: NDArray[np.float64]
    members: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.mean)


def structures_without_prediction(session: Session, model_id: int, structure_ids: Ids) -> NDArray[np.int64]:
    """Return those of the structures that a model did not predict yet, ordered by content hash."""
    query = text("""
        SELECT s.id FROM matsift.structure s
        WHERE s.id = ANY(CAST(:ids AS int8[])) AND NOT EXISTS (
            SELECT FROM matsift.prediction p WHERE p.structure_id = s.id AND p.model_version_id = :model_id)
        ORDER BY s.content_hash COLLATE "C"
    """)
    rows = session.scalars(query, {"ids": [int(key) for key in structure_ids], "model_id": model_id})
    return np.array(rows.all(), dtype=np.int64)


def write_predictions(
    session: Session,
    run_id: int,
    model_id: int,
    *,
    structure_ids: Ids,
    mean: Floats,
    spread: Floats,
    lower: Floats,
    upper: Floats,
    coverage: float,
    members: NDArray[np.float64] | None = None,
) -> int:
    """Write what a model says of n structures; return how many are new. Flushed, not committed.

    `members` is (n_member, n), as `matsift.learners` gives it; the property is the model's.
    """
    by_structure = np.zeros((len(mean), 0)) if members is None else np.asarray(members, dtype=np.float64).T
    rows = (
        (int(key), *(float(v) for v in numbers), by_structure[i].tolist())
        for i, (key, *numbers) in enumerate(zip(structure_ids, mean, spread, lower, upper, strict=True))
    )
    with incoming(session, _COLUMNS, rows):
        values = {"model_id": model_id, "run_id": run_id, "coverage": coverage}
        return len(session.execute(_INSERT, values).all())


def load_predictions(session: Session, model_id: int, structure_ids: Ids | None = None) -> Predictions:
    """Return the predictions of a model, of all structures or of some, ordered by structure content hash."""
    wanted = None if structure_ids is None else [int(key) for key in structure_ids]
    rows = select_binary(session, _LOAD, {"model_id": model_id, "ids": wanted})
    columns: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * 8
    mean, spread, lower, upper, coverage = (np.array(column, dtype=np.float64) for column in columns[2:7])
    return Predictions(
        np.array(columns[0], dtype=np.int64),
        columns[1],
        mean,
        spread,
        lower,
        upper,
        coverage,
        np.array(columns[7], dtype=np.float64).reshape(len(rows), -1) if rows else np.zeros((0, 0)),
    )

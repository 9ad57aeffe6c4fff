"""What network ensembles say of the space groups of structures that they were not trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Texts
from matsift_schema.store.copying import incoming

_COLUMNS = {
    "label_id": "int8",
    "predicted": "int2",
    "probability": "float8",
    "true_probability": "float8",
    "true_rank": "int2",
    "member_predicted": "int2[]",
    "member_probabilities": "float8[]",
    "in_set": "bool",
    "set_size": "int2",
    "relation": "text",
    "volume": "float8",
    "volume_lower": "float8",
    "volume_upper": "float8",
}
_LISTED = ", ".join(_COLUMNS)
_INSERT = text(f"""
    INSERT INTO matsift.held_out_space_group (model_version_id, {_LISTED}, run_id)
    SELECT :model_id, {_LISTED}, :run_id FROM incoming ORDER BY label_id
    ON CONFLICT (model_version_id, label_id) DO NOTHING RETURNING label_id
""")  # noqa: S608  constants of this module


@dataclass(frozen=True, eq=False)
class HeldOutGroups:
    """What an ensemble of m networks says of n held-out structures.

    Parameters
    ----------
    label_ids
        (n,) labels of the true space groups.
    predicted
        (n,) most probable space groups.
    probability, true_probability
        (n,) calibrated probabilities of the predicted and of the true group.
    true_rank
        (n,) place of the true group, from 1; 0 where the ensemble does not know it.
    member_predicted, member_probabilities
        (n, m) each member's most probable group, and its probability of the ensemble's.
    in_set, set_size
        (n,) whether the conformal set holds the true group, and how many groups it holds.
    relation
        (n,) what the predicted group is to the true one: same, subgroup, supergroup, both, unrelated, or None.
    volume
        (n, 3) volume of the primitive cell with its lower and upper quartile, angstrom3; NaN where there is none.
    """

    label_ids: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float64]
    true_probability: NDArray[np.float64]
    true_rank: NDArray[np.int64]
    member_predicted: NDArray[np.int64]
    member_probabilities: NDArray[np.float64]
    in_set: NDArray[np.bool_]
    set_size: NDArray[np.int64]
    relation: Sequence[str | None]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.label_ids)


@dataclass(frozen=True, eq=False)
class HeldOutTruth:
    """`HeldOutGroups` beside what is true, ordered by structure content hash.

    Parameters
    ----------
    said
        What the ensemble says.
    structure_ids, structure_hashes, formulae
        (n,) the structures.
    roles, folds
        (n,) role in the model's snapshot, and the number of the validation set, -1 for none.
    truth
        (n,) true space groups.
    true_volume
        (n,) volume of the primitive cell by the same origin's label, angstrom3; NaN where there is none.
    """

    said: HeldOutGroups
    structure_ids: NDArray[np.int64]
    structure_hashes: Texts
    formulae: Texts
    roles: Texts
    folds: NDArray[np.int64]
    truth: NDArray[np.int64]
    true_volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.said)


def write_held_out_groups(session: Session, run_id: int, model_id: int, rows: HeldOutGroups) -> int:
    """Write what an ensemble says of held-out labels; return how many are new. Flushed, not committed."""
    volumes = [[None if np.isnan(v) else v for v in row] for row in rows.volume.tolist()]
    columns = zip(
        rows.label_ids.tolist(),
        rows.predicted.tolist(),
        np.clip(rows.probability, 0.0, 1.0).tolist(),
        np.clip(rows.true_probability, 0.0, 1.0).tolist(),
        [rank or None for rank in rows.true_rank.tolist()],
        rows.member_predicted.tolist(),
        rows.member_probabilities.tolist(),
        rows.in_set.tolist(),
        rows.set_size.tolist(),
        rows.relation,
        volumes,
        strict=True,
    )
    with incoming(session, _COLUMNS, ((*head, *volume) for *head, volume in columns)):
        return len(session.execute(_INSERT, {"model_id": model_id, "run_id": run_id}).all())


def load_held_out_groups(session: Session, model_id: int) -> HeldOutTruth:
    """Return what an ensemble says of held-out structures, beside what is true."""
    query = text("""
        SELECT h.label_id, h.predicted, h.probability, h.true_probability, coalesce(h.true_rank, 0), h.member_predicted,
               h.member_probabilities, h.in_set, h.set_size, h.relation, coalesce(h.volume, 'NaN'),
               coalesce(h.volume_lower, 'NaN'), coalesce(h.volume_upper, 'NaN'),
               s.id, s.content_hash, s.reduced_formula, coalesce(r.role, ''), coalesce(r.fold, -1), l.value,
               coalesce((SELECT v.value FROM matsift.label v JOIN matsift.property p ON p.id = v.property_id
                         WHERE v.structure_id = l.structure_id AND p.name = 'primitive_cell_volume'
                           AND v.method = l.method AND v.origin = l.origin ORDER BY v.revision DESC LIMIT 1), 'NaN')
        FROM matsift.held_out_space_group h
        JOIN matsift.model_version m ON m.id = h.model_version_id
        JOIN matsift.label l ON l.id = h.label_id
        JOIN matsift.structure s ON s.id = l.structure_id
        LEFT JOIN matsift.dataset_row r ON r.snapshot_id = m.snapshot_id AND r.label_id = l.id
        WHERE h.model_version_id = :id
        ORDER BY s.content_hash COLLATE "C", l.method COLLATE "C", l.origin COLLATE "C"
    """)
    rows = session.execute(query, {"id": model_id}).all()
    column: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * 20
    n = len(rows)
    said = HeldOutGroups(
        label_ids=np.array(column[0], dtype=np.int64),
        predicted=np.array(column[1], dtype=np.int64),
        probability=np.array(column[2], dtype=np.float64),
        true_probability=np.array(column[3], dtype=np.float64),
        true_rank=np.array(column[4], dtype=np.int64),
        member_predicted=np.array(column[5], dtype=np.int64).reshape(n, -1 if n else 0),
        member_probabilities=np.array(column[6], dtype=np.float64).reshape(n, -1 if n else 0),
        in_set=np.array(column[7], dtype=bool),
        set_size=np.array(column[8], dtype=np.int64),
        relation=column[9],
        volume=np.array(column[10:13], dtype=np.float64).reshape(3, n).T,
    )
    return HeldOutTruth(
        said,
        np.array(column[13], dtype=np.int64),
        column[14],
        column[15],
        column[16],
        np.array(column[17], dtype=np.int64),
        np.array(column[18], dtype=np.float64).astype(np.int64),
        np.array(column[19], dtype=np.float64),
    )

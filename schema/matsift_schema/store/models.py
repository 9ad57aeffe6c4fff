"""Model versions with their evaluations, held-out predictions and importances."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Floats, Ids
from matsift_schema.store.copying import incoming
from matsift_schema.store.lookups import property_id

Purpose = Literal["ensemble", "derived", "baseline", "ablation"]


@dataclass(frozen=True)
class ModelRecord:
    """One trained model.

    `content_hash` names learner, settings, seed, snapshot and columns; `calibration` is plain JSON;
    `descriptor_set_ids` stand in the order of the columns.
    """

    content_hash: str
    learner: str
    purpose: Purpose
    settings: Mapping[str, Any]
    seed: int
    snapshot_id: int
    property_name: str
    column_names: Sequence[str]
    calibration: Mapping[str, Any]
    artifact_sha256: str
    artifact_uri: str
    code_version: str
    descriptor_set_ids: Sequence[int]


@dataclass(frozen=True)
class Evaluation:
    """One metric of a model on one subset; NaN where it is undefined."""

    model_version_id: int
    metric: str
    subset: str
    value: float
    n_row: int


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What a model says of n labels that it was not trained on, ordered by structure content hash.

    `truth`, `mean`, `spread`, `lower` and `upper` are (n,) in the property's unit, NaN where the model has none.
    """

    label_ids: NDArray[np.int64]
    structure_hashes: tuple[str, ...]
    elements: tuple[tuple[str, ...], ...]
    roles: tuple[str, ...]
    truth: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.truth)


_INSERT = text("""
    INSERT INTO matsift.model_version (content_hash, learner, purpose, settings, seed, snapshot_id, property_id,
        column_names, calibration, artifact_sha256, artifact_uri, code_version, run_id)
    VALUES (:content_hash, :learner, :purpose, CAST(:settings AS jsonb), :seed, :snapshot_id, :property_id,
        :column_names, CAST(:calibration AS jsonb), :artifact_sha256, :artifact_uri, :code_version, :run_id)
    ON CONFLICT (content_hash) DO NOTHING RETURNING id
""")
_HELD_OUT_COLUMNS = {"label_id": "int8", "mean": "float8", "spread": "float8", "lower": "float8", "upper": "float8"}
_INSERT_HELD_OUT = text("""
    INSERT INTO matsift.held_out_prediction (model_version_id, label_id, mean, spread, lower, upper, run_id)
    SELECT :model_id, label_id, mean, spread, lower, upper, :run_id FROM incoming ORDER BY label_id
    ON CONFLICT (model_version_id, label_id) DO NOTHING RETURNING label_id
""")


def find_model(session: Session, content_hash: str) -> int | None:
    """Return the id of a model version, None where it was not trained yet."""
    query = text("SELECT id FROM matsift.model_version WHERE content_hash = :content_hash")
    return session.execute(query, {"content_hash": content_hash}).scalar_one_or_none()


def write_model(session: Session, run_id: int, model: ModelRecord) -> int:
    """Return the id of a model version, written where its content hash is new; flushed, not committed."""
    values = {
        **{name: getattr(model, name) for name in ("content_hash", "learner", "purpose", "seed", "snapshot_id")},
        **{name: getattr(model, name) for name in ("artifact_sha256", "artifact_uri", "code_version")},
        "settings": json.dumps(dict(model.settings)),
        "calibration": json.dumps(dict(model.calibration)),
        "column_names": list(model.column_names),
        "property_id": property_id(session, model.property_name),
        "run_id": run_id,
    }
    new = session.execute(_INSERT, values).scalar_one_or_none()
    if new is None:
        known = find_model(session, model.content_hash)
        assert known is not None
        return known
    session.execute(
        text("""
            INSERT INTO matsift.model_descriptor_set (model_version_id, descriptor_set_id, position)
            SELECT :model_id, set_id, position - 1
            FROM unnest(CAST(:sets AS int8[])) WITH ORDINALITY AS listed (set_id, position)
        """),
        {"model_id": new, "sets": list(model.descriptor_set_ids)},
    )
    return int(new)


def load_model(session: Session, model_id: int) -> ModelRecord:
    """Return what is stored of a model version.

    Raises
    ------
    KeyError
        If there is no model version of this id.
    """
    query = text("""
        SELECT m.content_hash, m.learner, m.purpose, m.settings, m.seed, m.snapshot_id, p.name AS property_name,
               m.column_names, m.calibration, m.artifact_sha256, m.artifact_uri, m.code_version,
               ARRAY(SELECT d.descriptor_set_id FROM matsift.model_descriptor_set d
                     WHERE d.model_version_id = m.id ORDER BY d.position) AS descriptor_set_ids
        FROM matsift.model_version m JOIN matsift.property p ON p.id = m.property_id WHERE m.id = :id
    """)
    row = session.execute(query, {"id": model_id}).mappings().one_or_none()
    if row is None:
        raise KeyError(f"there is no model version {model_id}")
    return ModelRecord(**row)


def write_evaluations(
    session: Session, run_id: int, model_id: int, *, subset: str, metrics: Mapping[str, float], n_row: int
) -> int:
    """Write metrics of a model on a subset, those not finite as NULL; return how many are new. Not committed."""
    finite = {name: (float(v) if math.isfinite(v) else None) for name, v in metrics.items()}
    query = text("""
        INSERT INTO matsift.evaluation (model_version_id, metric, subset, value, n_row, run_id)
        SELECT :model_id, metric, :subset, value, :n_row, :run_id
        FROM unnest(CAST(:metrics AS text[]), CAST(:values AS float8[])) AS given (metric, value)
        ON CONFLICT (model_version_id, metric, subset) DO NOTHING RETURNING metric
    """)
    values = {"model_id": model_id, "subset": subset, "n_row": n_row, "run_id": run_id}
    return len(session.execute(query, {**values, "metrics": list(finite), "values": list(finite.values())}).all())


def load_evaluations(session: Session, model_ids: Ids) -> list[Evaluation]:
    """Return the evaluations of models, in the order of the models, then by subset and metric."""
    query = text("""
        SELECT model_version_id, metric, subset, coalesce(value, 'NaN'), n_row FROM matsift.evaluation
        WHERE model_version_id = ANY(CAST(:ids AS int8[]))
        ORDER BY array_position(CAST(:ids AS int8[]), model_version_id), subset, metric
    """)
    return [Evaluation(*row) for row in session.execute(query, {"ids": [int(key) for key in model_ids]})]


def write_held_out(
    session: Session,
    run_id: int,
    model_id: int,
    *,
    label_ids: Ids,
    mean: Floats,
    spread: Floats | None = None,
    lower: Floats | None = None,
    upper: Floats | None = None,
) -> int:
    """Write predictions of n labels that the model was not trained on; return how many are new. Not committed."""
    columns = [mean, *(_or_none(column, len(mean)) for column in (spread, lower, upper))]
    rows = (
        (int(key), *(None if v is None else float(v) for v in row))
        for key, *row in zip(label_ids, *columns, strict=True)
    )
    with incoming(session, _HELD_OUT_COLUMNS, rows):
        return len(session.execute(_INSERT_HELD_OUT, {"model_id": model_id, "run_id": run_id}).all())


def load_held_out(session: Session, model_id: int) -> HeldOut:
    """Return the held-out predictions of a model beside the labels."""
    query = text("""
        SELECT l.id, s.content_hash, s.elements, r.role, l.value, h.mean, coalesce(h.spread, 'NaN'),
               coalesce(h.lower, 'NaN'), coalesce(h.upper, 'NaN')
        FROM matsift.held_out_prediction h
        JOIN matsift.model_version m ON m.id = h.model_version_id
        JOIN matsift.label l ON l.id = h.label_id
        JOIN matsift.structure s ON s.id = l.structure_id
        LEFT JOIN matsift.dataset_row r ON r.snapshot_id = m.snapshot_id AND r.label_id = l.id
        WHERE h.model_version_id = :id
        ORDER BY s.content_hash COLLATE "C", l.method COLLATE "C", l.origin COLLATE "C"
    """)
    rows = session.execute(query, {"id": model_id}).all()
    columns: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * 9
    return HeldOut(
        np.array(columns[0], dtype=np.int64),
        columns[1],
        tuple(tuple(symbols) for symbols in columns[2]),
        columns[3],
        *(np.array(column, dtype=np.float64) for column in columns[4:]),
    )


def write_importances(
    session: Session,
    run_id: int,
    model_id: int,
    *,
    columns: Sequence[str],
    gain_fractions: Floats,
    set_ids: Sequence[int | None],
) -> int:
    """Write each column's share of the gain with its rank, ties by place; return how many are new. Not committed."""
    gains = np.asarray(gain_fractions, dtype=np.float64)
    ranks = np.empty(len(gains), dtype=np.int64)
    ranks[np.argsort(-gains, kind="stable")] = np.arange(1, len(gains) + 1)
    query = text("""
        INSERT INTO matsift.feature_importance (model_version_id, column_name, descriptor_set_id, gain_fraction, rank,
                                                run_id)
        SELECT :model_id, column_name, set_id, gain, rank, :run_id
        FROM unnest(CAST(:columns AS text[]), CAST(:sets AS int8[]), CAST(:gains AS float8[]), CAST(:ranks AS int4[]))
             AS given (column_name, set_id, gain, rank)
        ON CONFLICT (model_version_id, column_name) DO NOTHING RETURNING rank
    """)
    arrays = {"columns": list(columns), "sets": list(set_ids), "gains": gains.tolist(), "ranks": ranks.tolist()}
    return len(session.execute(query, {"model_id": model_id, "run_id": run_id, **arrays}).all())


def load_importances(session: Session, model_id: int, top: int = 20) -> list[tuple[int, str, str, float]]:
    """Return (rank, column, descriptor set, share of the gain) of a model's most important columns."""
    query = text("""
        SELECT i.rank, i.column_name, coalesce(d.name, ''), i.gain_fraction
        FROM matsift.feature_importance i LEFT JOIN matsift.descriptor_set d ON d.id = i.descriptor_set_id
        WHERE i.model_version_id = :id AND i.rank <= :top ORDER BY i.rank
    """)
    return [(rank, name, of, gain) for rank, name, of, gain in session.execute(query, {"id": model_id, "top": top})]


def _or_none(column: Floats | None, n: int) -> Sequence[float | None] | Floats:
    return [None] * n if column is None else column

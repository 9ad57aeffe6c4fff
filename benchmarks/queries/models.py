"""Models that say something of structures without having been trained: the stiffness of their elements."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from benchmarks.queries.structures import SEED, SETS, stiffness
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.descriptors.registry import descriptor_set
from matsift_flows.workspace import Workspace
from matsift_schema.store import models, predictions
from matsift_schema.store.descriptors import find_descriptor_set

N_MEMBER = 20
_CHUNK = 20_000


@dataclass(frozen=True)
class Trained:
    """What stands behind the predictions of one property."""

    property_name: str
    snapshot_id: int
    label_ids: NDArray[np.int64]
    truth: NDArray[np.float64]
    roles: NDArray[np.str_]


def digest(*what: object) -> str:
    """Return a SHA-256 that names something made up."""
    return hashlib.sha256(" ".join(map(str, what)).encode()).hexdigest()


def model(session: Session, run_id: int, trained: Trained, number: int, strategy: str) -> int:
    """Return an ensemble with its evaluation on the test rows, as the training flow writes it."""
    sets = [find_descriptor_set(session, name, descriptor_set(name).version) for name in SETS]
    columns = [column for name in SETS for column in descriptor_set(name).columns]
    record = models.ModelRecord(
        content_hash=digest("model", trained.property_name, number, strategy),
        learner="lightgbm_ensemble",
        purpose="ensemble",
        settings={"members": N_MEMBER},
        seed=SEED,
        snapshot_id=trained.snapshot_id,
        property_name=trained.property_name,
        column_names=columns,
        calibration={},
        artifact_sha256=digest("artifact"),
        artifact_uri="file:///artifact",
        code_version="0",
        descriptor_set_ids=[key for key in sets if key is not None],
    )
    key = models.write_model(session, run_id, record)
    test = trained.roles == "test"
    said = trained.truth[test] * np.random.default_rng((SEED, number)).lognormal(0.0, 0.2, test.sum())
    error = np.abs(said - trained.truth[test])
    metrics = {"mae": float(error.mean()), "rmse": float(np.sqrt((error**2).mean())), "r2": 0.8}
    models.write_evaluations(session, run_id, key, subset="test", metrics=metrics, n_row=int(test.sum()))
    models.write_held_out(
        session,
        run_id,
        key,
        label_ids=trained.label_ids[test],
        mean=said,
        spread=0.1 * said,
        lower=0.8 * said,
        upper=1.2 * said,
    )
    gains = np.full(len(columns), 1.0 / len(columns))
    of_sets = [key for key, name in zip(sets, SETS, strict=True) for _ in descriptor_set(name).columns]
    models.write_importances(session, run_id, key, columns=columns, gain_fractions=gains, set_ids=of_sets)
    return key


def predict(workspace: Workspace, run_id: int, model_id: int, ids: NDArray[np.int64]) -> None:
    """Write what a model says of structures: the stiffness of their elements, with a scatter of its own."""
    with workspace.sessions.begin() as session:
        ids = np.sort(predictions.structures_without_prediction(session, model_id, ids))
    for start in range(0, len(ids), _CHUNK):
        with workspace.sessions.begin() as session:
            said = _members(session, model_id, ids[start : start + _CHUNK])
            mean, spread = said.mean(axis=0), said.std(axis=0)
            predictions.write_predictions(
                session,
                run_id,
                model_id,
                structure_ids=ids[start : start + _CHUNK],
                mean=mean,
                spread=spread,
                lower=mean - 2.0 * spread,
                upper=mean + 2.0 * spread,
                coverage=0.9,
                members=said,
            )


def _members(session: Session, model_id: int, ids: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (n_member, n) predictions of structures, in the order of the ids."""
    query = text("""
        SELECT array_to_string(s.species, ' ')
        FROM unnest(CAST(:ids AS int8[])) WITH ORDINALITY AS i (id, position) JOIN matsift.structure s USING (id)
        ORDER BY i.position
    """)
    species = session.scalars(query, {"ids": ids.tolist()}).all()
    stiff = np.array([stiffness(symbols.split()) for symbols in species])
    rng = np.random.default_rng((SEED, model_id, int(ids[0])))
    of_structure = stiff * rng.lognormal(0.0, 0.15, len(ids))
    return np.asarray(of_structure * rng.lognormal(0.0, 0.1, (N_MEMBER, len(ids))), dtype=np.float64)

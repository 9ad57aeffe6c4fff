"""Prediction: what a model version has not yet said of structures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from matsift.errors import MatsiftError
from matsift.execution.in_process import InProcessPool
from matsift.execution.pool import Pool
from matsift.execution.pools import are_elsewhere, open_pool
from matsift.learners import registry
from matsift.learners.calibration import ConformalCalibration
from matsift.learners.kernel_ridge import BLOCK
from matsift.learners.training import with_intervals
from matsift.study.settings import Study
from matsift_flows.orchestration import inner_flow
from matsift_flows.workspace import Workspace, digest
from matsift_schema.store.descriptors import has_descriptors, load_matrix
from matsift_schema.store.lookups import structure_hashes
from matsift_schema.store.models import load_model
from matsift_schema.store.predictions import structures_without_prediction, write_predictions

#: Structures in one transaction; whole blocks of those learners that predict by blocks, so that a run that is continued
#: after one of them predicts the same to the last bit.
CHUNK = 80 * BLOCK

_PREDICTED, _HOLD = "matsift.learners.held:predicted", "matsift.learners.held:hold_model"
_TIME_LIMIT_S = 3600.0


@inner_flow("predict")
def predict(workspace: Workspace, study: Study, model_id: int, structure_ids: Sequence[int] | NDArray[np.int64]) -> int:
    """Predict those of the structures that a model has not predicted; return how many predictions are new.

    A structure that lacks one of the model's descriptor sets is passed over.
    """
    with workspace.sessions.begin() as session:
        record = load_model(session, model_id)
        missing = structures_without_prediction(session, model_id, structure_ids)
        missing = missing[has_descriptors(session, list(record.descriptor_set_ids), missing)]
        wanted = structure_hashes(session, [int(key) for key in structure_ids]) if len(missing) else []
    if not len(missing):
        return 0
    stored = workspace.artifacts.get(record.artifact_sha256)
    calibration = ConformalCalibration.from_json(record.calibration)
    written = 0
    parameters = {"model": record.content_hash, "property": record.property_name, "structures": digest(wanted)}
    chunks = [missing[start : start + CHUNK] for start in range(0, len(missing), CHUNK)]
    with (
        workspace.run("predict", study.name, parameters) as run,
        _pool(workspace, record.learner, stored, len(chunks)) as pool,
    ):
        for outcome in pool.run(_matrices(workspace, record.descriptor_set_ids, chunks), ahead=0):
            if not outcome.ok:
                raise MatsiftError(f"a prediction failed: {outcome.error_class}: {outcome.message}")
            said = with_intervals(outcome.value, calibration, property_name=record.property_name)
            with workspace.sessions.begin() as session:
                written += write_predictions(
                    session,
                    run.id(session),
                    model_id,
                    structure_ids=chunks[cast("int", outcome.key)],
                    mean=said.prediction.mean,
                    spread=said.prediction.spread,
                    lower=said.lower,
                    upper=said.upper,
                    coverage=calibration.coverage,
                    members=said.prediction.members,
                )
    return written


def _pool(workspace: Workspace, learner: str, stored: bytes, n_chunk: int) -> Pool:
    """Return where a model predicts: here, unless pools are on other machines and there is more than one chunk."""
    if n_chunk == 1 or not are_elsewhere():
        return InProcessPool(registry.load(learner, stored).predict)
    return open_pool(
        _PREDICTED,
        n_worker=workspace.n_worker,
        time_limit_s=_TIME_LIMIT_S,
        initializer=_HOLD,
        init_args=(learner, stored),
    )


def _matrices(
    workspace: Workspace, set_ids: Sequence[int], chunks: Sequence[NDArray[np.int64]]
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    for number, chunk in enumerate(chunks):
        with workspace.sessions.begin() as session:
            X, _ = load_matrix(session, list(set_ids), chunk)
        yield number, X

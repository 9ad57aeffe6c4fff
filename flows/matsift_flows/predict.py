"""Prediction: what a model version has not yet said of structures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matsift.learners import registry
from matsift.learners.calibration import ConformalCalibration
from matsift.learners.kernel_ridge import BLOCK
from matsift.learners.training import predict as predict_arrays
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
    model = registry.load(record.learner, workspace.artifacts.get(record.artifact_sha256))
    calibration = ConformalCalibration.from_json(record.calibration)
    written = 0
    parameters = {"model": record.content_hash, "property": record.property_name, "structures": digest(wanted)}
    with workspace.run("predict", study.name, parameters) as run:
        for start in range(0, len(missing), CHUNK):
            chunk = missing[start : start + CHUNK]
            with workspace.sessions.begin() as session:
                X, _ = load_matrix(session, list(record.descriptor_set_ids), chunk)
                said = predict_arrays(model, calibration, X, property_name=record.property_name)
                written += write_predictions(
                    session,
                    run.id(session),
                    model_id,
                    structure_ids=chunk,
                    mean=said.prediction.mean,
                    spread=said.prediction.spread,
                    lower=said.lower,
                    upper=said.upper,
                    coverage=calibration.coverage,
                    members=said.prediction.members,
                )
    return written

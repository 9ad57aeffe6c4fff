"""The property model of a study as it is asked about compositions: formulas in, values with intervals out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.of_compositions import described_amounts
from matsift.errors import UserInputError
from matsift.generative.formulas import Compositions
from matsift.learners import registry
from matsift.learners.calibration import ConformalCalibration
from matsift.learners.prediction import FittedModel
from matsift.learners.training import Intervals
from matsift.learners.training import predict as predict_arrays
from matsift.study.ranking import RankingSettings
from matsift.study.settings import Study
from matsift_flows.train import StudyModel
from matsift_flows.workspace import Workspace
from matsift_schema.store.datasets import Snapshot
from matsift_schema.store.models import load_model


@dataclass(frozen=True, eq=False)
class PropertyModel:
    """The ensemble of the property that a study ranks by, and the labels that it was trained on."""

    id: int
    content_hash: str
    property_name: str
    sets: tuple[str, ...]
    model: FittedModel
    calibration: ConformalCalibration
    snapshot: Snapshot

    def described(self, compositions: Compositions) -> NDArray[np.float64]:
        """Return (n, n_column) what the model sees of compositions, rounded as descriptors are stored."""
        return described_amounts(self.sets, compositions.counts).astype(np.float32).astype(np.float64)

    def predict(self, compositions: Compositions) -> Intervals:
        """Return mean, spread and interval of each composition."""
        return predict_arrays(
            self.model, self.calibration, self.described(compositions), property_name=self.property_name
        )

    def value(self, formula: str) -> float:
        """Return the mean for one formula, in the property's unit."""
        return float(self.predict(Compositions.from_formulas([formula])).prediction.mean[0])


def property_model(workspace: Workspace, study: Study, trained: Sequence[StudyModel]) -> PropertyModel:
    """Return the model by which a study ranks.

    Raises
    ------
    UserInputError
        If none was trained.
    """
    name = study.ranking.property
    for found in trained:
        about = found.wanted.specification
        if found.wanted.role == "ensemble" and about.property_name == name:
            with workspace.sessions.begin() as session:
                record = load_model(session, found.id)
            return PropertyModel(
                id=found.id,
                content_hash=record.content_hash,
                property_name=name,
                sets=study.descriptors.sets,
                model=registry.load(record.learner, workspace.artifacts.get(record.artifact_sha256)),
                calibration=ConformalCalibration.from_json(record.calibration),
                snapshot=found.wanted.snapshot,
            )
    raise UserInputError(f"the study {study.name} has no model of {name}; run `matsift train` first")


def best_first(ranking: RankingSettings, said: Intervals) -> NDArray[np.int64]:
    """Return the positions of predictions in the order of a ranking, equal ones in their own."""
    column = {"mean": said.prediction.mean, "lower": said.lower, "upper": said.upper}[ranking.by]
    return np.argsort(-column if ranking.goal == "maximize" else column, kind="stable").astype(np.int64)

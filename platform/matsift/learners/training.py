"""From a snapshot's arrays to a calibrated, evaluated model: what one model version is, without a database."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError
from matsift.learners.calibration import ConformalCalibration, rows_needed
from matsift.learners.evaluation import regression_metrics
from matsift.learners.prediction import FittedModel, Prediction
from matsift.learners.registry import fit, target_scale, validate_settings
from matsift.units import property_definition

#: Fewest rows of a subset for which metrics are computed; below, an R2 says nothing.
FEWEST_ROWS_TO_EVALUATE = 3


@dataclass(frozen=True)
class ModelSpecification:
    """Everything that decides what a model will predict, but for the rows it is trained on.

    `descriptor_sets` are (name, version) in column order, `settings` those of the learner (defaults may be left out),
    `coverage` is the nominal coverage of its intervals.
    """

    property_name: str
    learner: str
    settings: Mapping[str, Any]
    seed: int
    coverage: float
    descriptor_sets: tuple[tuple[str, str], ...]

    def filled_settings(self) -> dict[str, Any]:
        """Return the settings of the learner with its defaults."""
        return validate_settings(self.learner, self.settings)

    def content_hash(self, snapshot_hash: str) -> str:
        """Return the SHA-256 that names the model of this specification on a snapshot."""
        parts = [
            snapshot_hash,
            self.property_name,
            self.learner,
            self.filled_settings(),
            self.seed,
            self.coverage,
            [list(pair) for pair in self.descriptor_sets],
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Intervals:
    """A prediction with its calibrated interval; all (n,), in the unit of the property."""

    prediction: Prediction
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model with its calibration, what it says of the test rows, and how good that is.

    `test_rows` are positions in the snapshot; `metrics` maps a subset of the test rows to (rows, metric -> value).
    """

    property_name: str
    model: FittedModel
    calibration: ConformalCalibration
    test_rows: NDArray[np.int64]
    test: Intervals
    metrics: dict[str, tuple[int, dict[str, float]]]

    def predict(self, X: NDArray[np.float64]) -> Intervals:
        """Return the prediction for (n, n_column) descriptors."""
        return predict(self.model, self.calibration, X, property_name=self.property_name)


def predict(
    model: FittedModel, calibration: ConformalCalibration, X: NDArray[np.float64], *, property_name: str
) -> Intervals:
    """Return mean, spread, members and interval for (n, n_column) descriptors.

    Intervals end at the bounds of the property, beyond which no true value can lie: that loses no coverage.
    """
    return with_intervals(model.predict(X), calibration, property_name=property_name)


def with_intervals(prediction: Prediction, calibration: ConformalCalibration, *, property_name: str) -> Intervals:
    """Return a prediction with its calibrated interval, which ends at the bounds of the property."""
    known = property_definition(property_name)
    lower, upper = calibration.around(prediction)
    return Intervals(
        prediction,
        np.clip(lower, known.lower_bound, known.upper_bound),
        np.clip(upper, known.lower_bound, known.upper_bound),
    )


def train(
    specification: ModelSpecification,
    X: NDArray[np.float64],
    y: NDArray[np.float64],
    roles: NDArray[np.str_],
    columns: Sequence[str],
    *,
    subsets: Mapping[str, NDArray[np.bool_]],
    n_worker: int = 1,
) -> TrainedModel:
    """Return the model trained on the train rows, calibrated on the validation rows, evaluated on the test rows.

    Parameters
    ----------
    specification
        What to train.
    X
        (n, n_column) descriptors of the snapshot, rows ordered by structure content hash.
    y
        (n,) labels, in the unit of the property.
    roles
        (n,) "train", "validation" or "test".
    columns
        (n_column,) names.
    subsets
        Name -> (n,) mask; metrics are computed over the test rows in the mask, besides those over all.
    n_worker
        Processes to train with; the result does not depend on it.

    Raises
    ------
    UserInputError
        If a role has too few rows.
    """
    training, validation = roles == "train", roles == "validation"
    test_rows = np.flatnonzero(roles == "test")
    if validation.sum() < rows_needed(specification.coverage):
        raise UserInputError(
            f"{int(validation.sum())} labels of {specification.property_name} calibrate its intervals, "
            f"{rows_needed(specification.coverage)} are needed for {100 * specification.coverage:g} % coverage; "
            "add labels, raise sampling.validation_fraction or lower learner.coverage"
        )
    model = fit(
        specification.learner,
        X[training],
        y[training],
        settings=specification.settings,
        seed=specification.seed,
        feature_names=columns,
        n_worker=n_worker,
    )
    seen = model.predict(X[validation])
    calibration = ConformalCalibration.of(
        y[validation], seen, specification.coverage, target_scale(specification.filled_settings())
    )
    test = predict(model, calibration, X[test_rows], property_name=specification.property_name)
    everything = {"test": np.ones(len(y), dtype=bool), **subsets}
    metrics = {name: interval_metrics(y[test_rows], test, mask[test_rows]) for name, mask in everything.items()}
    return TrainedModel(
        specification.property_name,
        model,
        calibration,
        test_rows,
        test,
        {name: found for name, found in metrics.items() if found[1]},
    )


def interval_metrics(y: NDArray[np.float64], said: Intervals, mask: NDArray[np.bool_]) -> tuple[int, dict[str, float]]:
    """Return how many of n rows are in a mask, and metrics over those; none where they are too few to say anything."""
    n = int(mask.sum())
    if n < FEWEST_ROWS_TO_EVALUATE:
        return n, {}
    return n, regression_metrics(
        y[mask],
        said.prediction.mean[mask],
        spread=said.prediction.spread[mask],
        lower=said.lower[mask],
        upper=said.upper[mask],
    )

"""Ridge baseline: clipped and standardised columns, penalty by leave-one-out, spread over draws of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.impute import SimpleImputer
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from threadpoolctl import threadpool_limits

from matsift.errors import ArtifactError
from matsift.learners import container, sklearn_storage
from matsift.learners.ensemble_settings import EnsembleSettings
from matsift.learners.prediction import Prediction, TrainingData, checked_features, draw_rows, member_seeds

KIND = "ridge"


class RidgeSettings(EnsembleSettings):
    """Settings of the ridge ensemble."""

    alphas: Annotated[
        tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1, description="penalties to choose from")
    ] = (0.1, 1.0, 10.0, 100.0, 1000.0, 10_000.0)


@dataclass(frozen=True, eq=False)
class RidgeEnsemble:
    """Trained ridge pipelines, one a draw of the rows."""

    feature_names: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int
    pipelines: tuple[Pipeline, ...]
    kind: str = KIND

    def predict(self, X: NDArray[np.float64]) -> Prediction:
        """Return mean, spread and members for (n, n_feature) descriptors; NaN takes the column's training median."""
        rows = checked_features(X, self.feature_names)
        if not len(rows):
            return Prediction.of_members(np.empty((len(self.pipelines), 0)))
        with threadpool_limits(1, "blas"):  # the order of BLAS sums follows its threads
            return Prediction.of_members(np.array([p.predict(rows) for p in self.pipelines]))

    def importances(self) -> None:
        """Return None: coefficients of correlated columns are no share of anything."""
        return

    def dump(self) -> bytes:
        """Return a zip of a header and one skops file a member."""
        parts = {f"member_{i:04d}.skops": sklearn_storage.to_bytes(p) for i, p in enumerate(self.pipelines)}
        return container.pack(container.header_of(self), parts)

    @classmethod
    def read(cls, header: dict[str, Any], parts: dict[str, bytes]) -> Self:
        """Return the ensemble of a model file."""
        try:
            pipelines = tuple(sklearn_storage.from_bytes(parts[name]) for name in sorted(parts))
            return cls(tuple(header["feature_names"]), header["settings"], int(header["seed"]), pipelines)
        except KeyError as error:
            raise ArtifactError(f"the model file lacks {error}") from error


def fit(data: TrainingData, settings: RidgeSettings, *, seed: int, n_worker: int = 1) -> RidgeEnsemble:  # noqa: ARG001  one face for all learners
    """Return ridge members on independent draws of the rows."""
    pipelines = []
    with threadpool_limits(1, "blas"):
        for member_seed in member_seeds(seed, settings.members):
            rows = draw_rows(len(data.y), settings.train_fraction, member_seed)
            pipeline = Pipeline(
                [
                    ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
                    # A column that is nearly constant in training may be thousands of deviations away in a new crystal,
                    # and a linear model follows it without bound: values stay within the training range.
                    ("clip", MinMaxScaler(clip=True)),
                    ("scale", StandardScaler()),
                    ("ridge", RidgeCV(list(settings.alphas))),
                ]
            )
            pipelines.append(pipeline.fit(data.X[rows], data.y[rows]))
    return RidgeEnsemble(data.feature_names, settings.model_dump(mode="json"), seed, tuple(pipelines))

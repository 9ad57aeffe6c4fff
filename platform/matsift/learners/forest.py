"""Random forest baseline: the trees are the members, their spread the uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline

from matsift.errors import ArtifactError
from matsift.learners import container, sklearn_storage
from matsift.learners.prediction import Prediction, TrainingData, checked_features, shares

KIND = "random_forest"


class ForestSettings(BaseModel):
    """Settings of the forest; the defaults are scikit-learn's but for a third of the columns a split."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_estimators: Annotated[int, Field(ge=2, le=10_000, description="trees")] = 100
    max_depth: Annotated[int | None, Field(ge=1)] = None
    min_samples_leaf: Annotated[int, Field(ge=1)] = 1
    max_features: Annotated[float, Field(gt=0, le=1, description="share of the columns tried at a split")] = 1 / 3


@dataclass(frozen=True, eq=False)
class Forest:
    """A trained forest behind a median imputer."""

    feature_names: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int
    pipeline: Pipeline
    kind: str = KIND

    def predict(self, X: NDArray[np.float64]) -> Prediction:
        """Return mean, spread and members (one a tree) for (n, n_feature) descriptors."""
        rows = checked_features(X, self.feature_names)
        forest = self.pipeline.named_steps["forest"]
        if not len(rows):
            return Prediction.of_members(np.empty((len(forest.estimators_), 0)))
        known = self.pipeline.named_steps["impute"].transform(rows).astype(np.float32)  # the trees' own precision
        return Prediction.of_members(np.array([tree.predict(known) for tree in forest.estimators_]))

    def importances(self) -> NDArray[np.float64]:
        """Return (n_feature,) share of the variance reduction that each column brought."""
        return shares(np.asarray(self.pipeline.named_steps["forest"].feature_importances_, dtype=np.float64))

    def dump(self) -> bytes:
        """Return a zip of a header and a skops file."""
        return container.pack(container.header_of(self), {"forest.skops": sklearn_storage.to_bytes(self.pipeline)})

    @classmethod
    def read(cls, header: dict[str, Any], parts: dict[str, bytes]) -> Self:
        """Return the forest of a model file."""
        try:
            pipeline = sklearn_storage.from_bytes(parts["forest.skops"])
            return cls(tuple(header["feature_names"]), header["settings"], int(header["seed"]), pipeline)
        except KeyError as error:
            raise ArtifactError(f"the model file lacks the part {error}") from error


def fit(data: TrainingData, settings: ForestSettings, *, seed: int, n_worker: int = 1) -> Forest:
    """Return a forest; trees grow in `n_worker` threads, each from its own seed, so the result does not change."""
    forest = RandomForestRegressor(**settings.model_dump(), random_state=seed % 2**32, n_jobs=n_worker)
    pipeline = Pipeline([("impute", SimpleImputer(strategy="median", keep_empty_features=True)), ("forest", forest)])
    pipeline.fit(data.X, data.y)
    forest.n_jobs = 1
    return Forest(data.feature_names, settings.model_dump(mode="json"), seed, pipeline)

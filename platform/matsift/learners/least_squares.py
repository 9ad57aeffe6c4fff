"""Ordinary least squares with an intercept, on standard scores of the columns, and the error of its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from threadpoolctl import threadpool_limits

from matsift.errors import ArtifactError
from matsift.learners import array_parts, container
from matsift.learners.prediction import Prediction, TrainingData, checked_features
from matsift.learners.standard_scores import StandardScores

KIND = "least_squares"
#: Singular values of the scores below this share of the largest count as zero: such a column repeats others.
_RANK = 1e-10


class LeastSquaresSettings(BaseModel):
    """Ordinary least squares has nothing to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """The straight line through the training rows.

    `intercept` is the mean target and `slopes` (n_feature,) stand per standard deviation of each column; `root`
    (n_feature, rank) times its transpose is the inverse of the scores' second moments, `residual` the standard error
    of the fit, sqrt(SSE / (n - rank - 1)), 0 where nothing is left over.
    """

    feature_names: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int
    n_row: int
    scores: StandardScores
    intercept: float
    slopes: NDArray[np.float64]
    root: NDArray[np.float64]
    residual: float
    kind: str = KIND

    def predict(self, X: NDArray[np.float64]) -> Prediction:
        """Return the line at (n, n_feature) descriptors, NaN at the column's mean.

        The spread is the standard error of a new label, residual * sqrt(1 + 1/n + z (Z'Z)^-1 z'); the line is the only
        member.
        """
        scores = self.scores.transform(checked_features(X, self.feature_names))
        with threadpool_limits(1, "blas"):  # the order of BLAS sums follows its threads
            mean = self.intercept + np.einsum("ij,j->i", scores, self.slopes)
            leverage = 1.0 / self.n_row + (np.einsum("ij,jk->ik", scores, self.root) ** 2).sum(axis=1)
        return Prediction(mean, self.residual * np.sqrt(1.0 + leverage), mean[None])

    def importances(self) -> None:
        """Return None: slopes of correlated columns are no share of anything."""
        return

    def dump(self) -> bytes:
        """Return a zip of a header and NumPy arrays."""
        numbers = {"intercept": self.intercept.hex(), "residual": self.residual.hex(), "n_row": self.n_row}
        arrays = {**self.scores.parts(), "slopes": self.slopes, "root": self.root}
        return container.pack({**container.header_of(self), **numbers}, array_parts.to_parts(arrays))

    @classmethod
    def read(cls, header: dict[str, Any], parts: dict[str, bytes]) -> Self:
        """Return the model of a model file."""
        arrays = array_parts.from_parts(parts)
        try:
            return cls(
                tuple(header["feature_names"]),
                header["settings"],
                int(header["seed"]),
                int(header["n_row"]),
                StandardScores.of_parts(arrays),
                float.fromhex(header["intercept"]),
                arrays["slopes"],
                arrays["root"],
                float.fromhex(header["residual"]),
            )
        except (KeyError, ValueError) as error:
            raise ArtifactError(f"the model file lacks {error}") from error


def fit(data: TrainingData, settings: LeastSquaresSettings, *, seed: int, n_worker: int = 1) -> LeastSquares:  # noqa: ARG001  one face for all learners
    """Return the least-squares line; where columns repeat each other, that of the smallest slopes."""
    scores = StandardScores.fit(data.X)
    Z, centre = scores.transform(data.X), float(data.y.mean())
    with threadpool_limits(1, "blas"):
        left, singular, right = np.linalg.svd(Z, full_matrices=False)
        kept = singular > _RANK * singular.max(initial=0.0)
        root = right[kept].T / singular[kept]
        slopes = root @ (left[:, kept].T @ (data.y - centre))
        error = data.y - centre - Z @ slopes
    freedom = len(data.y) - int(kept.sum()) - 1
    residual = float(np.sqrt((error**2).sum() / freedom)) if freedom > 0 else 0.0
    return LeastSquares(
        data.feature_names,
        settings.model_dump(mode="json"),
        seed,
        len(data.y),
        scores,
        centre,
        slopes,
        root,
        residual,
    )

"""Kernel ridge: a Gaussian kernel on normal scores of the columns, spread over draws of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.linalg import cho_factor, cho_solve
from threadpoolctl import threadpool_limits

from matsift.errors import ArtifactError, UserInputError
from matsift.learners import array_parts, container
from matsift.learners.ensemble_settings import ScaledEnsembleSettings
from matsift.learners.normal_scores import NormalScores
from matsift.learners.prediction import Prediction, TrainingData, checked_features, draw_rows, member_seeds

KIND = "kernel_ridge"
#: A member solves equations in as many unknowns as it has rows: beyond this, they no longer fit into memory.
MOST_ROWS = 25_000
#: Rows predicted at a time, always so many: the order of the sums of BLAS must not depend on how many rows there are.
BLOCK = 256


class KernelRidgeSettings(ScaledEnsembleSettings):
    """Settings of the kernel ridge ensemble."""

    length: Annotated[
        float, Field(gt=0, description="length of the kernel, in units of the root of the number of columns")
    ] = 1.8
    penalty: Annotated[float, Field(gt=0, description="added to the diagonal of the kernel matrix")] = 0.03


@dataclass(frozen=True, eq=False)
class KernelRidgeEnsemble:
    """A trained ensemble: what each member adds for being near each training row.

    `rows` (n, n_column) are the scores of the training rows, `weights` (n, n_member) are 0 where a member has not seen
    a row, `centre` is the mean target, on the scale of the target.
    """

    feature_names: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int
    scores: NormalScores
    rows: NDArray[np.float64]
    weights: NDArray[np.float64]
    centre: float
    kind: str = KIND

    def predict(self, X: NDArray[np.float64]) -> Prediction:
        """Return mean, spread and members for (n, n_feature) descriptors; NaN counts as the column's median."""
        new = self.scores.transform(checked_features(X, self.feature_names))
        settings = KernelRidgeSettings.model_validate(self.settings)
        said = np.empty((self.weights.shape[1], len(new)))
        with threadpool_limits(1, "blas"):  # the order of BLAS sums follows its threads
            for start in range(0, len(new), BLOCK):
                block = np.zeros((BLOCK, new.shape[1]))
                found = new[start : start + BLOCK]
                block[: len(found)] = found
                near = _kernel(block, self.rows, settings) @ self.weights
                said[:, start : start + len(found)] = near[: len(found)].T
        return Prediction.of_members(settings.scale.back(self.centre + said))

    def importances(self) -> None:
        """Return None: a distance has no notion of the share of a column."""
        return

    def dump(self) -> bytes:
        """Return a zip of a header and NumPy arrays."""
        header = {**container.header_of(self), "centre": self.centre.hex()}
        arrays = {**self.scores.parts(), "rows": self.rows, "weights": self.weights}
        return container.pack(header, array_parts.to_parts(arrays))

    @classmethod
    def read(cls, header: dict[str, Any], parts: dict[str, bytes]) -> Self:
        """Return the ensemble of a model file."""
        arrays = array_parts.from_parts(parts)
        try:
            return cls(
                tuple(header["feature_names"]),
                header["settings"],
                int(header["seed"]),
                NormalScores.of_parts(arrays),
                arrays["rows"],
                arrays["weights"],
                float.fromhex(header["centre"]),
            )
        except (KeyError, ValueError) as error:
            raise ArtifactError(f"the model file lacks {error}") from error


def fit(data: TrainingData, settings: KernelRidgeSettings, *, seed: int, n_worker: int = 1) -> KernelRidgeEnsemble:
    """Return members on independent draws of the rows, the same whatever `n_worker`, which are threads here, is.

    Raises
    ------
    UserInputError
        If a draw has more rows than a member can take.
    """
    n = len(data.y)
    if settings.train_fraction * n > MOST_ROWS:
        raise UserInputError(
            f"each member would see {round(settings.train_fraction * n)} rows, and kernel ridge takes up to "
            f"{MOST_ROWS}; lower train_fraction, or use the learner lightgbm_ensemble"
        )
    scores, target = NormalScores.fit(data.X), settings.scale.forward(data.y)
    rows, centre = scores.transform(data.X), float(target.mean())
    seeds = member_seeds(seed, settings.members)
    with threadpool_limits(1, "blas"):
        matrix = _kernel(rows, rows, settings)

        def solve(member_seed: int) -> NDArray[np.float64]:
            drawn = draw_rows(n, settings.train_fraction, member_seed)
            drawn_matrix = matrix[np.ix_(drawn, drawn)]
            drawn_matrix[np.diag_indices(len(drawn))] += settings.penalty
            weights = np.zeros(n)
            weights[drawn] = cho_solve(
                cho_factor(drawn_matrix, lower=True, overwrite_a=True, check_finite=False), target[drawn] - centre
            )
            return weights

        with ThreadPoolExecutor(n_worker) as pool:
            weights = np.column_stack(list(pool.map(solve, seeds)))
    return KernelRidgeEnsemble(
        data.feature_names, settings.model_dump(mode="json"), seed, scores, rows, weights, centre
    )


def _kernel(one: NDArray[np.float64], other: NDArray[np.float64], settings: KernelRidgeSettings) -> NDArray[np.float64]:
    """Return the (n, m) Gaussian kernel of rows of scores."""
    squares = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1)[None, :]
    squares -= 2.0 * (one @ other.T)
    np.maximum(squares, 0.0, out=squares)
    squares *= -0.5 / (settings.length**2 * one.shape[1])
    np.exp(squares, out=squares)
    return np.asarray(squares)

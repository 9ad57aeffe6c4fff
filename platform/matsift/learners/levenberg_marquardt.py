"""A perceptron of one hidden layer, trained by Levenberg-Marquardt on all rows, as MATLAB's `fitnet` with `trainlm`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from threadpoolctl import threadpool_limits

from matsift.errors import ArtifactError
from matsift.learners import array_parts, container
from matsift.learners.neuron_layer import GroupedRows, NeuronLayer
from matsift.learners.prediction import Prediction, TrainingData, checked_features, member_seeds

KIND = "levenberg_marquardt"
#: Damping: at the start, its factor after each step, and where training gives up (`trainlm`).
_MU, _MU_FACTOR, _MU_MOST, _MU_LEAST = 1e-3, 10.0, 1e10, 1e-20
#: Training ends where the largest derivative of the mean square, of targets on -1 to 1, is below this (`trainlm`).
_GRADIENT = 1e-7
#: Epochs over which `tolerance` counts.
_WINDOW = 50


class LevenbergMarquardtSettings(BaseModel):
    """Settings of the perceptron."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    neurons: Annotated[int, Field(ge=1, le=100, description="neurons of the hidden layer")] = 1
    members: Annotated[
        int, Field(ge=1, le=1000, description="networks on the same rows from different starts; their mean predicts")
    ] = 5
    epochs: Annotated[int, Field(ge=1, le=100_000, description="most steps of the training")] = 2000
    tolerance: Annotated[
        float, Field(ge=0, lt=1, description="training ends when 50 epochs lower the squared error by less than this")
    ] = 1e-4


@dataclass(frozen=True, eq=False)
class LevenbergMarquardt:
    """Trained perceptrons: what a column and the target are on -1 to 1, and the weights.

    `low` and `high` (n_feature,) are the training range of each column, `target` that of the labels; `inner`
    (n_member, N, 1 + n_feature) has the bias first, `outer` (n_member, N + 1) last.
    """

    feature_names: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    target: tuple[float, float]
    inner: NDArray[np.float64]
    outer: NDArray[np.float64]
    kind: str = KIND

    def predict(self, X: NDArray[np.float64]) -> Prediction:
        """Return mean, spread and members for (n, n_feature) descriptors; NaN counts as the middle of the range."""
        rows = _scaled(checked_features(X, self.feature_names), self.low, self.high)
        with_bias = np.column_stack([np.ones(len(rows)), rows])
        neurons = np.tanh(np.einsum("ij,mnj->min", with_bias, self.inner))
        said = np.einsum("min,mn->mi", neurons, self.outer[:, :-1]) + self.outer[:, -1:]
        low, high = self.target
        return Prediction.of_members((said + 1.0) / 2.0 * (high - low) + low)

    def importances(self) -> None:
        """Return None: weights before a nonlinearity are no share of anything."""
        return

    def dump(self) -> bytes:
        """Return a zip of a header and NumPy arrays."""
        header = {**container.header_of(self), "target": [end.hex() for end in self.target]}
        arrays = {"low": self.low, "high": self.high, "inner": self.inner, "outer": self.outer}
        return container.pack(header, array_parts.to_parts(arrays))

    @classmethod
    def read(cls, header: dict[str, Any], parts: dict[str, bytes]) -> Self:
        """Return the model of a model file."""
        arrays = array_parts.from_parts(parts)
        try:
            low, high = (float.fromhex(end) for end in header["target"])
            return cls(
                tuple(header["feature_names"]),
                header["settings"],
                int(header["seed"]),
                arrays["low"],
                arrays["high"],
                (low, high),
                arrays["inner"],
                arrays["outer"],
            )
        except (KeyError, ValueError) as error:
            raise ArtifactError(f"the model file lacks {error}") from error


def fit(
    data: TrainingData,
    settings: LevenbergMarquardtSettings,
    *,
    seed: int,
    n_worker: int = 1,  # noqa: ARG001  one face for all learners
) -> LevenbergMarquardt:
    """Return the networks, each trained on all rows from its own start; no row is set aside to stop early."""
    low, high = (f(np.where(np.isnan(data.X), g, data.X), axis=0) for f, g in ((np.min, np.inf), (np.max, -np.inf)))
    low, high = np.where(np.isfinite(low), low, 0.0), np.where(np.isfinite(high), high, 0.0)
    ends = float(data.y.min()), float(data.y.max())
    rows = _scaled(data.X, low, high)
    t = _scaled(data.y[:, None], np.array([ends[0]]), np.array([ends[1]]))[:, 0]
    inner: list[NDArray[np.float64]] = []
    outer: list[NDArray[np.float64]] = []
    with threadpool_limits(1, "blas"):
        layer = NeuronLayer(GroupedRows.of(rows, t), settings.neurons)
        for member_seed in member_seeds(seed, settings.members):
            weights = train(layer, start(layer, np.random.default_rng(member_seed)), settings)
            for found, part in zip((inner, outer), layer.by_column(weights), strict=True):
                found.append(part)
    return LevenbergMarquardt(
        data.feature_names, settings.model_dump(mode="json"), seed, low, high, ends, np.array(inner), np.array(outer)
    )


def start(layer: NeuronLayer, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return random weights by which the neurons' active regions cover -1 to 1 evenly (Nguyen and Widrow 1990)."""
    n, n_column = layer.n_neuron, len(layer.rows.columns)
    direction = rng.uniform(-1.0, 1.0, (n, n_column))
    size = 0.7 * n ** (1.0 / n_column)
    direction *= size / np.linalg.norm(direction, axis=1, keepdims=True)
    spread = np.linspace(-1.0, 1.0, n) if n > 1 else np.zeros(1)
    bias = size * spread * np.where(direction[:, 0] < 0, -1.0, 1.0)
    shared = np.column_stack([bias, direction[:, : layer.n_shared - 1]])
    own = direction[:, layer.n_shared - 1 :].T
    return np.concatenate([shared.ravel(), own.ravel(), rng.uniform(-1.0, 1.0, n + 1)])


def train(
    layer: NeuronLayer, weights: NDArray[np.float64], settings: LevenbergMarquardtSettings
) -> NDArray[np.float64]:
    """Return the weights after Levenberg-Marquardt on the sum of squared errors, its damping times or through 10."""
    mu, losses = _MU, [layer.try_out(weights)]
    layer.keep()
    n_row = float(layer.rows.there.sum())
    for _ in range(settings.epochs):
        matrix, gradient = layer.equations(weights)
        if 2 * np.abs(gradient).max() / n_row < _GRADIENT:
            break
        if len(losses) > _WINDOW and losses[-1] > (1.0 - settings.tolerance) * losses[-1 - _WINDOW]:
            break
        while mu <= _MU_MOST:
            step = _solved(matrix, gradient, mu)
            if step is not None and (found := layer.try_out(weights + step)) < losses[-1]:
                break
            mu *= _MU_FACTOR
        else:
            break
        layer.keep()
        weights = weights + step
        losses.append(found)
        mu = max(mu / _MU_FACTOR, _MU_LEAST)
    return weights


def _solved(matrix: NDArray[np.float64], gradient: NDArray[np.float64], mu: float) -> NDArray[np.float64] | None:
    """Return the damped step, None where rounding leaves the matrix not positive definite."""
    damped = matrix.copy()
    damped[np.diag_indices(len(damped))] += mu
    try:
        return np.asarray(cho_solve(cho_factor(damped, lower=True, overwrite_a=True), gradient))
    except LinAlgError:
        return None


def _scaled(X: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return columns with -1 at their low and 1 at their high end; 0 where unknown or without a range."""
    extent = high - low
    scaled = 2.0 * (X - low) / np.where(extent > 0, extent, 1.0) - 1.0
    return np.where((extent > 0) & ~np.isnan(X), scaled, 0.0)

"""Studies of GPR-NN over splits by group: the scan of its two numbers, more coordinates, importance of columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.learners import gpr_nn, registry
from matsift.learners.gpr_nn import GprNnProblem, GprNnSettings
from matsift.learners.group_splits import GroupedData, SplitPlan, SplitScores, mapped, measures, over_splits
from matsift.learners.prediction import TrainingData


@dataclass(frozen=True, eq=False)
class Scan:
    """Root mean square errors over kernel lengths and noise variances: (n_length, n_noise, n_split) each."""

    lengths: tuple[float, ...]
    noise_variances: tuple[float, ...]
    rmse_train: NDArray[np.float64]
    rmse_test: NDArray[np.float64]

    def chosen(self) -> tuple[float, float]:
        """Return length and noise variance of the least mean plus standard deviation of the test error over splits."""
        cost = self.rmse_test.mean(axis=2) + self.rmse_test.std(axis=2)
        length, noise = np.unravel_index(int(cost.argmin()), cost.shape)
        return self.lengths[length], self.noise_variances[noise]


def scan(
    data: GroupedData,
    lengths: Sequence[float],
    noise_variances: Sequence[float],
    *,
    settings: Mapping[str, Any] | None = None,
    plan: SplitPlan | None = None,
    n_worker: int = 1,
) -> Scan:
    """Return the errors of GPR-NN for each length and noise; all noises of a length share one reduction of the rows."""
    base = registry.validate_settings(gpr_nn.KIND, settings or {})
    payloads = [
        ({**base, "length": float(length)}, tuple(noise_variances), data, test)
        for length in lengths
        for test in (plan or SplitPlan()).tests(data)
    ]
    found = np.array(mapped(errors_of_noises, payloads, n_worker)).reshape(len(lengths), -1, len(noise_variances), 2)
    train, test = found.transpose(3, 0, 2, 1)
    return Scan(tuple(lengths), tuple(noise_variances), train, test)


def errors_of_noises(
    payload: tuple[Mapping[str, Any], tuple[float, ...], GroupedData, NDArray[np.bool_]],
) -> list[tuple[float, float]]:
    """Return train and test errors of each noise in one split: the target of the worker processes."""
    base, noises, data, test = payload
    rows = TrainingData(data.X[~test], data.y[~test], data.feature_names)
    problem = GprNnProblem.of(rows, GprNnSettings.model_validate(base))
    found = []
    for noise in noises:
        model = problem.solve(GprNnSettings.model_validate({**base, "noise_variance": float(noise)}))
        train_error, test_error, *_ = measures(data.y, model.predict(data.X).mean, test)
        found.append((train_error, test_error))
    return found


def coupling(
    data: GroupedData,
    added: Sequence[int],
    *,
    settings: Mapping[str, Any] | None = None,
    plan: SplitPlan | None = None,
    n_worker: int = 1,
) -> dict[int, SplitScores]:
    """Return added coordinates -> scores of GPR-NN, the rest of its settings fixed (Kameda et al. 2024, Fig. 10)."""
    return {
        n: over_splits(
            gpr_nn.KIND, data, settings={**(settings or {}), "added_coordinates": n}, plan=plan, n_worker=n_worker
        )
        for n in added
    }


def component_importances(
    data: GroupedData,
    *,
    settings: Mapping[str, Any] | None = None,
    plan: SplitPlan | None = None,
    n_worker: int = 1,
) -> NDArray[np.float64]:
    """Return (n_split, N) standard deviations of the components over the training rows, in the unit of the target."""
    filled = registry.validate_settings(gpr_nn.KIND, settings or {})
    payloads = [(filled, data, test) for test in (plan or SplitPlan()).tests(data)]
    return np.array(mapped(deviations_of, payloads, n_worker))


def deviations_of(payload: tuple[Mapping[str, Any], GroupedData, NDArray[np.bool_]]) -> NDArray[np.float64]:
    """Return the components' deviations in one split: the target of the worker processes."""
    settings, data, test = payload
    rows = TrainingData(data.X[~test], data.y[~test], data.feature_names)
    return gpr_nn.fit(rows, GprNnSettings.model_validate(settings), seed=0).component_importances()

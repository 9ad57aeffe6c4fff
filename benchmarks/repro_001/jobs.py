"""The trainings, each a job of its own: a worker process holds the rows of one data set and takes jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
from benchmarks.repro_001 import paper
from numpy.typing import NDArray

from matsift.acquisition.context import Candidates
from matsift.acquisition.registry import rank
from matsift.learners import registry
from matsift.learners.calibration import ConformalCalibration, rows_needed
from matsift.learners.evaluation import regression_metrics
from matsift.learners.lightgbm_ensemble import LightGbmSettings, train_member
from matsift.learners.prediction import Prediction, TrainingData
from matsift.learners.scale import TargetScale
from matsift.learners.splits import Strategy, assign_roles, kfold_by_group

COVERAGE = 0.9
REPLAY_START, REPLAY_POOL, REPLAY_BATCH, REPLAY_ROUNDS, REPLAY_MEMBERS = 250, 700, 25, 20, 8
MATBENCH_MEMBERS = 4


@dataclass(frozen=True, eq=False)
class Rows:
    """The labelled rows of a data set that the quality rules accept, and its candidates without a label.

    `X` (n, n_column), `y` property -> (n,), `has_element` (n,), `formulae` (n,), `candidates` (m, n_column), and
    `fold` (n,) where the data set has folds of its own.
    """

    X: NDArray[np.float64]
    y: dict[str, NDArray[np.float64]]
    has_element: NDArray[np.bool_]
    formulae: tuple[str, ...]
    set_of_column: tuple[str, ...]
    candidates: NDArray[np.float64]
    fold: NDArray[np.int64] | None = None

    def columns(self, sets: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return (n_column,) which columns belong to these descriptor sets."""
        return np.array([name in sets for name in self.set_of_column], dtype=bool)


@dataclass(frozen=True)
class Job:
    """One thing to measure: `kind` names the function below, `options` are its arguments."""

    kind: str
    property_name: str
    sets: tuple[str, ...]
    seed: int
    options: tuple[tuple[str, Any], ...] = ()

    def option(self, name: str) -> Any:
        """Return one option, None if it was not given."""
        return dict(self.options).get(name)


_held: list[Rows] = []


def hold(rows: Rows) -> None:
    """Keep the rows in this process."""
    _held[:] = [rows]


def run(job: Job) -> dict[str, Any]:
    """Return what a job measured."""
    rows = _held[0]
    return _KINDS[job.kind](job, rows, rows.X[:, rows.columns(job.sets)], rows.y[job.property_name])


def _single(X: NDArray[np.float64], y: NDArray[np.float64], train: NDArray[np.bool_], preset: str, seed: int) -> Any:
    """Return the prediction for all rows of one LightGBM model trained on some of them."""
    names = [str(i) for i in range(X.shape[1])]
    settings = LightGbmSettings.model_validate({"preset": preset, "train_fraction": 1.0})
    text = train_member(TrainingData.checked(X[train], y[train], names), settings, seed)
    return lightgbm.Booster(model_str=text).predict(X, num_threads=1)


def _holdout(job: Job, rows: Rows, X: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, Any]:
    """One model on a random 80 %, evaluated on the other 20 %."""
    roles = assign_roles("model_2", y, rows.has_element, test_fraction=0.2, validation_fraction=0, seed=job.seed)
    test = roles == "test"
    return regression_metrics(y[test], _single(X, y, ~test, job.option("preset"), job.seed)[test])


def _folds(job: Job, rows: Rows, X: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, Any]:
    """Five-fold cross-validation: every row is predicted by a model that has not seen it."""
    groups = rows.formulae if job.option("grouped") else list(range(len(y)))
    folds = kfold_by_group(groups, 5, job.seed)
    predicted = np.empty(len(y))
    for fold in range(5):
        predicted[folds == fold] = _single(X, y, folds != fold, "default", job.seed)[folds == fold]
    return regression_metrics(y, predicted)


def _ensemble(X: NDArray[np.float64], y: NDArray[np.float64], seed: int, members: int) -> Any:
    return _learner("lightgbm_ensemble", X, y, seed, {"members": members})


def _learner(
    kind: str, X: NDArray[np.float64], y: NDArray[np.float64], seed: int, settings: dict[str, Any]
) -> Callable[[NDArray[np.float64]], Prediction]:
    names = [str(i) for i in range(X.shape[1])]
    return registry.fit(kind, X, y, settings=settings, seed=seed, feature_names=names).predict


def _strategy(job: Job, rows: Rows, X: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, Any]:
    """One sampling strategy with 20 members: accuracy, spread, intervals, with and without the tail."""
    strategy: Strategy = job.option("strategy")
    tail = y >= job.option("tail")
    roles = assign_roles(
        strategy,
        y,
        rows.has_element,
        test_fraction=0.2,
        validation_fraction=0.1,
        threshold=job.option("threshold"),
        seed=job.seed,
    )
    train, test = roles == "train", roles == "test"
    kind, members = job.option("learner") or "lightgbm_ensemble", job.option("members") or 20
    predict = _learner(kind, X[train], y[train], job.seed, {"members": members})
    on_test = predict(X[test])
    scale = registry.target_scale(registry.validate_settings(kind, {}))
    lower, upper = _interval(predict(X[roles == "validation"]), y[roles == "validation"], on_test, scale)
    metrics = regression_metrics(y[test], on_test.mean, spread=on_test.spread, lower=lower, upper=upper)
    member_r2 = [regression_metrics(y[test], m)["r2"] for m in on_test.members]
    element = rows.has_element[test]
    result = {**metrics, "n_test": int(test.sum()), "n_tail_in_test": int(tail[test].sum())}
    result["r2_stdev"], result["member_r2"] = float(np.std(member_r2, ddof=1)), float(np.mean(member_r2))
    low = paper.LOW_SPREAD[job.property_name]
    for name, subset in (("below_tail", ~tail[test]), ("element", element), ("others", ~element)):
        if subset.sum() > 1:
            part = regression_metrics(y[test][subset], on_test.mean[subset], spread=on_test.spread[subset])
            result |= {f"{name}_{metric}": value for metric, value in part.items()}
            result[f"{name}_low_spread"] = float((on_test.spread[subset] <= low).mean())
    result["low_spread"] = float((on_test.spread <= low).mean())
    return result


def _interval(
    on_validation: Prediction, y: NDArray[np.float64], on_test: Prediction, scale: TargetScale
) -> tuple[Any, Any]:
    if len(y) < rows_needed(COVERAGE):
        return None, None
    lower, upper = ConformalCalibration.of(y, on_validation, COVERAGE, scale).around(on_test)
    return np.maximum(lower, 0.0), upper  # no modulus of a stable crystal is negative


def _candidates(job: Job, rows: Rows, X: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, Any]:
    """The candidates without a label, by an ensemble of 20 on Model 3's training rows."""
    roles = assign_roles(
        "model_3",
        y,
        rows.has_element,
        test_fraction=0.2,
        validation_fraction=0.1,
        threshold=job.option("threshold"),
        seed=job.seed,
    )
    train = roles == "train"
    predicted = _ensemble(X[train], y[train], job.seed, 20)(rows.candidates[:, rows.columns(job.sets)])
    return {
        "n": len(predicted.mean),
        "low_spread": float((predicted.spread <= paper.LOW_SPREAD[job.property_name]).mean()),
        "in_top_tenth": int((predicted.mean >= np.quantile(y, 0.9)).sum()),
    }


def _replay(job: Job, _rows: Rows, X: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, Any]:
    """Active learning on labels that are known already: none is read before it is picked."""
    order = np.random.default_rng(job.seed).permutation(len(y))
    train = order[:REPLAY_START]
    pool, test = order[REPLAY_START : REPLAY_START + REPLAY_POOL], order[REPLAY_START + REPLAY_POOL :]
    curve = []
    for number in range(REPLAY_ROUNDS + 1):
        predict = _ensemble(X[train], y[train], job.seed * 1000 + number, REPLAY_MEMBERS)
        on_pool, on_test = predict(X[pool]), predict(X[test])
        left = regression_metrics(y[pool], on_pool.mean, spread=on_pool.spread)
        untouched = regression_metrics(y[test], on_test.mean)
        curve.append(
            {
                "added": number * REPLAY_BATCH,
                "pool_mae": left["mae"],
                "pool_spearman": left["spread_error_spearman"],
                "test_mae": untouched["mae"],
                "test_r2": untouched["r2"],
            }
        )
        _, wanted = rank(
            job.option("strategy"),
            Candidates.of(on_pool.mean, on_pool.spread),
            seed=job.seed * 1000 + number,
            batch_size=REPLAY_BATCH,
        )
        picked = np.zeros(len(pool), dtype=bool)
        picked[wanted[:REPLAY_BATCH]] = True
        train, pool = np.concatenate([train, pool[picked]]), pool[~picked]
    return {"curve": curve, "n_test": len(test)}


def _matbench(job: Job, rows: Rows, X: NDArray[np.float64], y: NDArray[np.float64]) -> dict[str, Any]:
    """One official fold: the absolute errors of its rows, in log10 of the unit, in the order of the rows."""
    assert rows.fold is not None
    test = rows.fold == job.option("fold")
    settings = {"members": MATBENCH_MEMBERS, "train_fraction": 0.9, "target": "log10"}
    said = _learner(job.option("learner"), X[~test], y[~test], job.seed, settings)(X[test])
    scale = TargetScale("log10")
    return {"errors": np.abs(scale.moments(said)[0] - scale.forward(y[test])).tolist()}


_KINDS: dict[str, Callable[[Job, Rows, NDArray[np.float64], NDArray[np.float64]], dict[str, Any]]] = {
    "holdout": _holdout,
    "folds": _folds,
    "strategy": _strategy,
    "candidates": _candidates,
    "replay": _replay,
    "matbench": _matbench,
}

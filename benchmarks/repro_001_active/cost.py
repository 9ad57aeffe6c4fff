"""What a member costs with bins of its own and with shared ones, measured side by side, and what that changes."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition import simulation_worker as worker
from matsift.acquisition.replay_table import ReplayTable
from matsift.learners.lightgbm_ensemble import LightGbmSettings
from matsift.learners.prediction import Prediction, member_seeds

_TOP = 25


@dataclass(frozen=True)
class Cost:
    """Seconds of the processor a member, by how it is binned, and what sharing changes in the ensemble's mean.

    `own_s` is all that a member takes which bins its own draw, `shared_s` with bins at hand; `binning_s` is what the
    shared bins cost once. `difference` is the mean absolute difference on the pool between the two ensembles,
    `by_seed` the same between two seeds of the first, `same_batch` how many of the 25 largest spreads both name;
    `mae` are the errors on the test rows of own and shared.
    """

    own_s: float
    shared_s: float
    binning_s: float
    difference: float
    by_seed: float
    same_batch: int
    mae: tuple[float, float]


def measure(table: ReplayTable, property_name: str, settings: LightGbmSettings, *, seed: int) -> Cost:
    """Return what the first round of a campaign costs in both ways, in this process, the ways taking turns."""
    y, wanted = table.labels[property_name], np.concatenate([table.pool, table.test])
    with tempfile.TemporaryDirectory() as place:
        worker.write(Path(place), table.X)
        own = worker.prepare(Path(place), table.trainable, settings, "own")
        begin = time.process_time()
        shared = worker.prepare(Path(place), table.trainable, settings, "shared")
        binning_s = time.process_time() - begin
    said: dict[str, list[worker.Trained]] = {"own": [], "shared": [], "other": []}
    pairs = zip(member_seeds(seed, settings.members), member_seeds(seed + 1, settings.members), strict=True)
    for first, second in pairs:
        for name, holding, one in (("own", own, first), ("shared", shared, first), ("other", own, second)):
            said[name].append(worker.train(holding, worker.Member(table.start, y[table.start], one, wanted)))
    predicted = {name: Prediction.of_members(np.array([t.predicted for t in all_])) for name, all_ in said.items()}
    n_pool = len(table.pool)
    batches = [_largest(predicted[name].spread[:n_pool]) for name in ("own", "shared")]
    error = {name: float(np.abs(p.mean[n_pool:] - y[table.test]).mean()) for name, p in predicted.items()}
    return Cost(
        own_s=_median(said["own"] + said["other"]),
        shared_s=_median(said["shared"]),
        binning_s=binning_s,
        difference=_apart(predicted["own"], predicted["shared"], n_pool),
        by_seed=_apart(predicted["own"], predicted["other"], n_pool),
        same_batch=len(batches[0] & batches[1]),
        mae=(error["own"], error["shared"]),
    )


def _median(members: list[worker.Trained]) -> float:
    return float(np.median([one.training_s + one.predicting_s for one in members]))


def _apart(one: Prediction, other: Prediction, n_pool: int) -> float:
    return float(np.abs(one.mean - other.mean)[:n_pool].mean())


def _largest(spread: NDArray[np.float64]) -> set[int]:
    return {int(i) for i in np.argsort(-spread, kind="stable")[:_TOP]}

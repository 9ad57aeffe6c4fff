"""The worker's side of a simulation: one process holds the descriptors, and trains one member after the other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import lightgbm
import numpy as np
from numpy.typing import NDArray

from matsift.learners.lightgbm_ensemble import LightGbmSettings, train_member
from matsift.learners.prediction import TrainingData
from matsift.learners.shared_bins import SharedBins

Bins = Literal["shared", "own"]
HOLD, RUN = f"{__name__}:hold", f"{__name__}:run"


@dataclass(frozen=True, eq=False)
class Member:
    """One member to train: (n,) ascending positions of labelled rows, their labels, a seed, and rows to predict."""

    rows: NDArray[np.int64]
    y: NDArray[np.float64]
    seed: int
    wanted: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Trained:
    """(n_wanted,) what a member says in the unit of the property, and what it cost in seconds of its processor."""

    predicted: NDArray[np.float64]
    training_s: float
    predicting_s: float


@dataclass(frozen=True, eq=False)
class _Held:
    X: NDArray[np.float64]
    settings: LightGbmSettings
    bins: SharedBins | None
    position: NDArray[np.int64]


_held: list[_Held] = []


def write(folder: Path, X: NDArray[np.float64]) -> None:
    """Write descriptors into a folder from which all workers map them into memory."""
    np.save(folder / "descriptors.npy", np.ascontiguousarray(X, dtype=np.float64))


def hold(folder: Path, binned: NDArray[np.int64], settings: LightGbmSettings, bins: Bins) -> None:
    """Map the descriptors in `folder` into this process and, where bins are shared, bin the rows that may train."""
    X = np.load(folder / "descriptors.npy", mmap_mode="r", allow_pickle=False)
    position = np.full(len(X), -1)
    position[binned] = np.arange(len(binned))
    shared = SharedBins(X[binned], settings) if bins == "shared" else None
    _held[:] = [_Held(X, settings, shared, position)]


def run(member: Member) -> Trained:
    """Return what a member says of the rows wanted."""
    held, begin = _held[0], time.process_time()
    if held.bins is not None:
        text = held.bins.train_member(held.position[member.rows], member.y, member.seed)
    else:
        names = [f"column_{i}" for i in range(held.X.shape[1])]
        text = train_member(TrainingData.checked(held.X[member.rows], member.y, names), held.settings, member.seed)
    trained = time.process_time()
    said = np.asarray(lightgbm.Booster(model_str=text).predict(held.X[member.wanted], num_threads=1))
    return Trained(held.settings.scale.back(said), trained - begin, time.process_time() - trained)

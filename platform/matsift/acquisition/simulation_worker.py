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
class Holding:
    """What a worker holds: descriptors, settings, shared bins if any, and (n,) place of each row in these."""

    X: NDArray[np.float64]
    settings: LightGbmSettings
    bins: SharedBins | None
    place: NDArray[np.int64]


_held: list[Holding] = []


def write(folder: Path, X: NDArray[np.float64]) -> None:
    """Write descriptors into a folder from which all workers map them into memory."""
    np.save(folder / "descriptors.npy", np.ascontiguousarray(X, dtype=np.float64))


def prepare(folder: Path, binned: NDArray[np.int64], settings: LightGbmSettings, bins: Bins) -> Holding:
    """Return what a worker holds: descriptors from `folder`, the rows that may train binned if bins are shared."""
    X = np.load(folder / "descriptors.npy", mmap_mode="r", allow_pickle=False)
    place = np.full(len(X), -1)
    place[binned] = np.arange(len(binned))
    return Holding(X, settings, SharedBins(X[binned], settings) if bins == "shared" else None, place)


def train(held: Holding, member: Member) -> Trained:
    """Return what a member says of the rows wanted."""
    begin = time.process_time()
    if held.bins is not None:
        text = held.bins.train_member(held.place[member.rows], member.y, member.seed)
    else:
        names = [f"column_{i}" for i in range(held.X.shape[1])]
        text = train_member(TrainingData.checked(held.X[member.rows], member.y, names), held.settings, member.seed)
    trained = time.process_time()
    said = np.asarray(lightgbm.Booster(model_str=text).predict(held.X[member.wanted], num_threads=1))
    return Trained(held.settings.scale.back(said), trained - begin, time.process_time() - trained)


def hold(folder: Path, binned: NDArray[np.int64], settings: LightGbmSettings, bins: Bins) -> None:
    """Prepare this process for `run`."""
    _held[:] = [prepare(folder, binned, settings, bins)]


def run(member: Member) -> Trained:
    """Return what a member says, trained on what this process holds."""
    return train(_held[0], member)

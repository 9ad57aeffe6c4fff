"""Members trained and structures predicted in other processes, which are given the rows or the model once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.learners.lightgbm_ensemble import LightGbmSettings, train_member
from matsift.learners.prediction import Prediction, TrainingData
from matsift.learners.registry import load

_held: dict[str, Any] = {}


def hold_rows(data: TrainingData, settings: LightGbmSettings) -> None:
    """Keep what the members of an ensemble learn from."""
    _held["rows"] = data, settings


def member(seed: int) -> str:
    """Return one member, as LightGBM text, trained on the rows that this process holds."""
    data, settings = _held["rows"]
    return train_member(data, settings, seed)


def hold_model(kind: str, stored: bytes) -> None:
    """Keep a model of a kind, given as its file."""
    _held["model"] = load(kind, stored)


def predicted(X: NDArray[np.float64]) -> Prediction:
    """Return what the model that this process holds says of (n, n_column) descriptors."""
    said: Prediction = _held["model"].predict(X)
    return said

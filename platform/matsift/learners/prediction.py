"""What a fitted model is and what it says: members, their mean and their spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.errors import UserInputError


@dataclass(frozen=True, eq=False)
class Prediction:
    """A prediction for n structures, in the unit of the property.

    Parameters
    ----------
    mean
        (n,), mean of the members.
    spread
        (n,), sample standard deviation of the members (n - 1 in the denominator, as PostgreSQL's ``stddev``), the
        STDEV of paper 001; 0 where all members agree. A learner that has a variance of its own and one member (GPR-NN,
        least squares) puts the standard deviation of a new label here.
    members
        (n_member, n), what each member says.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    members: NDArray[np.float64]

    @classmethod
    def of_members(cls, members: NDArray[np.float64]) -> Prediction:
        """Return mean and spread of (n_member, n) predictions.

        Moments are taken about the first member, so that equal members give exactly their value and a spread of 0.
        """
        offset = members - members[0]
        spread = offset.std(axis=0, ddof=1) if len(members) > 1 else np.zeros(members.shape[1])
        return cls(members[0] + offset.mean(axis=0), spread, members)


class FittedModel(Protocol):
    """A trained model that can be stored and read back without a change in what it predicts."""

    @property
    def kind(self) -> str:
        """Name in the registry."""
        ...

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Columns that `predict` expects, in order."""
        ...

    @property
    def settings(self) -> Mapping[str, Any]:
        """Settings of the learner that it was trained with, plain JSON values."""
        ...

    @property
    def seed(self) -> int:
        """Seed that it was trained with."""
        ...

    def predict(self, X: NDArray[np.float64]) -> Prediction:
        """Return the prediction for (n, n_feature) descriptors."""
        ...

    def importances(self) -> NDArray[np.float64] | None:
        """Return (n_feature,) shares that add up to 1, or None where the learner has no such notion."""
        ...

    def dump(self) -> bytes:
        """Return the model as bytes that `registry.load` reads."""
        ...


@dataclass(frozen=True, eq=False)
class TrainingData:
    """Checked rows to learn from: X (n, n_feature) with NaN where unknown, y (n,) finite, and the column names."""

    X: NDArray[np.float64]
    y: NDArray[np.float64]
    feature_names: tuple[str, ...]

    @classmethod
    def checked(cls, X: ArrayLike, y: ArrayLike, feature_names: Sequence[str]) -> TrainingData:
        """Return the rows as contiguous arrays.

        Raises
        ------
        UserInputError
            If there are fewer than two rows, no columns, shapes disagree, a label is not finite, or a descriptor is
            infinite.
        """
        rows = checked_features(X, feature_names)
        labels = np.ascontiguousarray(y, dtype=np.float64)
        if labels.shape != (len(rows),):
            raise UserInputError(f"there are {len(rows)} rows of descriptors but labels of shape {labels.shape}")
        if len(labels) < 2:
            raise UserInputError(
                f"a learner needs at least two labelled structures, there is {len(labels) or 'none'}; "
                "add labels to the sources or loosen the quality rules"
            )
        if not np.isfinite(labels).all():
            row = int(np.flatnonzero(~np.isfinite(labels))[0])
            raise UserInputError(f"label {row} is {labels[row]}, not a finite number; leave the row out")
        return cls(rows, labels, tuple(feature_names))


def checked_features(X: ArrayLike, feature_names: Sequence[str]) -> NDArray[np.float64]:
    """Return (n, n_feature) descriptors as a contiguous float array; NaN stands for unknown and may stay.

    Raises
    ------
    UserInputError
        If the columns are not those of `feature_names`, or a value is infinite.
    """
    rows = np.ascontiguousarray(X, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != len(feature_names) or not feature_names:
        raise UserInputError(f"descriptors of shape {rows.shape} do not match {len(feature_names)} column names")
    infinite = np.isinf(rows)
    if infinite.any():
        row, column = (int(i) for i in np.argwhere(infinite)[0])
        raise UserInputError(
            f"descriptor {feature_names[column]!r} of row {row} is infinite; a value that is not known must be NaN"
        )
    return rows


def draw_rows(n: int, fraction: float, seed: int) -> NDArray[np.int64]:
    """Return the sorted positions of a random draw without replacement: `fraction` of n rows, at least one."""
    count = max(1, round(fraction * n))
    return np.sort(np.random.default_rng(seed).permutation(n)[:count])


def member_seeds(seed: int, n_member: int) -> tuple[int, ...]:
    """Return one independent seed a member, below 2**31 so that every library takes it."""
    return tuple(int(s) >> 1 for s in np.random.SeedSequence(seed).generate_state(n_member))


def shares(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights as fractions of their sum; all zero where the sum is."""
    total = float(weights.sum())
    return weights / total if total > 0 else np.zeros_like(weights)

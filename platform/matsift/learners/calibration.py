"""Intervals with a coverage guarantee: split conformal prediction with scores in units of the ensemble's spread."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.errors import ArtifactError, UserInputError
from matsift.learners.prediction import Prediction
from matsift.learners.scale import LINEAR, TargetScale

#: Share of the median spread that is added to every spread, so that a row on which the members happen to agree does
#: not get an interval of no width, nor a calibration row of that kind an endless score.
FLOOR_SHARE = 0.1
#: Coverages whose multipliers are kept beside that of the interval, to see how reliable the spread is at all of them.
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class ConformalCalibration:
    """A calibrated interval: mean plus or minus `multiplier` times (spread + `floor`), on the scale of the learner.

    Parameters
    ----------
    coverage
        Nominal coverage, 0 to 1.
    multiplier
        The finite-sample quantile of the calibration scores, without unit.
    floor
        Added to every spread, in the unit of the property (on a logarithmic scale, in decades).
    n_calibration
        Rows that the quantile was taken from.
    scale
        Where mean and spread are taken and the interval is symmetric.
    multipliers
        (coverage, multiplier) for those of `LEVELS` that the rows suffice for.
    """

    coverage: float
    multiplier: float
    floor: float
    n_calibration: int
    scale: TargetScale = LINEAR
    multipliers: tuple[tuple[float, float], ...] = ()

    @classmethod
    def of(cls, y: NDArray[np.float64], prediction: Prediction, coverage: float, scale: TargetScale = LINEAR) -> Self:
        """Return the calibration, on a scale, of what an ensemble says of n rows that it was not trained on.

        The order of scores is that of any scale that grows with the value, so the guarantee of `fit` holds on each.

        Raises
        ------
        UserInputError
            As `fit`.
        """
        mean, spread = scale.moments(prediction)
        return replace(cls.fit(scale.forward(y), mean, spread, coverage), scale=scale)

    @classmethod
    def fit(
        cls, y: ArrayLike, mean: ArrayLike, spread: ArrayLike, coverage: float, *, floor: float | None = None
    ) -> Self:
        """Return the calibration of an ensemble on n rows that it was not trained on.

        The score of a row is abs(y - mean) / (spread + floor); `multiplier` is the score of rank
        ceil((n + 1) coverage), which covers a further row of the same kind with at least that probability (Lei et al.
        2018, J. Am. Stat. Assoc. 113, 1094, section 5.2). The guarantee is exact for a `floor` fixed beforehand; the
        default, `FLOOR_SHARE` of the median spread of these rows, uses no label and shifts it by less than 1/n.

        Parameters
        ----------
        y, mean, spread
            (n,), in the unit of the property.
        coverage
            Wanted coverage, between 0 and 1.
        floor
            Fixed floor in the unit of the property.

        Raises
        ------
        UserInputError
            If the rows are too few for the coverage, the floor is not positive, or a number is not finite.
        """
        labels, means, spreads = _finite(y, mean, spread)
        n = len(labels)
        if not 0 < coverage < 1:
            raise UserInputError(f"the coverage {coverage} must lie between 0 and 1, for example 0.9")
        if _rank(n, coverage) > n:
            raise UserInputError(
                f"an interval of {100 * coverage:g} % coverage needs at least {rows_needed(coverage)} calibration "
                f"rows, there are {n}; raise validation_fraction, lower the coverage or add labels"
            )
        if floor is None:
            floor = FLOOR_SHARE * float(np.median(spreads)) or 1.0  # members that all agree: plain, unscaled scores
        if floor <= 0:
            raise UserInputError(f"the floor {floor} of the spread must be positive")
        scores = np.sort(np.abs(labels - means) / (spreads + floor))
        levels = tuple((p, float(scores[_rank(n, p) - 1])) for p in LEVELS if _rank(n, p) <= n)
        return cls(coverage, float(scores[_rank(n, coverage) - 1]), floor, n, multipliers=levels)

    def interval(self, mean: ArrayLike, spread: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (lower, upper), each (n,), around means and spreads on the scale of the calibration."""
        centre = np.asarray(mean, dtype=np.float64)
        half = self.multiplier * (np.asarray(spread, dtype=np.float64) + self.floor)
        return centre - half, centre + half

    def around(self, prediction: Prediction) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (lower, upper), each (n,), in the unit of the property, around what an ensemble says."""
        return self.scale.interval_back(*self.interval(*self.scale.moments(prediction)))

    def to_json(self) -> dict[str, Any]:
        """Return the calibration as a plain dict."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Return the calibration of a dict that `to_json` wrote.

        Raises
        ------
        ArtifactError
            If a key is missing.
        """
        try:
            return cls(
                float(stored["coverage"]),
                float(stored["multiplier"]),
                float(stored["floor"]),
                int(stored["n_calibration"]),
                TargetScale(**stored.get("scale", {})),
                tuple((float(level), float(multiplier)) for level, multiplier in stored.get("multipliers", ())),
            )
        except KeyError as error:
            raise ArtifactError(f"the stored calibration lacks {error}; train again") from error


def rows_needed(coverage: float) -> int:
    """Return the fewest calibration rows that can give an interval of this coverage."""
    n = 1
    while _rank(n, coverage) > n:
        n += 1
    return n


def _rank(n: int, coverage: float) -> int:
    """Return the rank of the score, among n, that is the multiplier."""
    # Rounded, since (9 + 1) * 0.9 must be 9 and not 9.000000000000002.
    return math.ceil(round((n + 1) * coverage, 9))


def _finite(*arrays: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    columns = tuple(np.asarray(a, dtype=np.float64) for a in arrays)
    if len({c.shape for c in columns}) != 1 or columns[0].ndim != 1:
        raise UserInputError(f"labels, means and spreads differ in shape: {[c.shape for c in columns]}")
    if not all(np.isfinite(c).all() for c in columns):
        raise UserInputError("a label, mean or spread of the calibration rows is not a finite number")
    return columns

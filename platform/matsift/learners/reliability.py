"""How far an uncertainty can be trusted: what intervals held, by the spread as it is and after conformal adjustment."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from matsift.learners.calibration import LEVELS, ConformalCalibration
from matsift.learners.evaluation import regression_metrics


@dataclass(frozen=True)
class Reliability:
    """What n predictions that were made before their labels were known held; shares of 1.

    Parameters
    ----------
    n_row
        Labels.
    coverage
        Nominal coverage of the calibrated interval.
    before
        Share of labels within the interval of that coverage that a normal distribution of the predicted mean and spread
        has.
    after
        Share of labels within the calibrated interval.
    spread_error_spearman
        Rank correlation of spread and absolute error; None where either is constant.
    levels
        Nominal coverages of the two curves.
    before_curve, after_curve
        As `before` and `after`, at each level; None where the calibration holds no multiplier for it.
    """

    n_row: int
    coverage: float
    before: float
    after: float
    spread_error_spearman: float | None
    levels: tuple[float, ...]
    before_curve: tuple[float, ...]
    after_curve: tuple[float | None, ...]

    @property
    def error_before(self) -> float:
        """Mean distance of the curve before from the diagonal, the calibration error (Kuleshov et al., ICML 2018)."""
        return float(np.mean(np.abs(np.subtract(self.before_curve, self.levels))))

    @property
    def error_after(self) -> float | None:
        """Mean distance of the adjusted curve from the diagonal; None where it is known at no level."""
        known = [
            abs(held - level) for level, held in zip(self.levels, self.after_curve, strict=True) if held is not None
        ]
        return float(np.mean(known)) if known else None


@dataclass(frozen=True, eq=False)
class Foretold:
    """Labels beside what was predicted before they were known, and by which calibration; all (n,), in one unit.

    `score` is the conformal score of each label and `multipliers` (n, n_level) what it must not exceed to lie within
    the interval of a level, NaN where the calibration does not say; rows of several models may be joined.
    """

    truth: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    score: NDArray[np.float64]
    multipliers: NDArray[np.float64]
    coverage: float

    @classmethod
    def of(
        cls,
        truth: ArrayLike,
        mean: ArrayLike,
        spread: ArrayLike,
        lower: ArrayLike,
        upper: ArrayLike,
        calibration: ConformalCalibration,
    ) -> Foretold:
        """Return n labels beside what one calibrated model said of them."""
        y, centre, width, low, high = (np.asarray(a, dtype=np.float64) for a in (truth, mean, spread, lower, upper))
        known = dict(calibration.multipliers)
        levels = np.array([known.get(level, np.nan) for level in LEVELS])
        score = _scores(y, centre, width, low, high, calibration)
        return cls(y, centre, width, low, high, score, np.tile(levels, (len(y), 1)), calibration.coverage)

    @classmethod
    def joined(cls, parts: list[Foretold]) -> Foretold:
        """Return the rows of several models, each judged by its own calibration."""
        names = [field.name for field in fields(cls) if field.name != "coverage"]
        columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
        return cls(**columns, coverage=parts[0].coverage)

    def __len__(self) -> int:
        return len(self.truth)


def reliability(said: Foretold) -> Reliability:
    """Return how often labels lay where they were foretold.

    Raises
    ------
    UserInputError
        If there is no row, or a number is not finite.
    """
    metrics = regression_metrics(said.truth, said.mean, spread=said.spread)
    apart = np.abs(said.truth - said.mean)
    levels = np.array([*LEVELS, said.coverage])
    # The ends count as inside; a spread of 0 holds nothing but the mean itself.
    before = (apart <= ndtri((1 + levels[:, None]) / 2) * said.spread).mean(axis=1)
    inside = np.where(np.isnan(said.multipliers), np.nan, said.score[:, None] <= said.multipliers).mean(axis=0)
    return Reliability(
        n_row=len(said),
        coverage=said.coverage,
        before=float(before[-1]),
        after=float(((said.truth >= said.lower) & (said.truth <= said.upper)).mean()),
        spread_error_spearman=metrics.get("spread_error_spearman"),
        levels=LEVELS,
        before_curve=tuple(before[:-1].tolist()),
        after_curve=tuple(None if np.isnan(share) else float(share) for share in inside),
    )


def _scores(
    y: NDArray[np.float64],
    mean: NDArray[np.float64],
    spread: NDArray[np.float64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    calibration: ConformalCalibration,
) -> NDArray[np.float64]:
    """Return (n,) conformal scores.

    On a logarithmic scale, mean and spread of the members' logarithms follow from the ends of the interval; where the
    lower end was cut off, the logarithm of the mean stands for the former.
    """
    if calibration.scale.kind == "linear":
        return np.asarray(np.abs(y - mean) / (spread + calibration.floor))
    forward, floor = calibration.scale.forward, calibration.scale.floor
    centre = np.where(lower > floor, (forward(lower) + forward(upper)) / 2, forward(mean))
    apart, half = np.abs(forward(y) - centre), forward(upper) - centre
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(apart == 0.0, 0.0, apart * calibration.multiplier / half)

"""Intervals for compounds of an element that training never saw: what plain calibration holds there, and one that does.

A compound of a new element is no further draw of the rows that a model was calibrated on; a new element is, nearly, a
further draw of the elements that were left out before it. Hierarchical conformal prediction takes it as that. Its
guarantee is dear where elements are few: of K elements it takes not the wanted quantile of their errors but
(K + 1) / K of it, 0.99 for 0.9 and ten elements. The quantile itself is the estimate without guarantee.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.errors import UserInputError
from matsift.learners.calibration import FLOOR_SHARE, LEVELS, ConformalCalibration, rows_needed
from matsift.learners.left_out_elements import LeftOutElements
from matsift.learners.repeated_folds import OutOfFold
from matsift.learners.splits import group_numbers


@dataclass(frozen=True)
class ElementCoverage:
    """What intervals held of the compounds of an element left out.

    `plain` is the share of labels inside intervals calibrated on the errors of a cross validation without the element,
    `shifted` and `guaranteed` inside those calibrated on the other elements left out, without and with the margin for
    their small number; widths are means, in the unit of the labels. Each is None where the rows, or the other elements,
    are too few for the coverage.
    """

    element: str
    n_row: int
    plain: float | None
    plain_width: float | None
    shifted: float | None
    shifted_width: float | None
    guaranteed: float | None
    guaranteed_width: float | None


def calibrate_hierarchical(
    y: ArrayLike,
    mean: ArrayLike,
    spread: ArrayLike,
    groups: Sequence[Hashable],
    coverage: float,
    *,
    guaranteed: bool = True,
) -> ConformalCalibration:
    """Return intervals that hold a row of a new group with at least the wanted coverage.

    Each of K groups weighs 1 / (K + 1), shared among its rows, and the missing group lies beyond all scores
    (hierarchical conformal prediction: Lee, Barber and Willett, arXiv 2306.06342). The guarantee is over draws of
    groups and of a row in them, not for each group. With one row a group it is `ConformalCalibration.fit`.

    Parameters
    ----------
    y, mean, spread
        (n,) labels and what models without the row's group say of it.
    groups
        (n,) the group of each row.
    coverage
        Wanted coverage, between 0 and 1.
    guaranteed
        Whether the missing group counts; without, each group weighs 1 / K: narrower, and right in the mean only where
        groups are many.

    Raises
    ------
    UserInputError
        If the coverage is none, or the groups are too few for it.
    """
    if not 0 < coverage < 1:
        raise UserInputError(f"the coverage {coverage} must lie between 0 and 1, for example 0.9")
    labels, means, spreads = (np.asarray(a, dtype=np.float64) for a in (y, mean, spread))
    numbers = group_numbers(groups)
    sizes = np.bincount(numbers)
    needed = rows_needed(coverage) if guaranteed else 1
    if len(sizes) < needed:
        raise UserInputError(
            f"an interval of {100 * coverage:g} % coverage for a new group needs {needed} groups to calibrate on, "
            f"there are {len(sizes)}; leave out more elements or lower the coverage"
        )
    floor = FLOOR_SHARE * float(np.median(spreads)) or 1.0
    scores = np.abs(labels - means) / (spreads + floor)
    order = np.argsort(scores, kind="stable")
    below = np.cumsum(1.0 / sizes[numbers[order]]) / (len(sizes) + guaranteed)

    def multiplier(level: float) -> float:
        # A sum of shares such as 9 / 10 may fall a rounding short of the level that it is.
        return float(scores[order[np.searchsorted(below, level - 1e-9)]])

    levels = tuple((level, multiplier(level)) for level in LEVELS if level <= below[-1] + 1e-9)
    return ConformalCalibration(coverage, multiplier(coverage), floor, len(labels), multipliers=levels)


def plain_calibration(said: OutOfFold, rows: NDArray[np.bool_], coverage: float) -> ConformalCalibration:
    """Return split-conformal intervals from the errors of the first repeat on the rows of a (n,) mask.

    Raises
    ------
    UserInputError
        If the rows are too few for the coverage.
    """
    return ConformalCalibration.fit(said.y[rows], said.mean[0, rows], said.spread[0, rows], coverage)


def shifted_calibration(
    left_out: LeftOutElements, coverage: float, *, element: str | None = None, guaranteed: bool = True
) -> ConformalCalibration:
    """Return intervals for compounds of a new element, from what was said of other elements when those were left out.

    Parameters
    ----------
    left_out
        What models say of the compounds of each element left out.
    coverage
        Wanted coverage, between 0 and 1.
    element
        An element of the sets that is to be taken as new: neither its set nor a compound with it calibrates.
    guaranteed
        As `calibrate_hierarchical`.

    Raises
    ------
    UserInputError
        If the other elements are too few for the coverage.
    """
    without = np.ones(len(left_out.y), dtype=bool)
    if element is not None:
        without = ~left_out.sets[left_out.elements.index(element)].test
    kept = [(place, found.test & without) for place, found in enumerate(left_out.sets) if found.element != element]
    mean, spread = (
        np.concatenate([values[place, rows] for place, rows in kept] or [np.zeros(0)])
        for values in (left_out.mean, left_out.spread)
    )
    y = np.concatenate([left_out.y[rows] for _, rows in kept] or [np.zeros(0)])
    groups = [place for place, rows in kept for _ in range(int(rows.sum()))]
    return calibrate_hierarchical(y, mean, spread, groups, coverage, guaranteed=guaranteed)


def coverages(left_out: LeftOutElements, said: OutOfFold, coverage: float = 0.9) -> tuple[ElementCoverage, ...]:
    """Return what plain and shifted intervals hold of each element left out.

    Parameters
    ----------
    left_out
        What models say of the compounds of each element left out.
    said
        What the same learner says of the same rows in a cross validation.
    coverage
        Nominal coverage of both.
    """
    lines = []
    for place, found in enumerate(left_out.sets):
        calibrations = (
            _calibrated(partial(plain_calibration, said, ~found.test, coverage)),
            *(
                _calibrated(partial(shifted_calibration, left_out, coverage, element=found.element, guaranteed=sure))
                for sure in (False, True)
            ),
        )
        held = [value for calibration in calibrations for value in _held(calibration, left_out, place)]
        lines.append(ElementCoverage(found.element, found.n_test, *held))
    return tuple(lines)


def _calibrated(calibrate: Callable[[], ConformalCalibration]) -> ConformalCalibration | None:
    try:
        return calibrate()
    except UserInputError:
        return None


def _held(
    calibration: ConformalCalibration | None, left_out: LeftOutElements, place: int
) -> tuple[float | None, float | None]:
    """Return coverage and mean width of the intervals around what is said of an element left out."""
    if calibration is None:
        return None, None
    rows = left_out.sets[place].test
    lower, upper = calibration.interval(left_out.mean[place, rows], left_out.spread[place, rows])
    inside = (lower <= left_out.y[rows]) & (left_out.y[rows] <= upper)
    return float(inside.mean()), float((upper - lower).mean())

"""Intervals for compounds of an element left out, calibrated on random rows, on few other elements and on many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.repro_001.tables import markdown
from numpy.typing import NDArray

from matsift.learners import lightgbm_ensemble
from matsift.learners.element_shift import ElementCoverage, coverages
from matsift.learners.held_out import Learning
from matsift.learners.left_out_elements import LeftOutElements, element_sets, leave_elements_out
from matsift.learners.moduli_bars import BARS
from matsift.learners.repeated_folds import cross_validated, repeated_folds

BARS_COMPARED = ("RF + Magpie", "LightGBM + Magpie", "LightGBM + Magpie + density")

#: Less of LightGBM than the comparison of repro-003 has: a hundred trainings, of which only the errors' sizes matter.
_SMALLER: dict[str, dict[str, Any]] = {lightgbm_ensemble.KIND: {"members": 4, "n_estimators": 300}}
_KINDS = ("plain", "shifted", "guaranteed")


@dataclass(frozen=True, eq=False)
class Rows:
    """X (n, n_column) with the names of its columns, y (n,), and the elements of each of the n compounds."""

    X: NDArray[np.float64]
    columns: tuple[str, ...]
    y: NDArray[np.float64]
    elements: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Line:
    """One line of the table: a learner of a property, calibrated on some elements, and what held of each element."""

    property_name: str
    learner: str
    n_element: int
    found: tuple[ElementCoverage, ...]


def lines_of(
    property_name: str, title: str, rows: Rows, *, more_than: int, among: Sequence[str], n_worker: int = 1
) -> list[Line]:
    """Return two lines: calibrated on the elements of `among` alone, and on all in more than so many compounds."""
    bar = BARS[title]
    kept = bar.columns(rows.columns)
    settings = bar.settings | _SMALLER.get(bar.learner, {})
    sets = element_sets(rows.elements, threshold=more_than)
    names = [rows.columns[i] for i in kept]
    learning = Learning(bar.learner, rows.X[:, kept], rows.y, names, settings, n_worker=n_worker)
    folds = repeated_folds([tuple(sorted(set(own))) for own in rows.elements], n_repeat=1)
    said = cross_validated(learning, folds)
    many = leave_elements_out(learning, sets)
    places = [place for place, found in enumerate(sets) if found.element in among]
    few = LeftOutElements(many.y, tuple(sets[i] for i in places), many.mean[places], many.spread[places])
    return [Line(property_name, title, len(left.sets), coverages(left, said)) for left in (few, many)]


def table(lines: Sequence[Line]) -> list[str]:
    """Return the lines in Markdown."""
    header = ["", "learner", "elements", *(f"{kind}: held (least)" for kind in _KINDS), *(f"{k}, GPa" for k in _KINDS)]
    return markdown(header, [_cells(line) for line in lines])


def _cells(line: Line) -> list[str]:
    held, widths = [], []
    for kind in _KINDS:
        shares = np.array([value for one in line.found if (value := getattr(one, kind)) is not None])
        wide = np.array([value for one in line.found if (value := getattr(one, f"{kind}_width")) is not None])
        held.append(f"{100 * shares.mean():.1f} % ({100 * shares.min():.0f} %)" if len(shares) else "too few")
        widths.append(f"{wide.mean():.0f}" if len(wide) else "")
    return [line.property_name, line.learner, str(line.n_element), *held, *widths]

"""The table of intervals for elements left out, on made-up compounds whose elements each shift the label."""

from __future__ import annotations

import numpy as np
from benchmarks.element_shift.shift import Rows, lines_of, table

from matsift.descriptors.composition import MAGPIE

SYMBOLS = ("Li", "Na", "K", "Rb", "F", "Cl", "Br", "I", "O", "S", "Se")
RNG = np.random.default_rng(3)
COMPOUNDS = [tuple(RNG.choice(SYMBOLS, size=2, replace=False)) for _ in range(100)]


def test_few_elements_and_many_calibrate_the_same_errors() -> None:
    own = {symbol: RNG.normal(size=len(MAGPIE.columns)) for symbol in SYMBOLS}
    X = np.array([own[a] + own[b] for a, b in COMPOUNDS])
    y = 100 + 10 * X[:, 6] + RNG.normal(0, 1, 100)
    few, many = lines_of(
        "k_vrh", "RF + Magpie", Rows(X, MAGPIE.columns, y, COMPOUNDS), more_than=5, among=("Li", "Na", "F")
    )
    assert (few.n_element, many.n_element) == (3, 11)
    plain = {one.element: one.plain for one in many.found}
    assert [one.plain for one in few.found] == [plain[one.element] for one in few.found]
    assert all(one.guaranteed is None for one in few.found)
    assert np.mean([one.guaranteed or 0.0 for one in many.found]) >= np.mean([one.shifted or 0.0 for one in many.found])
    cells = table([few, many])[2].split(" | ")
    assert (cells[1], cells[2], cells[5]) == ("RF + Magpie", "3", "too few")

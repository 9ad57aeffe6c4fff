"""Compiled loop over compositions: can their charges sum to nothing, and can they in the order of electronegativity."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

_Reached = NDArray[np.bool_]


@compiled
def _spread(
    reached: _Reached, fresh: _Reached, width: int, states: NDArray[np.int16], n_state: int, times: int, sign: int
) -> None:
    """Replace the sums that are reached by those with one state more, `times` charges of it; `fresh` is scratch.

    Sums stand around the middle of the (2 width + 1,) arrays. Of a sign only states of that sign, or zero, are taken.
    """
    for place in range(2 * width + 1):
        fresh[place] = False
    for j in range(n_state):
        state = states[j]
        if sign * state < 0:
            continue
        step = state * times
        for place in range(max(0, -step), min(2 * width + 1, 2 * width + 1 - step)):
            if reached[place]:
                fresh[place + step] = True
    for place in range(2 * width + 1):
        reached[place] = fresh[place]


@compiled
def _add_element(
    reached: _Reached,
    fresh: _Reached,
    width: int,
    states: NDArray[np.int16],
    n_state: int,
    count: int,
    mixed: bool,
    sign: int,
) -> None:
    """Add the atoms of an element to the sums: all in one state, or each in its own where it may be mixed."""
    if mixed:
        for _ in range(count):
            _spread(reached, fresh, width, states, n_state, 1, sign)
    else:
        _spread(reached, fresh, width, states, n_state, count, sign)


@compiled
def balance(
    counts: NDArray[np.int16],
    states: NDArray[np.int16],
    n_state: NDArray[np.int16],
    electronegativity: NDArray[np.float64],
    mixed: NDArray[np.bool_],
    neutral: NDArray[np.bool_],
    balanced: NDArray[np.bool_],
) -> None:
    """Fill in (n,) which of the (n, 103) compositions can be neutral, and which of them in Pauling's order.

    An assignment is in order if each cation is less electronegative than each anion. Elements sorted by
    electronegativity then fall into cations (states of zero or more) and anions (zero or less), with the border
    between two different electronegativities: for each border the sums that the cations reach are met with those that
    the anions need. An element without states, or of several one without electronegativity, lets nothing pass.
    """
    n, n_element = counts.shape
    order = np.empty(n_element, dtype=np.int64)
    for row in range(n):
        neutral[row] = False
        balanced[row] = False
        found, width, complete = 0, 0, True
        for element in range(n_element):
            count = counts[row, element]
            if count <= 0:
                continue
            if n_state[element] == 0:
                complete = False
                break
            largest = 0
            for j in range(n_state[element]):
                largest = max(largest, abs(states[element, j]))
            width += count * largest
            place = found
            while place > 0 and electronegativity[order[place - 1]] > electronegativity[element]:
                order[place] = order[place - 1]
                place -= 1
            order[place] = element
            found += 1
        if not complete or found == 0:
            continue
        _judge(row, counts, states, n_state, electronegativity, mixed, order, found, width, neutral, balanced)


@compiled
def _judge(
    row: int,
    counts: NDArray[np.int16],
    states: NDArray[np.int16],
    n_state: NDArray[np.int16],
    electronegativity: NDArray[np.float64],
    mixed: NDArray[np.bool_],
    order: NDArray[np.int64],
    found: int,
    width: int,
    neutral: NDArray[np.bool_],
    balanced: NDArray[np.bool_],
) -> None:
    """Decide of one composition whose `found` elements stand in `order`, with charges of at most `width`."""
    size = 2 * width + 1
    fresh = np.empty(size, dtype=np.bool_)
    sums = np.zeros(size, dtype=np.bool_)
    sums[width] = True
    known = True
    for k in range(found):
        e = order[k]
        known = known and not np.isnan(electronegativity[e])
        _add_element(sums, fresh, width, states[e], n_state[e], counts[row, e], mixed[e], 0)
    neutral[row] = sums[width]
    if not sums[width] or not (known or found == 1):
        return
    # needed[k]: the sums of the anions among the elements from the k-th on
    needed = np.zeros((found + 1, size), dtype=np.bool_)
    needed[found, width] = True
    for k in range(found - 1, -1, -1):
        e = order[k]
        needed[k] = needed[k + 1]
        _add_element(needed[k], fresh, width, states[e], n_state[e], counts[row, e], mixed[e], -1)
    sums[:] = False
    sums[width] = True
    for k in range(found + 1):
        border = k in (0, found) or electronegativity[order[k - 1]] < electronegativity[order[k]]
        if border:
            for place in range(size):
                if sums[place] and needed[k, size - 1 - place]:
                    balanced[row] = True
                    return
        if k < found:
            e = order[k]
            _add_element(sums, fresh, width, states[e], n_state[e], counts[row, e], mixed[e], 1)

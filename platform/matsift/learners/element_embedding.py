"""What a network is told of each element: which of 103 it is, or its properties.

Paper 004 uses the 200 numbers of Matscholar, learned from abstracts, which are not ours to ship. "magpie" stands in for
them, made of the elemental table that the platform has: the 22 properties of Ward's sets as standard scores over the
elements, and the element's place in the periodic table as one of 18 columns and one of 7 rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.element_fractions import N_COLUMN
from matsift.descriptors.elements import MAGPIE_PROPERTIES, magpie_table


def element_embedding(name: str) -> NDArray[np.float32]:
    """Return (103, m) numbers an element, by atomic number - 1: "one_hot" (m = 103) or "magpie" (m = 47)."""
    if name == "one_hot":
        return np.eye(N_COLUMN, dtype=np.float32)
    table = magpie_table()[1 : N_COLUMN + 1]
    scores = (table - table.mean(axis=0)) / table.std(axis=0)
    column, row = (table[:, MAGPIE_PROPERTIES.index(place)].round().astype(np.int64) for place in ("Column", "Row"))
    return np.concatenate([scores, np.eye(18)[column - 1], np.eye(7)[row - 1]], axis=1).astype(np.float32)

"""The descriptor set `element_fractions`: what share of a composition's atoms each element is.

It is what networks on compositions (the learner "roost") read; multiples of a formula have equal rows.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.descriptors.composition import Compositions, compositions_of, readable
from matsift.descriptors.elements import N_ELEMENT
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.errors import UserInputError

#: Elements that have a column, hydrogen to lawrencium.
N_COLUMN = 103
PREFIX = "fraction_"

ELEMENT_FRACTIONS = DescriptorSet(
    name="element_fractions",
    version="1",
    columns=tuple(PREFIX + symbol for symbol in ELEMENT_SYMBOLS[:N_COLUMN]),
    description="share of the atoms that each element from H to Lr is",
)


def compute_element_fractions(crystals: Sequence[Crystal]) -> DescriptorChunk:
    """Return the `ELEMENT_FRACTIONS` of crystals; shared and partly vacant sites count by their occupancies.

    A crystal with an element beyond lawrencium is a failure.
    """
    started = time.perf_counter()
    computed, failures = readable(crystals)
    compositions = compositions_of([crystals[i] for i in computed])
    beyond = np.zeros(len(computed), dtype=bool)
    beyond[compositions.row[compositions.number > N_COLUMN]] = True
    failures |= {int(i): ("DescriptorError", "an element is heavier than Lr") for i in computed[beyond]}
    values = element_fractions(compositions)[~beyond]
    return DescriptorChunk.scatter(computed[~beyond], values, failures, seconds=time.perf_counter() - started)


def element_fractions(compositions: Compositions) -> NDArray[np.float64]:
    """Return the fractions (n, 103) of compositions; elements beyond lawrencium are left out."""
    dense = np.zeros((len(compositions.start), N_ELEMENT))
    dense[compositions.row, compositions.number] = compositions.fraction
    return dense[:, 1 : N_COLUMN + 1]


def fraction_columns(names: Sequence[str]) -> NDArray[np.int64]:
    """Return the positions of the 103 fractions among column names, in the order of atomic numbers.

    Raises
    ------
    UserInputError
        If not all are there.
    """
    places = {name: place for place, name in enumerate(names)}
    missing = [name for name in ELEMENT_FRACTIONS.columns if name not in places]
    if missing:
        raise UserInputError(
            f"of {len(names)} columns none is {missing[0]!r}; give the columns of the descriptor set "
            f'"{ELEMENT_FRACTIONS.name}"'
        )
    return np.array([places[name] for name in ELEMENT_FRACTIONS.columns], dtype=np.int64)

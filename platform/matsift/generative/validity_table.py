"""Oxidation states and electronegativities by element, as smact 4.0.2 has them (MIT licence, The SMACT Developers).

The numbers ship in `validity_elements.csv`, so that a newer smact with other states does not change what is valid, and
so that its eight dependencies are not needed to run; `validity_table_writer` writes them.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError

TABLE = "validity_elements.csv"

N_ELEMENT = 103

#: Sets of oxidation states by smact's names: of 2014, as the paper; those of the ICSD of 2024 with more than five
#: reports; and what `smact_validity` takes if it is told nothing (ICSD of 2024, three reports or more).
STATE_SETS = ("smact14", "icsd24", "icsd24_default")


@dataclass(frozen=True, eq=False)
class ElementTable:
    """What validity is decided by, of the elements of Z from 1 to 103 in order.

    Parameters
    ----------
    states, n_state
        (103, most) oxidation states int16 in smact's order, of which the first `n_state` (103,) of a row count.
    electronegativity
        (103,) Pauling scale, NaN where there is none.
    metal, mixed_valence
        (103,) bool: smact's metals, and the elements that it lets have several states in one compound.
    """

    states: NDArray[np.int16]
    n_state: NDArray[np.int16]
    electronegativity: NDArray[np.float64]
    metal: NDArray[np.bool_]
    mixed_valence: NDArray[np.bool_]


@cache
def element_table(states: str = "smact14") -> ElementTable:
    """Return the table with one of the `STATE_SETS`; it is shared, so its arrays can not be written to.

    Raises
    ------
    UserInputError
        If there is no such set.
    """
    if states not in STATE_SETS:
        raise UserInputError(f"there is no set of oxidation states {states!r}; choose one of {', '.join(STATE_SETS)}")
    text = files("matsift.generative").joinpath(TABLE).read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    lists = [[int(state) for state in row[states].split()] for row in rows]
    padded = np.zeros((len(rows), max(map(len, lists))), dtype=np.int16)
    for place, found in enumerate(lists):
        padded[place, : len(found)] = found
    arrays = (
        padded,
        np.array([len(found) for found in lists], dtype=np.int16),
        np.array([float(row["electronegativity"] or "nan") for row in rows]),
        np.array([row["metal"] == "1" for row in rows]),
        np.array([row["mixed_valence"] == "1" for row in rows]),
    )
    for array in arrays:
        array.setflags(write=False)
    return ElementTable(*arrays)

"""Compositions for tests of what reads them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Composition


def fractions_of(formulas: Sequence[str]) -> NDArray[np.float64]:
    """Return the element fractions (n, 103) of formulas, by pymatgen."""
    rows = np.zeros((len(formulas), 103))
    for row, formula in zip(rows, formulas, strict=True):
        for element, fraction in Composition(formula).fractional_composition.items():
            row[element.Z - 1] = fraction
    return rows

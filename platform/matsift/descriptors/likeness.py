"""How alike chemical elements are, and compositions compared by it."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.composition import Compositions
from matsift.descriptors.elements import MAGPIE_PROPERTIES, N_ELEMENT, magpie_table, pauling_electronegativities

_SHARE_OF_IDENTITY = 0.4  # of the likeness of an element to itself: what no other element can have
_COLUMN_UNIT, _ROW_UNIT, _ELECTRONEGATIVITY_UNIT, _RADIUS_UNIT_PM = 3.0, 2.5, 0.6, 50.0


@cache
def element_likeness() -> NDArray[np.float64]:
    """Return the likeness (118, 118) of elements, hydrogen first: 1 of an element to itself, below 0.6 of any two.

    0.6 exp(-d^2/2), with d^2 the sum of squared differences in column (unit 3), row (2.5), Pauling electronegativity
    (0.6) and covalent radius (50 pm). Being a sum of a Gaussian kernel and of the identity it is positive definite.
    """
    table = magpie_table()[1:]
    places = np.stack(
        [
            table[:, MAGPIE_PROPERTIES.index("Column")] / _COLUMN_UNIT,
            table[:, MAGPIE_PROPERTIES.index("Row")] / _ROW_UNIT,
            pauling_electronegativities()[1:] / _ELECTRONEGATIVITY_UNIT,
            table[:, MAGPIE_PROPERTIES.index("CovalentRadius")] / _RADIUS_UNIT_PM,
        ],
        axis=1,
    )
    square = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    kernel: NDArray[np.float64] = (1.0 - _SHARE_OF_IDENTITY) * np.exp(-square / 2.0)
    np.fill_diagonal(kernel, 1.0)
    return kernel


@cache
def _root_of_likeness() -> NDArray[np.float64]:
    """Return the symmetric square root (118, 118) of `element_likeness`."""
    values, vectors = np.linalg.eigh(element_likeness())
    root: NDArray[np.float64] = vectors * np.sqrt(values) @ vectors.T
    return root


def composition_vectors(compositions: Compositions) -> NDArray[np.float64]:
    """Return a unit vector (n, 118) a composition, whose products are the likeness of compositions.

    With f the square roots of the fractions and L the likeness of elements, the product of two is
    f1 L f2 / sqrt(f1 L f1 · f2 L f2): 1 only for equal fractions, near 0 for elements that have nothing in common.
    """
    roots = np.zeros((len(compositions.start), N_ELEMENT - 1))
    roots[compositions.row, compositions.number - 1] = np.sqrt(compositions.fraction)
    vectors = roots @ _root_of_likeness()
    unit: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit

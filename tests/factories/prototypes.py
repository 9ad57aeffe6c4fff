"""Perovskites and spinels as references, with lattices of the literature."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from matsift.bond_valence.dataset import Reference
from matsift.bond_valence.ion_pairs import IonPair, PairTable
from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.parameters import ion

Array = NDArray[np.float64]

PEROVSKITES = [
    Reference(IonPair("perovskite", ion(a, v), ion(b, 6 - v)), lattice)
    for a, v, b, lattice in (
        ("Ba", 2, "Ce", 4.39),
        ("La", 3, "Ga", 3.87),
        ("Sr", 2, "Ti", 3.905),
        ("La", 3, "Al", 3.79),
    )
]
SPINELS = [
    Reference(IonPair("spinel", ion(a, 2), ion(b, 3)), lattice, u)
    for a, b, lattice, u in (("Mg", "Al", 8.083, 0.2624), ("Zn", "Fe", 8.44, 0.2604), ("Zn", "Cr", 8.327, 0.2616))
]
BOTH = {"perovskites": PEROVSKITES, "spinels": SPINELS}
both = pytest.mark.parametrize("references", BOTH.values(), ids=BOTH.keys())


def arrays(references: list[Reference], variant: Variant | None = None) -> tuple[PairTable, Array, Array]:
    """Return the table of references, their lattice constants and oxygen parameters."""
    u = [np.nan if r.oxygen_parameter is None else r.oxygen_parameter for r in references]
    table = PairTable.of([r.pair for r in references], variant)
    return table, np.array([r.lattice_constant for r in references]), np.array(u)


def repeated(references: list[Reference], factors: Array) -> tuple[PairTable, Array, Array, Array]:
    """Return the references at each of the factors."""
    table, a, u = arrays(references)
    rows = np.repeat(np.arange(len(references)), len(factors))
    return table.take(rows), np.tile(factors, len(references)), a[rows], u[rows]

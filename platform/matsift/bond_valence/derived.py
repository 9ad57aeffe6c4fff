"""From a predicted screening factor to what it says of the oxide: its lattice constant and its instability index.

The screening factor that a model learns is the one at which relaxation ends at the reference lattice. The lattice at
rest grows with it, so an interval that holds the screening factor with some probability becomes, by relaxing at both
its ends, an interval that holds the lattice constant with the same probability. The instability index has a minimum
where the valences fit best; its interval is the range it runs through between the ends. For a perovskite that holds
the index of the reference whenever the lattice interval holds its lattice; a spinel's oxygen may rest elsewhere than in
the reference, which no screening factor can mend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.ion_pairs import IonPair, PairTable
from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.prototype_energy import instability
from matsift.bond_valence.relaxation import relax, starting_lattice
from matsift.bond_valence.stability import STABLE, SUSPICIOUS, Scope

Array = NDArray[np.float64]

#: Learner of a model version whose predictions are computed so; what it learned is another's.
KIND = "bond_valence_relaxation"
#: Raised whenever the same screening factor would lead to other numbers.
VERSION = "1"
#: Properties that are derived.
LATTICE, INSTABILITY = "lattice_constant", "global_instability_index"
PROPERTIES = (LATTICE, INSTABILITY)
#: Screening factors at which an interval is walked through, both ends among them.
POINTS = 11
#: Lattices between them at which the instability index is looked at: its minimum is sharp.
FINE_POINTS = 101

_SMALL = 1e-5  # of the screening factor, for the slope of the instability index


@dataclass(frozen=True, eq=False)
class Values:
    """What is said of one property of n oxides, (n,) each in its unit; NaN where there is nothing to say.

    `spread` is the standard deviation that goes with that of the screening factor to first order.
    """

    mean: Array
    spread: Array
    lower: Array
    upper: Array


@dataclass(frozen=True, eq=False)
class Derived:
    """Lattice constant and instability index of n oxides by property, and why there is none."""

    of: dict[str, Values]
    reason: tuple[str | None, ...]


def derive(
    pairs: Sequence[IonPair],
    screening_factor: Values,
    variant: Variant | None = None,
    scope: Scope = "cations",
) -> Derived:
    """Return what predicted screening factors say of n oxides, perovskites and spinels mixed.

    Parameters
    ----------
    pairs
        (n,) prototypes with their ions.
    screening_factor
        Predicted, (n,).
    variant
        Of the force field by which the screening factors were learned; the calibrated one where None.
    scope
        Ions that the instability index counts.
    """
    n = len(pairs)
    found = {name: Values(*(np.full(n, np.nan) for _ in range(4))) for name in PROPERTIES}
    reasons: list[str | None] = [None] * n
    for prototype in sorted({pair.prototype for pair in pairs}):
        rows = np.array([i for i, pair in enumerate(pairs) if pair.prototype == prototype], dtype=np.int64)
        table = PairTable.of([pairs[i] for i in rows], variant)
        part = Values(*(np.asarray(x, dtype=np.float64)[rows] for x in _columns(screening_factor)))
        values, why = _of_one_prototype(table, part, scope)
        for name in PROPERTIES:
            for whole, own in zip(_columns(found[name]), _columns(values[name]), strict=True):
                whole[rows] = own
        for i, reason in zip(rows, why, strict=True):
            reasons[i] = reason
    return Derived(found, tuple(reasons))


def reading(index: float) -> str:
    """Return how a global instability index is commonly read: stable below 0.1, suspicious above 0.2 valence units."""
    if index < STABLE:
        return "stable"
    return "suspicious" if index > SUSPICIOUS else "strained"


def _of_one_prototype(
    table: PairTable, screening_factor: Values, scope: Scope
) -> tuple[dict[str, Values], list[str | None]]:
    n, mean = len(table), screening_factor.mean
    walk = np.linspace(screening_factor.lower, screening_factor.upper, POINTS, axis=1)
    steps = np.column_stack([mean, walk])
    rows = np.repeat(np.arange(n), POINTS + 1)
    many = table.take(rows)
    rest = relax(many, steps.ravel(), starting_lattice(many))
    lattice = rest.lattice_constant.reshape(n, -1)
    oxygen = rest.oxygen_parameter.reshape(n, -1)
    index = _along(table, lattice, oxygen, scope)
    first = np.arange(n) * (POINTS + 1)
    below, above = (
        instability(
            table,
            rest.lattice_constant[first] + step * rest.lattice_slope[first],
            rest.oxygen_parameter[first] + step * rest.oxygen_slope[first],
            scope,
        )
        for step in (-_SMALL, _SMALL)
    )
    values = {
        LATTICE: Values(
            lattice[:, 0],
            np.abs(rest.lattice_slope[first]) * screening_factor.spread,
            lattice[:, 1:].min(axis=1),
            lattice[:, 1:].max(axis=1),
        ),
        INSTABILITY: Values(
            index[:, 0],
            np.abs(above - below) / (2 * _SMALL) * screening_factor.spread,
            index.min(axis=1),
            index.max(axis=1),
        ),
    }
    reasons = [
        next((told for told in rest.reason[i : i + POINTS + 1] if told is not None), None) for i in first.tolist()
    ]
    return values, reasons


def _along(table: PairTable, lattice: Array, oxygen: Array, scope: Scope) -> Array:
    """Return the instability index (n, 1 + m) at the first of the lattices and finely between the others."""
    at = np.linspace(0.0, POINTS - 1.0, FINE_POINTS)
    left = np.minimum(at.astype(np.int64), POINTS - 2)
    share = at - left
    fine = [
        np.column_stack([x[:, 0], x[:, 1:][:, left] * (1.0 - share) + x[:, 1:][:, left + 1] * share])
        for x in (lattice, oxygen)
    ]
    rows = np.repeat(np.arange(len(table)), FINE_POINTS + 1)
    return instability(table.take(rows), fine[0].ravel(), fine[1].ravel(), scope).reshape(len(table), -1)


def _columns(values: Values) -> tuple[Array, Array, Array, Array]:
    return values.mean, values.spread, values.lower, values.upper

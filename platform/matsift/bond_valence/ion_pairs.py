"""The cations of perovskites and spinels: which oxidation states balance, and the parameters of many at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.charges import fractional_charges
from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.parameters import (
    OXYGEN_N,
    OXYGEN_VALENCE,
    Ion,
    ion,
    ion_name,
    oxidation_states,
    shannon_radius,
)
from matsift.bond_valence.prototype_match import PROTOTYPES, NoPrototypeError, PrototypeMatch
from matsift.errors import UserInputError

#: A, B and oxygen ions of a formula unit.
STOICHIOMETRY = {"perovskite": (1, 1, 3), "spinel": (1, 2, 4)}

Array = NDArray[np.float64]


class NoIonPairError(UserInputError):
    """No oxidation states with parameters balance the oxygen of a prototype."""

    def __init__(self, prototype: str, a_element: str, b_element: str) -> None:
        known = {
            element: ", ".join(ion_name(element, state) for state in oxidation_states(element)) or "no ion"
            for element in (a_element, b_element)
        }
        table = "; ".join(f"of {element} there is {ions}" for element, ions in known.items())
        super().__init__(
            f"no ions with bond-valence parameters make a charge-balanced {prototype} of {a_element} and {b_element}: "
            f"{table}"
        )
        self.prototype, self.a_element, self.b_element = prototype, a_element, b_element


@dataclass(frozen=True)
class IonPair:
    """The cations of a perovskite (A twelvefold, B sixfold) or of a spinel (A tetrahedral, B octahedral)."""

    prototype: str
    a: Ion
    b: Ion

    @property
    def name(self) -> str:
        """Prototype and ions, such as ``perovskite Sr2+ Ti4+``."""
        ions = (ion_name(i.symbol, i.oxidation) for i in (self.a, self.b))
        return f"{self.prototype} {' '.join(ions)}"


def balanced_pairs(prototype: str, a_element: str, b_element: str) -> tuple[IonPair, ...]:
    """Return every pair of ions with parameters that balances the oxygen of a prototype, by oxidation state of A.

    Raises
    ------
    NoPrototypeError
        If there is no such prototype.
    """
    if prototype not in PROTOTYPES:
        raise NoPrototypeError(prototype)
    n_a, n_b, n_oxygen = STOICHIOMETRY[prototype]
    return tuple(
        IonPair(prototype, ion(a_element, a), ion(b_element, b))
        for a in oxidation_states(a_element)
        for b in oxidation_states(b_element)
        if n_a * a + n_b * b + n_oxygen * OXYGEN_VALENCE == 0
    )


def assign_ions(found: PrototypeMatch, scope: str = "cations") -> IonPair:
    """Return the ions of a perovskite or spinel: of the balanced pairs the one of lowest global instability index.

    Raises
    ------
    NoIonPairError
        If no pair of ions with parameters is balanced.
    """
    from matsift.bond_valence.prototype_energy import instability  # noqa: PLC0415  it needs this module

    pairs = balanced_pairs(found.prototype, found.a_element, found.b_element)
    if not pairs:
        raise NoIonPairError(found.prototype, found.a_element, found.b_element)
    u = math.nan if found.oxygen_parameter is None else found.oxygen_parameter
    table = PairTable.of(pairs)
    n = len(pairs)
    return pairs[int(np.argmin(instability(table, np.full(n, found.lattice_constant), np.full(n, u), scope)))]


@dataclass(frozen=True, eq=False)
class PairTable:
    """Parameters of n ion pairs of one prototype as arrays; the last axis is A, B (and oxygen where there are three).

    Parameters
    ----------
    prototype
        One of `PROTOTYPES`.
    variant
        The force field's variant, by which radii were chosen.
    r0, b, d0, r_min, r_cut, valence
        (n, 2), as in `Ion`.
    charge
        (n, 3), fractional charges of A, B and oxygen.
    radius
        (n, 3), radii in the screening length, angstrom.
    """

    prototype: str
    variant: Variant
    r0: Array
    b: Array
    d0: Array
    r_min: Array
    r_cut: Array
    valence: Array
    charge: Array
    radius: Array

    @classmethod
    def of(cls, pairs: Sequence[IonPair], variant: Variant | None = None) -> PairTable:
        """Return the table of one or more ion pairs of the same prototype.

        Raises
        ------
        NoIonParametersError
            If the variant needs a Shannon radius of a cation that has none.
        UserInputError
            If they are of several prototypes, or there is none.
        """
        chosen = Variant() if variant is None else variant
        prototypes = sorted({pair.prototype for pair in pairs})
        if len(prototypes) != 1:
            raise UserInputError(f"a table holds ion pairs of one prototype, not of {', '.join(prototypes) or 'none'}")

        def column(name: str) -> Array:
            return np.array([[getattr(pair.a, name), getattr(pair.b, name)] for pair in pairs], dtype=np.float64)

        valence, n = column("oxidation"), column("n")
        oxygen = np.ones((len(pairs), 1))
        charge = fractional_charges(
            np.hstack([valence, oxygen * OXYGEN_VALENCE]),
            np.hstack([n, oxygen * OXYGEN_N]),
            np.array(STOICHIOMETRY[prototypes[0]], dtype=np.float64),
        )
        radius = column("r_cov")
        if chosen.radii == "ionic":
            radius = np.array([[shannon_radius(i.symbol, i.oxidation) for i in (pair.a, pair.b)] for pair in pairs])
        return cls(
            prototype=prototypes[0],
            variant=chosen,
            **{name: column(name) for name in ("r0", "b", "d0", "r_min", "r_cut")},
            valence=valence,
            charge=charge,
            radius=np.hstack([radius, oxygen * chosen.anion_radius]),
        )

    def __len__(self) -> int:
        return len(self.r0)

    def take(self, rows: NDArray[np.int64]) -> PairTable:
        """Return the table of some rows, repeated as often as they are named."""
        arrays = {name: getattr(self, name)[rows] for name in _COLUMNS}
        return PairTable(self.prototype, self.variant, **arrays)


_COLUMNS = ("r0", "b", "d0", "r_min", "r_cut", "valence", "charge", "radius")

"""Formation energies and distances to the convex hull of computed phases; all energies have to be of one method."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError
from matsift.formulae import formulae

if TYPE_CHECKING:
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram

#: A hull needs the corners of its chemical system; with more elements than this it grows too slow to build.
MOST_ELEMENTS = 6


@dataclass(frozen=True)
class HullPlace:
    """Where a crystal stands among known phases; a value is None where `reason` says why it has none.

    Parameters
    ----------
    formation_energy_per_atom
        Against the lowest phase of each element, eV/atom.
    hull_distance
        To the hull of the known phases alone, eV/atom; below 0 where the crystal lies under it and would be a new
        ground state.
    competing
        Reduced formula and share of the atoms of each phase that the crystal would fall apart into.
    reason
        Why a value is None, in one sentence.
    """

    formation_energy_per_atom: float | None = None
    hull_distance: float | None = None
    competing: tuple[tuple[str, float], ...] = ()
    reason: str | None = None

    @property
    def energy_above_hull(self) -> float | None:
        """The distance as the property `energy_above_hull` has it: 0 for what lies under the hull."""
        return None if self.hull_distance is None else max(0.0, self.hull_distance)


class Phases:
    """Known phases, prepared so that crystals are placed among them.

    The hull knows these phases and no others, so a distance is a lower bound of the one to all phases known to science.

    Parameters
    ----------
    compositions
        n mappings from element to amount.
    energies_per_atom
        (n,), eV/atom.

    Raises
    ------
    UserInputError
        If their numbers differ, or an energy is not finite.
    """

    def __init__(self, compositions: Sequence[Mapping[str, float]], energies_per_atom: NDArray[np.float64]) -> None:
        if len(compositions) != len(energies_per_atom):
            raise UserInputError(f"{len(compositions)} phases cannot have {len(energies_per_atom)} energies")
        if not np.isfinite(energies_per_atom).all():
            raise UserInputError("the energy of a phase is not a finite number: leave that phase out")
        lowest: dict[str, tuple[float, Mapping[str, float]]] = {}
        self._names = lowest.keys()
        for composition, energy in zip(compositions, energies_per_atom.tolist(), strict=True):
            name = formulae(composition).reduced
            if name not in lowest or energy < lowest[name][0]:
                lowest[name] = energy, composition
        self._lowest: dict[frozenset[str], list[tuple[float, Mapping[str, float]]]] = defaultdict(list)
        for energy, composition in lowest.values():
            self._lowest[frozenset(composition)].append((energy, composition))
        self._hulls: dict[frozenset[str], PhaseDiagram] = {}

    def knows(self, amounts: Mapping[str, float]) -> bool:
        """Return whether a phase of this reduced formula is known."""
        return formulae(amounts).reduced in self._names

    def formation_energy(self, amounts: Mapping[str, float], energy_per_atom: float) -> float | None:
        """Return the energy against the lowest phase of each element, eV/atom; None where an element has none."""
        if self._without_phase(amounts):
            return None
        reference = sum(n * self._lowest[frozenset((e,))][0][0] for e, n in amounts.items())
        return energy_per_atom - reference / sum(amounts.values())

    def place(self, amounts: Mapping[str, float], energy_per_atom: float) -> HullPlace:
        """Return where a crystal stands.

        Parameters
        ----------
        amounts
            Element symbol -> atoms of the crystal.
        energy_per_atom
            eV/atom, of the method of the phases.
        """
        formation = self.formation_energy(amounts, energy_per_atom)
        if formation is None:
            names = ", ".join(self._without_phase(amounts))
            return HullPlace(
                reason=f"no phase of the element {names} is known by this method, so there is no reference"
            )
        if len(amounts) > MOST_ELEMENTS:
            return HullPlace(
                formation, reason=f"a hull of {len(amounts)} elements takes too long: {MOST_ELEMENTS} most"
            )
        parts, distance = self._hull(frozenset(amounts)).get_decomp_and_e_above_hull(
            _entry(energy_per_atom, amounts), allow_negative=True, check_stable=False
        )
        assert distance is not None
        competing = sorted((part.composition.reduced_formula, float(share)) for part, share in (parts or {}).items())
        return HullPlace(formation, float(distance), tuple(competing))

    def _without_phase(self, amounts: Mapping[str, float]) -> list[str]:
        return sorted(e for e in amounts if frozenset((e,)) not in self._lowest)

    def _hull(self, system: frozenset[str]) -> PhaseDiagram:
        from pymatgen.analysis.phase_diagram import PhaseDiagram  # noqa: PLC0415  slow to import

        if system not in self._hulls:
            inside = [_entry(*phase) for other, phases in self._lowest.items() if other <= system for phase in phases]
            self._hulls[system] = PhaseDiagram(inside)
        return self._hulls[system]


def formation_energies(
    compositions: Sequence[Mapping[str, float]], energies_per_atom: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n,) the energy of each phase of a set against the elements, eV/atom; NaN where one has no phase."""
    phases = Phases(compositions, energies_per_atom)
    found = [phases.formation_energy(c, e) for c, e in zip(compositions, energies_per_atom.tolist(), strict=True)]
    return np.array([np.nan if value is None else value for value in found])


def hull_distances(
    compositions: Sequence[Mapping[str, float]], energies_per_atom: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n,) the distance of each phase of a set to the set's own hull, eV/atom, 0 on the hull.

    NaN where an element has no phase in the set, and where a phase has more than `MOST_ELEMENTS`.
    """
    phases = Phases(compositions, energies_per_atom)
    places = [phases.place(c, e) for c, e in zip(compositions, energies_per_atom.tolist(), strict=True)]
    return np.array([np.nan if p.energy_above_hull is None else p.energy_above_hull for p in places])


def _entry(energy_per_atom: float, amounts: Mapping[str, float]) -> PDEntry:
    from pymatgen.analysis.phase_diagram import PDEntry  # noqa: PLC0415  slow to import
    from pymatgen.core import Composition  # noqa: PLC0415  slow to import

    composition = Composition(dict(amounts))
    return PDEntry(composition, energy_per_atom * composition.num_atoms)

"""Whether a relaxed candidate may exist: energy against the elements and the known phases, mechanical stability.

The relaxation itself is an oracle's (`matsift_adapters.oracles.chgnet:label` with ``("energy", crystal)`` or
``("elasticity", crystal)``, in a `matsift.execution.killable.KillablePool`); here is what its numbers mean. Energies of
a candidate and of the phases have to be of one method.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.elasticity.moduli import born_stable, moduli, smallest_eigenvalue
from matsift.elasticity.symmetry import space_group_number
from matsift.errors import UserInputError
from matsift.formulae import formulae
from matsift.generative.competitors import binary_competitors
from matsift.screening.structure_quality import structure_holds
from matsift.structure_facts import density

if TYPE_CHECKING:
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram

#: A hull of more elements grows too slow to build.
MOST_ELEMENTS = 6


@dataclass(frozen=True)
class HullPlace:
    """Where a candidate stands among known phases; a value is None where `reason` says why it has none.

    Parameters
    ----------
    formation_energy_per_atom
        Against the lowest phase of each element, eV/atom.
    hull_distance
        To the hull of the known phases alone, eV/atom; below 0 where the candidate lies under it and would be a new
        ground state.
    competing
        Reduced formula and share of the atoms of each phase that the candidate would fall apart into.
    missing
        Reduced formulas of the candidate's own binary salts (`binary_competitors`) that are among no phases: with them
        the distance may be larger.
    reason
        Why a value is None, in one sentence.
    """

    formation_energy_per_atom: float | None = None
    hull_distance: float | None = None
    competing: tuple[tuple[str, float], ...] = ()
    missing: tuple[str, ...] = ()
    reason: str | None = None

    @property
    def energy_above_hull(self) -> float | None:
        """The distance as the property `energy_above_hull` has it: 0 for what lies under the hull."""
        return None if self.hull_distance is None else max(0.0, self.hull_distance)


class Phases:
    """Known phases of one method, prepared so that candidates are placed among them.

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

    def missing(self, amounts: Mapping[str, int]) -> tuple[str, ...]:
        """Return the reduced formulas of the binary salts of a composition that no phase is of."""
        return tuple(formulae(salt).reduced for salt in binary_competitors(amounts) if not self.knows(salt))

    def place(self, amounts: Mapping[str, int], energy_per_atom: float) -> HullPlace:
        """Return where a candidate stands.

        Parameters
        ----------
        amounts
            Element symbol -> atoms of the candidate.
        energy_per_atom
            eV/atom, of the method of the phases.
        """
        missing = sorted(e for e in amounts if frozenset((e,)) not in self._lowest)
        if missing:
            return HullPlace(
                reason=f"no phase of the element {', '.join(missing)} is known by this method, so there is no reference"
            )
        total = sum(amounts.values())
        reference = sum(n * min(energy for energy, _ in self._lowest[frozenset((e,))]) for e, n in amounts.items())
        formation = energy_per_atom - reference / total
        if len(amounts) > MOST_ELEMENTS:
            return HullPlace(
                formation, reason=f"a hull of {len(amounts)} elements takes too long: {MOST_ELEMENTS} most"
            )
        hull = self._hull(frozenset(amounts))
        parts, distance = hull.get_decomp_and_e_above_hull(
            _entry(energy_per_atom, amounts), allow_negative=True, check_stable=False
        )
        assert distance is not None
        competing = sorted((part.composition.reduced_formula, float(share)) for part, share in (parts or {}).items())
        return HullPlace(formation, float(distance), tuple(competing), self.missing(amounts))

    def _hull(self, system: frozenset[str]) -> PhaseDiagram:
        from pymatgen.analysis.phase_diagram import PhaseDiagram  # noqa: PLC0415  slow to import

        if system not in self._hulls:
            inside = [_entry(*phase) for other, phases in self._lowest.items() if other <= system for phase in phases]
            self._hulls[system] = PhaseDiagram(inside)
        return self._hulls[system]


@dataclass(frozen=True)
class Mechanics:
    """What an elastic tensor says of a crystal.

    Parameters
    ----------
    is_stable
        Whether every small strain costs energy (Born; Mouhat and Coudert, Phys. Rev. B 90, 224104 (2014)).
    smallest_eigenvalue_gpa
        Of the tensor in Mandel notation, which does not depend on the axes.
    bulk_gpa, shear_gpa, young_gpa, poisson, pugh
        Hill averages K and G, E = 9KG / (3K + G), Poisson's ratio, K/G; NaN of an unstable or singular tensor.
    reason
        Why it counts as unstable; None where it is stable.
    """

    is_stable: bool
    smallest_eigenvalue_gpa: float
    bulk_gpa: float
    shear_gpa: float
    young_gpa: float
    poisson: float
    pugh: float
    reason: str | None


def mechanics(tensor: NDArray[np.float64]) -> Mechanics:
    """Return what an elastic tensor (6, 6), GPa, in Voigt notation, says of a crystal."""
    c = np.asarray(tensor, dtype=np.float64).reshape(1, 6, 6)
    smallest = float(smallest_eigenvalue(c)[0])
    if not bool(born_stable(c)[0]):
        return Mechanics(
            is_stable=False,
            smallest_eigenvalue_gpa=smallest,
            bulk_gpa=math.nan,
            shear_gpa=math.nan,
            young_gpa=math.nan,
            poisson=math.nan,
            pugh=math.nan,
            reason=f"the elastic tensor is not positive definite: its smallest eigenvalue is {smallest:.1f} GPa",
        )
    averages = moduli(c)
    k, g = float(averages.k_vrh[0]), float(averages.g_vrh[0])
    return Mechanics(
        is_stable=True,
        smallest_eigenvalue_gpa=smallest,
        bulk_gpa=k,
        shear_gpa=g,
        young_gpa=9 * k * g / (3 * k + g),
        poisson=(3 * k - 2 * g) / (2 * (3 * k + g)),
        pugh=k / g,
        reason=None,
    )


@dataclass(frozen=True)
class RelaxationChange:
    """What a relaxation did to a crystal: volume per atom over that before, space groups, why it does not count."""

    volume_factor: float
    space_group_before: int
    space_group_after: int
    reason: str | None


def relaxation_change(start: Crystal, relaxed: Crystal) -> RelaxationChange:
    """Return what a relaxation changed; a reason where the result is no crystal of the composition that began."""
    if formulae(Counter(start.species)).reduced != formulae(Counter(relaxed.species)).reduced:
        reason = "the relaxed crystal has another composition"
    elif holds := structure_holds(relaxed, density(relaxed)):
        reason = f"the relaxed crystal is implausible: {', '.join(holds)}"
    else:
        reason = None
    return RelaxationChange(
        relaxed.volume / relaxed.n_site / (start.volume / start.n_site),
        space_group_number(start),
        space_group_number(relaxed),
        reason,
    )


def _entry(energy_per_atom: float, amounts: Mapping[str, float]) -> PDEntry:
    from pymatgen.analysis.phase_diagram import PDEntry  # noqa: PLC0415  slow to import
    from pymatgen.core import Composition  # noqa: PLC0415  slow to import

    composition = Composition(dict(amounts))
    return PDEntry(composition, energy_per_atom * composition.num_atoms)

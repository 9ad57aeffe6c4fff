"""New crystals from a template: elements matched in order of amount, the cell scaled to the new radii.

The paper's way: the template's conventional cell, symmetrised within 0.1 angstrom, takes the new elements in the order
of their amounts. Where amounts tie, every assignment is made, the one with the shortest way on the modified Pettifor
scale first. Sites, stoichiometry and space group stay what they were.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import spglib

from matsift.candidates.prototypes import shortest_bonds_of
from matsift.candidates.substitution import length_factor, radius
from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift.generative.ionic_charges import balanced_charges
from matsift.generative.pettifor import position
from matsift.structure_facts import space_group
from matsift.structure_matching import MatchSettings, match

#: Angstrom: atoms of a template that miss a symmetric place by less than this are put on it (the paper's symprec).
TEMPLATE_TOLERANCE = 0.1


@dataclass(frozen=True)
class Assignment:
    """Which element takes the place of which.

    Parameters
    ----------
    mapping
        (old, new) symbols, by falling amount.
    cost
        Mean way of an atom along the modified Pettifor scale.
    """

    mapping: tuple[tuple[str, str], ...]
    cost: float

    @property
    def text(self) -> str:
        """The assignment in words, for example ``F->F Ba->Sr Y->Y``."""
        return " ".join(f"{old}->{new}" for old, new in self.mapping)


@dataclass(frozen=True, eq=False)
class SubstitutedCrystal:
    """A template with other elements in its conventional cell, not relaxed.

    Parameters
    ----------
    crystal
        The new crystal.
    assignment
        Which element took the place of which.
    scale
        The factor on all lengths of the template.
    space_group_number
        Of the template within the tolerance, and so of the new crystal.
    """

    crystal: Crystal
    assignment: Assignment
    scale: float
    space_group_number: int


def assignments(template: Mapping[str, int], wanted: Mapping[str, int]) -> tuple[Assignment, ...]:
    """Return the ways in which wanted elements take the places of those of a template, the cheapest first.

    Amounts are matched; elements of equal amounts may change places, so each order of them is an assignment.

    Parameters
    ----------
    template, wanted
        Element symbol -> atoms; multiples of a formula count as the formula.

    Raises
    ------
    BadStructureError
        If the two have different sets of amounts.
    KeyError
        If an element is heavier than lawrencium.
    """
    old, new = _by_amount(template), _by_amount(wanted)
    if {n: len(held) for n, held in old.items()} != {n: len(held) for n, held in new.items()}:
        raise BadStructureError(
            f"a template with the amounts {_told(old)} cannot lend its structure to a formula with {_told(new)}"
        )
    amounts = sorted(old, reverse=True)
    n_atom = sum(n * len(held) for n, held in old.items())
    found = []
    for orders in itertools.product(*(itertools.permutations(new[n]) for n in amounts)):
        pairs = [
            (n, o, e) for n, order in zip(amounts, orders, strict=True) for o, e in zip(old[n], order, strict=True)
        ]
        way = sum(n * abs(position(o) - position(e)) for n, o, e in pairs)
        found.append(Assignment(tuple((o, e) for _, o, e in pairs), way / n_atom))
    return tuple(sorted(found, key=lambda a: (a.cost, a.mapping)))


def substitute(
    template: Crystal, wanted: Mapping[str, int], *, most: int = 3, tolerance: float = TEMPLATE_TOLERANCE
) -> tuple[SubstitutedCrystal, ...]:
    """Return the different crystals of a wanted composition in the structure of a template, cheapest assignment first.

    Assignments that give the same crystal (elements that change places in CsCl) count once.

    Parameters
    ----------
    template
        An ordered crystal.
    wanted
        Element symbol -> atoms, with the template's set of amounts.
    most
        Most crystals returned.
    tolerance
        Angstrom: atoms of the template that miss a symmetric place by less are put on it.

    Raises
    ------
    BadStructureError
        With the reason, if the template is disordered, has other amounts, shows no symmetry, holds two atoms on one
        place, or would change its symmetry.
    """
    if not template.is_ordered:
        raise BadStructureError("a disordered crystal cannot be a template: elements are matched site by site")
    ways = assignments(Counter(template.species), wanted)
    cell = TemplateCell.of(template, tolerance)
    found: list[SubstitutedCrystal] = []
    for way in ways:
        made = cell.substituted(way)
        if not _is_among(made, found):
            found.append(made)
        if len(found) == most:
            break
    return tuple(found)


@dataclass(frozen=True, eq=False)
class TemplateCell:
    """The symmetrised conventional cell of a template, with its space group."""

    crystal: Crystal
    space_group_number: int

    @classmethod
    def of(cls, template: Crystal, tolerance: float = TEMPLATE_TOLERANCE) -> TemplateCell:
        """Return the cell of an ordered crystal, atoms put on symmetric places that they miss by less than a tolerance.

        Raises
        ------
        BadStructureError
            If spglib finds no symmetry within the tolerance, not even that of the lattice.
        """
        kinds = [template.elements.index(symbol) for symbol in template.species]
        cell = template.lattice.tolist(), template.frac_coords.tolist(), kinds
        try:
            found = spglib.standardize_cell(cell, to_primitive=False, no_idealize=False, symprec=tolerance)
        except spglib.SpglibError:
            found = None
        if found is None:
            raise BadStructureError(f"spglib finds no symmetry of the template within {tolerance} angstrom")
        lattice, coords, kept = found
        crystal = Crystal.ordered(np.array(lattice), [template.elements[k] for k in kept], np.array(coords))
        if _reduced(Counter(crystal.species)) != _reduced(Counter(template.species)):
            raise BadStructureError(f"symmetrising the template within {tolerance} angstrom loses atoms of it")
        number = space_group(crystal)[0]
        if number is None:
            raise BadStructureError("spglib finds no symmetry of the template's conventional cell")
        return cls(crystal, number)

    @cached_property
    def bonds(self) -> tuple[tuple[str, str, float], ...]:
        """(element, element, angstrom) of the shortest bonds."""
        return shortest_bonds_of(self.crystal)

    def substituted(self, way: Assignment) -> SubstitutedCrystal:
        """Return the cell with elements exchanged and scaled.

        Raises
        ------
        BadStructureError
            If the new crystal has another space group.
        """
        mapping = dict(way.mapping)
        scale = self.scale(mapping)
        species = [mapping[symbol] for symbol in self.crystal.species]
        made = Crystal.ordered(self.crystal.lattice * scale, species, self.crystal.frac_coords)
        made.check()
        if (number := space_group(made)[0]) != self.space_group_number:
            raise BadStructureError(f"substitution changed the space group from {self.space_group_number} to {number}")
        return SubstitutedCrystal(made, way, scale, self.space_group_number)

    def scale(self, mapping: Mapping[str, str]) -> float:
        """Return the factor on all lengths that fits the shortest bonds to the radii of the new elements.

        Ionic radii where both compositions balance with whole charges, if possible the same ones; else metallic radii.
        """
        old = _reduced(Counter(self.crystal.species))
        old_charges, new_charges = _charges(old, mapping)
        return length_factor(
            self.bonds,
            {o: radius(o, old_charges.get(o, 0)) for o in old},
            {o: radius(mapping[o], new_charges.get(o, 0)) for o in old},
        )


def _is_among(made: SubstitutedCrystal, found: Sequence[SubstitutedCrystal]) -> bool:
    if not found:
        return False
    matches = match([*(other.crystal for other in found), made.crystal], len(found), MatchSettings())
    return matches.representative[-1] != len(found)


def _charges(old: Mapping[str, int], mapping: Mapping[str, str]) -> tuple[dict[str, int], dict[str, int]]:
    """Return, by old element, the charges of the old and of the new composition; both empty if either is an alloy."""
    olds = balanced_charges(old)
    news = balanced_charges(
        {mapping[o]: n for o, n in old.items()}, like={mapping[o]: q for o, q in olds[0].items()} if olds else None
    )
    if not olds or not news:
        return {}, {}
    return olds[0], {o: news[0][mapping[o]] for o in old}


def _by_amount(amounts: Mapping[str, int]) -> dict[int, list[str]]:
    """Return the elements of each reduced amount, along the modified Pettifor scale."""
    held = defaultdict(list)
    for symbol, n in _reduced(amounts).items():
        held[n].append(symbol)
    return {n: sorted(symbols, key=position) for n, symbols in held.items()}


def _reduced(amounts: Mapping[str, int]) -> dict[str, int]:
    divisor = math.gcd(*amounts.values())
    return {symbol: n // divisor for symbol, n in amounts.items()}


def _told(held: Mapping[int, list[str]]) -> str:
    return ":".join(str(n) for n in sorted(held) for _ in held[n])

"""A million plausible crystals: real ones whose elements are exchanged for others of their kind, the volume scaled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pymatgen.core import Element
from pymatgen.core.composition import reduce_formula

from matsift.crystal import Crystal
from matsift.structure_facts import StructureFacts, describe

_FAMILIES = (
    "Li Na K Rb Cs",
    "Be Mg Ca Sr Ba",
    "Sc Y La Ce Pr Nd Sm Eu Gd Tb Dy Ho Er Tm Yb Lu",
    "Ti Zr Hf V Nb Ta Cr Mo W",
    "Mn Tc Re Fe Ru Os Co Rh Ir Ni Pd Pt",
    "Cu Ag Au Zn Cd Hg",
    "B Al Ga In Tl",
    "C Si Ge Sn Pb",
    "N P As Sb Bi",
    "O S Se Te",
    "F Cl Br I",
    "Ac Th Pa U Np Pu",
    "He Ne Ar Kr Xe",
    "H",
)
_FAMILY_OF = {symbol: family.split() for family in _FAMILIES for symbol in family.split()}
_KEPT = 0.35  # share of the elements of a template that stay: oxides stay oxides more often than not
_LARGEST_STRAIN = 0.02
_U_PER_ANGSTROM3_TO_G_PER_CM3 = 1.66053906660


@dataclass(frozen=True, eq=False)
class Template:
    """A real crystal with what decoration needs of it."""

    crystal: Crystal
    facts: StructureFacts
    counts: dict[str, int]
    radius_cubed: float


def templates(crystals: Sequence[Crystal]) -> list[Template]:
    """Return those crystals that can be decorated: ordered, and no element without a kind."""
    found = []
    for crystal in crystals:
        if crystal.is_ordered and all(symbol in _FAMILY_OF for symbol in crystal.elements):
            counts = {symbol: crystal.species.count(symbol) for symbol in crystal.elements}
            found.append(Template(crystal, describe(crystal), counts, _radius_cubed(counts)))
    return found


def decorate(template: Template, rng: np.random.Generator) -> tuple[Crystal, StructureFacts]:
    """Return a crystal of the template's symmetry with other elements, and its facts.

    Elements are exchanged one for one within their kind (alkali metals, halogens, ...), the cell grows with the cubes
    of the atomic radii, and a breath of a few per cent keeps two decorations alike in composition apart.
    """
    exchanged = _exchange(template.counts, rng)
    counts = {exchanged[symbol]: n for symbol, n in template.counts.items()}
    breath = 1.0 + rng.uniform(-_LARGEST_STRAIN, _LARGEST_STRAIN)
    lattice = template.crystal.lattice * (breath * np.cbrt(_radius_cubed(counts) / template.radius_cubed))
    species = [exchanged[symbol] for symbol in template.crystal.species]
    crystal = Crystal.ordered(lattice, species, template.crystal.frac_coords)
    return crystal, _facts(crystal, counts, template.facts)


def _exchange(counts: dict[str, int], rng: np.random.Generator) -> dict[str, str]:
    taken: set[str] = set()
    exchanged = {}
    for symbol in counts:
        kind = [other for other in _FAMILY_OF[symbol] if other not in taken]
        stays = (symbol in kind and rng.random() < _KEPT) or not kind
        new = symbol if stays else kind[int(rng.integers(len(kind)))]
        exchanged[symbol] = new
        taken.add(new)
    return exchanged if len(taken) == len(counts) else {symbol: symbol for symbol in counts}


def _facts(crystal: Crystal, counts: dict[str, int], of_template: StructureFacts) -> StructureFacts:
    """Return the facts of a decorated crystal, whose symmetry is the template's."""
    by_electronegativity = sorted(counts, key=lambda symbol: (_X[symbol], symbol))
    elements = crystal.elements
    volume = crystal.volume
    mass = sum(_MASS[symbol] * n for symbol, n in counts.items())
    return StructureFacts(
        formula=" ".join(f"{symbol}{counts[symbol]}" for symbol in by_electronegativity),
        reduced_formula=reduce_formula(counts)[0],
        anonymous_formula=of_template.anonymous_formula,
        chemical_system="-".join(elements),
        elements=elements,
        n_site=crystal.n_site,
        n_element=len(elements),
        volume_angstrom3=volume,
        density_g_per_cm3=mass / volume * _U_PER_ANGSTROM3_TO_G_PER_CM3,
        is_ordered=True,
        space_group_number=of_template.space_group_number,
        space_group_symbol=of_template.space_group_symbol,
        crystal_system=of_template.crystal_system,
    )


def _radius_cubed(counts: dict[str, int]) -> float:
    return sum(n * _RADIUS[symbol] ** 3 for symbol, n in counts.items())


def _radius(symbol: str) -> float:
    return float(Element(symbol).atomic_radius or 1.5)


def _electronegativity(symbol: str) -> float:
    value = Element(symbol).data.get("X")
    return float(value) if value is not None else 9.0  # noble gases go last, as pymatgen writes them


_RADIUS = {symbol: _radius(symbol) for symbol in _FAMILY_OF}
_X = {symbol: _electronegativity(symbol) for symbol in _FAMILY_OF}
_MASS = {symbol: float(Element(symbol).atomic_mass) for symbol in _FAMILY_OF}

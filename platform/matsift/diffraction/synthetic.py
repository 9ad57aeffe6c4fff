"""Random crystals of a given space group, to train on where few real ones are known.

After Schopmans, Reiser and Friederich, Digital Discovery 2, 1414 (2023): atoms on random Wyckoff positions of a random
cell. Theirs follow the statistics of the ICSD; these follow volumes an atom and least distances, nothing else.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from matsift.candidates.ions import ANIONS, ionic_radius
from matsift.candidates.substitution import METALS, metallic_radius
from matsift.crystal import Crystal
from matsift.diffraction.positions import Position, operations, special_positions
from matsift.diffraction.symmetry import symmetry_of
from matsift.errors import BadStructureError, MatsiftError
from matsift.structure_facts import crystal_system

#: Mean volume of atoms that are no metals, cubic angstrom (Hofmann, Acta Cryst. B 58, 489, 2002).
_ATOM_VOLUMES = {
    "H": 5.1, "B": 13.2, "C": 13.9, "N": 11.8, "O": 11.4, "F": 11.2, "Si": 37.3, "P": 29.5, "S": 25.2, "Cl": 25.8,
    "As": 36.4, "Se": 30.3, "Br": 32.7, "Te": 46.7, "I": 46.2,
}  # fmt: skip

#: How often a non-metal is drawn.
_NON_METALS = {
    "O": 10, "F": 2, "S": 3, "Cl": 2, "Se": 2, "N": 2, "P": 2, "Te": 2, "Br": 1, "I": 1, "As": 1, "C": 1,
}  # fmt: skip

_N_ELEMENT_SHARES = (0.03, 0.30, 0.42, 0.20, 0.05)  # crystals of one element to five
_MORE_ORBITS = 1.5  # mean number of positions beyond one an element, for the groups of highest order
_MORE_ATOMS = 9  # over the order of the point group: as many more positions
_MOST_ATOMS = 60  # of a primitive cell
_PACKING = 0.70  # share of its volume that a metal's atoms fill as spheres
_CLOSER = 0.75  # ions and alloys take less room than their atoms: with it an atom has about 18 cubic angstrom
_VOLUME_SPREAD = 0.15
_EDGE_SPREAD = 0.35
_CLOSEST = 0.85  # of the sum of the radii
_CLOSEST_ANIONS = 0.8
_TRIES_A_POSITION = 40
_TRIES_A_CRYSTAL = 2000

_IONIC_CHARGE = {symbol: charge for charge, symbols in ANIONS.items() for symbol in symbols if charge > -3}
_AROUND = np.stack(np.meshgrid(*[np.arange(-1, 2)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)


def synthetic_crystals(space_group: int, n: int, rng: Generator) -> list[Crystal]:
    """Return n ordered crystals (conventional cells) that spglib finds in a space group.

    Parameters
    ----------
    space_group
        1 to 230.
    n
        How many; between a millisecond and some hundredths of a second each.
    rng
        What is drawn from.

    Raises
    ------
    MatsiftError
        If many tries in a row end in no crystal.
    """
    crystals: list[Crystal] = []
    failed = 0
    while len(crystals) < n:
        crystal = _try(space_group, rng)
        if crystal is not None and _has_group(crystal, space_group):
            crystals.append(crystal)
            failed = 0
            continue
        failed += 1
        if failed == _TRIES_A_CRYSTAL:
            raise MatsiftError(f"no crystal of space group {space_group} was found in {failed} tries")
    return crystals


def _try(space_group: int, rng: Generator) -> Crystal | None:
    """Return a crystal that may have the group, or None where atoms found no room."""
    elements = _elements(rng)
    more = _MORE_ORBITS + _MORE_ATOMS / (len(operations(space_group)[0]) / _n_centring(space_group))
    positions = _chosen_positions(space_group, len(elements) + int(rng.poisson(more)), rng)
    if len(positions) < len(elements):
        return None
    named = [*elements, *rng.choice(elements, len(positions) - len(elements)).tolist()]
    room = _CLOSER * sum(p.multiplicity * atom_volume(s) for p, s in zip(positions, named, strict=True))
    lattice = random_lattice(space_group, room * float(np.exp(_VOLUME_SPREAD * rng.standard_normal())), rng)
    coords: NDArray[np.float64] = np.zeros((0, 3))
    species: list[str] = []
    for position, symbol in zip(positions, named, strict=True):
        images = _placed(position, symbol, lattice, coords, species, rng)
        if images is None:
            return None
        coords = np.concatenate([coords, images])
        species += [symbol] * len(images)
    return Crystal.ordered(lattice, species, coords)


def _elements(rng: Generator) -> list[str]:
    """Return distinct elements: metals, and in three of four crystals at least one non-metal."""
    n = 1 + int(rng.choice(len(_N_ELEMENT_SHARES), p=_N_ELEMENT_SHARES))
    n_anion = 0 if n == 1 or rng.random() < 0.25 else 1 + int(n > 2 and rng.random() < 0.2)
    weights = np.array(list(_NON_METALS.values()), dtype=np.float64)
    anions = rng.choice(list(_NON_METALS), n_anion, replace=False, p=weights / weights.sum()).tolist()
    metals = rng.choice([m for m in METALS if m not in anions], n - n_anion, replace=False).tolist()
    return [str(symbol) for symbol in (*anions, *metals)]


def _chosen_positions(space_group: int, n: int, rng: Generator) -> list[Position]:
    """Return up to n positions, the fewer the less room is left; those with few copies are likelier."""
    kinds = _position_kinds(space_group)
    sizes = np.array([group[0].multiplicity for group in kinds], dtype=np.float64)
    room = float(_MOST_ATOMS * _n_centring(space_group))
    chosen: list[Position] = []
    while len(chosen) < n:
        weights = np.where(sizes <= room, sizes**-0.5, 0.0)
        if not weights.any():
            break
        kind = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
        chosen.append(kind[int(rng.integers(len(kind)))])
        room -= chosen[-1].multiplicity
    return sorted(chosen, key=lambda position: position.n_free)


@cache
def _position_kinds(space_group: int) -> tuple[tuple[Position, ...], ...]:
    """Return the positions grouped by multiplicity and free coordinates."""
    kinds: dict[tuple[int, int], list[Position]] = {}
    for position in special_positions(space_group):
        kinds.setdefault((position.multiplicity, position.n_free), []).append(position)
    return tuple(tuple(kind) for kind in kinds.values())


def _n_centring(space_group: int) -> int:
    """Return how many primitive cells the conventional cell holds."""
    rotations, _ = operations(space_group)
    return int((rotations == np.eye(3, dtype=np.int64)).all(axis=(1, 2)).sum())


def _placed(
    position: Position,
    symbol: str,
    lattice: NDArray[np.float64],
    coords: NDArray[np.float64],
    species: list[str],
    rng: Generator,
) -> NDArray[np.float64] | None:
    """Return an orbit on a position, far enough from all atoms and from itself; None where none was found."""
    least = np.array([_least_distance(symbol, other) for other in species])
    among = _least_distance(symbol, symbol)
    for _ in range(_TRIES_A_POSITION if position.n_free else 1):
        images = position.points(rng.random(3))
        apart = (np.concatenate([images[1:], coords]) - images[0])[:, None, :]
        apart = (apart - np.rint(apart) + _AROUND) @ lattice
        closest = np.sqrt((apart**2).sum(axis=2).min(axis=1))
        if (closest > np.append(np.full(len(images) - 1, among), least)).all():
            return images
    return None


def random_lattice(space_group: int, volume: float, rng: Generator) -> NDArray[np.float64]:
    """Return the vectors (3, 3), rows in angstrom, of a random conventional cell of a volume in cubic angstrom."""
    system = crystal_system(space_group)
    a, b, c = np.exp(_EDGE_SPREAD * rng.standard_normal(3))
    alpha = beta = gamma = 90.0
    if system in {"tetragonal", "trigonal", "hexagonal", "cubic"}:
        b = a
    if system == "cubic":
        c = a
    if system in {"trigonal", "hexagonal"}:
        gamma = 120.0
    if system == "monoclinic":
        beta = float(rng.uniform(91, 118))
    if system == "triclinic":
        alpha, beta, gamma = rng.uniform(72, 108, 3).tolist()
    cosines = np.cos(np.radians([alpha, beta, gamma]))
    sine = np.sin(np.radians(gamma))
    x = (cosines[0] - cosines[1] * cosines[2]) / sine
    z = np.sqrt(1 - cosines[1] ** 2 - x**2)
    lattice = np.array([[a, 0, 0], [b * cosines[2], b * sine, 0], [c * cosines[1], c * x, c * z]])
    return lattice * float(np.cbrt(volume / np.linalg.det(lattice)))


def atom_volume(symbol: str) -> float:
    """Return the room that a neutral atom takes, cubic angstrom."""
    return _ATOM_VOLUMES.get(symbol) or 4 / 3 * np.pi * metallic_radius(symbol) ** 3 / _PACKING


@cache
def _least_distance(one: str, other: str) -> float:
    """Return how close two atoms may come, angstrom: anions stay apart, others nearly touch by Slater's radii."""
    if one in _IONIC_CHARGE and other in _IONIC_CHARGE:
        return _CLOSEST_ANIONS * sum(ionic_radius(symbol, _IONIC_CHARGE[symbol]) for symbol in (one, other))
    return _CLOSEST * (_slater_radius(one) + _slater_radius(other))


@cache
def _slater_radius(symbol: str) -> float:
    from pymatgen.core import Element  # noqa: PLC0415  slow to import

    return float(Element(symbol).atomic_radius or 1.5)


def _has_group(crystal: Crystal, space_group: int) -> bool:
    try:
        return symmetry_of(crystal).space_group_number == space_group
    except BadStructureError:
        return False

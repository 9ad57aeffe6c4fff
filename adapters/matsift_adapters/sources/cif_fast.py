"""The fast way through a CIF: what needs no guessing is read, expanded and checked here, pymatgen judges the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift.formulae import element_order
from matsift_adapters.sources.cif_expansion import expand
from matsift_adapters.sources.cif_group import cell_fits
from matsift_adapters.sources.cif_stated import compare
from matsift_adapters.sources.cif_symbols import element_of_label, element_of_type
from matsift_adapters.sources.cif_symmetry import Operations, operations
from matsift_adapters.sources.pymatgen_json import ISOTOPES

_PREFIX = "_atom_site_"
_COORDS = ("fract_x", "fract_y", "fract_z")
_CELL = tuple(f"_cell_length_{name}" for name in "abc") + tuple(
    f"_cell_angle_{name}" for name in ("alpha", "beta", "gamma")
)
#: Marks of places that were refined, calculated or set; another one, ``dum``, is no atom.
_PLACED = frozenset({"d", "calc", "c", ".", "?"})
_NO_HYDROGENS = frozenset({"0", ".", "?"})

# Cells beyond these are for pymatgen to judge: angstrom, degrees, and the volume over the product of the lengths.
_SHORTEST, _LONGEST = 0.5, 1000.0
_SHARPEST, _FLATTEST = 10.0, 170.0
_THINNEST = 0.01
#: How far symmetry may change the metric tensor of the cell, relative to its diagonal, before it is doubted.
CELL_TOLERANCE = 0.02
#: Sums of occupancies up to this are taken for rounding (three times 0.34) and scaled to 1; above, the site is refused.
OCCUPANCY_TOLERANCE = 1.02
_FULL = 1 + 1e-9


@dataclass(frozen=True)
class Reading:
    """A crystal, the names of what is doubtful about it, and what was seen of that, as plain JSON."""

    crystal: Crystal
    holds: tuple[str, ...] = ()
    info: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Atoms:
    """The atoms that a block lists: symbols (with D and T), coordinates (n, 3) and occupancies (None: all 1)."""

    symbols: Sequence[str]
    coords: NDArray[np.float64]
    occupancies: list[float] | None
    holds: tuple[str, ...] = ()


def fast_reading(block: gemmi.cif.Block) -> Reading | None:
    """Return the crystal of a block, the one that pymatgen makes of it, its sites sorted by electronegativity too.

    Holds: ``implicit_hydrogens``, ``occupancy_rescaled``, ``coordinates_outside_cell`` (by three cells),
    ``cell_contradicts_symmetry``, and those of `operations` and `compare`.

    Returns
    -------
    Reading or None
        None where anything asks for a judgement: a label or type that is no plain element, a number that is none, an
        occupancy outside 0 to 1, hydroxyl on one place, dummy atoms, operations that gemmi and pymatgen read
        differently or that make two atoms meet, a cell that is nearly flat.

    Raises
    ------
    BadStructureError
        If the occupancies of a place add up to more than `OCCUPANCY_TOLERANCE`.
    """
    atoms = _atoms(block)
    cell = None if atoms is None else _cell(block)
    symmetry = None if cell is None else operations(block)
    if atoms is None or cell is None or symmetry is None:
        return None
    lattice, volume = cell
    host, places, owner, apart = expand(atoms.coords, symmetry.rotations, symmetry.translations)
    if not apart:
        return None
    filled = _filled(lattice, atoms, host, places, owner)
    if filled is None:
        return None
    crystal, of_filling = filled
    comparison = compare(block, _amounts(atoms, host, owner), volume)
    holds = {*atoms.holds, *of_filling, *symmetry.holds, *cell_holds(lattice, symmetry), *comparison.holds}
    return Reading(crystal, tuple(sorted(holds)), comparison.info)


def _atoms(block: gemmi.cif.Block) -> _Atoms | None:
    loop = block.find_loop(f"{_PREFIX}fract_x").get_loop()
    if loop is None:
        return None
    width = loop.width()
    values = loop.values
    columns = {tag[len(_PREFIX) :].lower(): values[i::width] for i, tag in enumerate(loop.tags)}
    xyz = [columns.get(name) for name in _COORDS]
    labels = columns.get("label", [])
    if None in xyz or not _PLACED.issuperset(columns.get("calc_flag", ())) or any(" + " in text for text in labels):
        return None
    types = columns.get("type_symbol")
    symbols = list(map(element_of_label, labels)) if types is None else list(map(element_of_type, types))
    coords = _numbers([text for column in xyz if column is not None for text in column])
    if coords is None or not symbols or None in symbols:
        return None
    occupancies = None
    if (stated := columns.get("occupancy")) is not None:
        occupancies = _numbers(stated)
        if occupancies is None or min(occupancies) <= 0 or max(occupancies) > _FULL:
            return None
        if min(occupancies) == 1:
            occupancies = None
    holds = []
    if not _NO_HYDROGENS.issuperset(columns.get("attached_hydrogens", ())):
        holds.append("implicit_hydrogens")
    if far_outside(coords):
        holds.append("coordinates_outside_cell")
    found = [symbol for symbol in symbols if symbol is not None]
    return _sorted(_Atoms(found, np.array(coords).reshape(3, -1).T.copy(), occupancies, tuple(holds)))


def far_outside(coords: list[float]) -> bool:
    """Return whether a fractional coordinate is as if it were angstroms: more than three cells away from the cell."""
    return min(coords) < -3 or max(coords) > 4


def _sorted(atoms: _Atoms) -> _Atoms:
    """Return the atoms by electronegativity, those of shared places as they are: symmetry is found atom by atom."""
    rank = element_order()
    ranks = [rank[ISOTOPES.get(symbol, symbol)] for symbol in atoms.symbols]
    if atoms.occupancies is not None or ranks == sorted(ranks):
        return atoms
    order = sorted(range(len(ranks)), key=ranks.__getitem__)
    return _Atoms([atoms.symbols[i] for i in order], atoms.coords[order], None, atoms.holds)


def _numbers(texts: list[str]) -> list[float] | None:
    """Return finite numbers, an uncertainty in brackets dropped; None where one is none."""
    try:
        found = list(map(float, texts))
    except ValueError:
        try:
            found = [float(text.partition("(")[0]) for text in texts]
        except ValueError:
            return None
    return found if all(map(math.isfinite, found)) else None


def _cell(block: gemmi.cif.Block) -> tuple[NDArray[np.float64], float] | None:
    """Return pymatgen's lattice vectors (3, 3) of the cell's lengths and angles, and the volume.

    None where it is hardly a cell; what is one passes `Crystal.check`.
    """
    stated = _numbers([block.find_value(tag) or "?" for tag in _CELL])
    if stated is None:
        return None
    a, b, c = stated[:3]
    if min(a, b, c) < _SHORTEST or max(a, b, c) > _LONGEST:
        return None
    if min(stated[3:]) < _SHARPEST or max(stated[3:]) > _FLATTEST:
        return None
    angles = np.radians(stated[3:])
    (cos_a, cos_b, cos_c), (sin_a, sin_b, _) = np.cos(angles).tolist(), np.sin(angles).tolist()
    star = np.arccos(min(1.0, max(-1.0, (cos_a * cos_b - cos_c) / (sin_a * sin_b))))
    cos_star, sin_star = float(np.cos(star)), float(np.sin(star))
    if sin_a * sin_b * sin_star < _THINNEST:
        return None
    lattice = np.array(
        [[a * sin_b, 0.0, a * cos_b], [-b * sin_a * cos_star, b * sin_a * sin_star, b * cos_a], [0.0, 0.0, c]]
    )
    return lattice, a * sin_b * b * sin_a * sin_star * c


def _filled(
    lattice: NDArray[np.float64],
    atoms: _Atoms,
    host: NDArray[np.int64],
    places: NDArray[np.float64],
    owner: NDArray[np.int64],
) -> tuple[Crystal, tuple[str, ...]] | None:
    """Return the crystal and what is doubtful of its occupancies, None where hydrogen and oxygen share a place."""
    symbols = [ISOTOPES.get(symbol, symbol) for symbol in atoms.symbols]
    hosts, owners = host.tolist(), owner.tolist()
    if atoms.occupancies is None and hosts == list(range(len(hosts))):
        n = len(places)
        return Crystal(lattice, tuple([symbols[i] for i in owners]), places, np.ones(n), np.arange(n)), ()
    occupants: dict[int, dict[str, float]] = {}
    for symbol, occupancy, i in zip(symbols, atoms.occupancies or [1.0] * len(symbols), hosts, strict=True):
        shared = occupants.setdefault(i, {})
        shared[symbol] = shared.get(symbol, 0.0) + occupancy
    if any(site.keys() == {"O", "H"} for site in occupants.values()):
        return None
    rescaled = [_scale(site) for site in occupants.values()]
    negativity = {i: _negativity(site) for i, site in occupants.items()}
    sorted_occupants = {i: sorted(site.items()) for i, site in occupants.items()}
    order = sorted(range(len(owners)), key=[negativity[i] for i in owners].__getitem__)
    rows = [(symbol, amount, k) for k, place in enumerate(order) for symbol, amount in sorted_occupants[owners[place]]]
    index = np.array([k for _, _, k in rows])
    crystal = Crystal(
        lattice,
        tuple([symbol for symbol, _, _ in rows]),
        places[order][index],
        np.array([amount for _, amount, _ in rows]),
        index,
    )
    return crystal, ("occupancy_rescaled",) if any(rescaled) else ()


def _scale(site: dict[str, float]) -> bool:
    """Scale occupancies that add up to slightly more than 1, in place; return whether they did."""
    total = sum(site.values())
    if total <= _FULL:
        return False
    if total > OCCUPANCY_TOLERANCE:
        raise BadStructureError(f"the occupancies of a site add up to {total:.4g}, more than 1")
    for symbol in site:
        site[symbol] /= total
    return True


def _negativity(site: dict[str, float]) -> float:
    """Return the mean electronegativity of a site's occupants."""
    rank = element_order()
    return sum(rank[symbol][0] * occupancy for symbol, occupancy in site.items()) / sum(site.values())


def _amounts(atoms: _Atoms, host: NDArray[np.int64], owner: NDArray[np.int64]) -> dict[str, float]:
    """Return how much of each element the cell holds."""
    copies = np.bincount(owner, minlength=len(host))[host].tolist()
    amounts: dict[str, float] = {}
    for symbol, n, occupancy in zip(atoms.symbols, copies, atoms.occupancies or [1.0] * len(copies), strict=True):
        amounts[symbol] = amounts.get(symbol, 0.0) + n * occupancy
    return amounts


def cell_holds(lattice: NDArray[np.float64], symmetry: Operations) -> tuple[str, ...]:
    """Return ``cell_contradicts_symmetry`` where the operations change the lattice, rows (3, 3), by more than 2 %."""
    if len(symmetry.rotations) == 1 or cell_fits(lattice @ lattice.T, symmetry.rotations, CELL_TOLERANCE):
        return ()
    return ("cell_contradicts_symmetry",)

"""The fast way through a CIF that lists every atom of its cell: no symmetry to expand, nothing to make out."""

from __future__ import annotations

import re
from collections import Counter

import gemmi
import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Lattice

from matsift.crystal import ELEMENT_SYMBOLS, Crystal

_PREFIX = "_atom_site_"
_COORDS = ("fract_x", "fract_y", "fract_z")
#: Columns of the atoms that say nothing more than element and place; any other is for pymatgen to judge.
_PLAIN = {"type_symbol", "label", "symmetry_multiplicity", "occupancy", *_COORDS}
_CELL = tuple(f"_cell_{name}" for name in ("length_a", "length_b", "length_c"))
_ANGLES = tuple(f"_cell_angle_{name}" for name in ("alpha", "beta", "gamma"))
_OPERATIONS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
_DOUBTFUL = ("_atom_type_oxidation_number", "_space_group_symop_magn_operation_xyz", "_atom_site_moment_label")
_FORMULA_PART = re.compile(r"([A-Z][a-z]?)(\d*\.?\d*)")
_KNOWN = frozenset(ELEMENT_SYMBOLS)

# What pymatgen's parser takes for a third of the cell, and for one place.
_THIRD_TOLERANCE = 1e-4
_PLACE_TOLERANCE = 1e-4
_RATIO_TOLERANCE = 1e-8


def explicit_crystal(block: gemmi.cif.Block) -> Crystal | None:
    """Return the crystal of a block in P 1 with plain, fully occupied atoms at places of their own.

    It is the crystal that pymatgen makes of the block, but for the order of the sites, which is that of the file.

    Returns
    -------
    Crystal or None
        None where anything in the block asks for more than reading it: symmetry, shared or partly occupied sites,
        isotopes, hydrogens without coordinates, a formula that does not agree, a number that is none.
    """
    if not _lists_every_atom(block) or any(block.find_values(tag) for tag in _DOUBTFUL):
        return None
    atoms = _atoms(block)
    cell = _numbers([block.find_value(tag) or "?" for tag in (*_CELL, *_ANGLES)])
    if atoms is None or not np.isfinite(cell).all() or not (cell > 0).all():
        return None
    symbols, coords = atoms
    if not _formula_agrees(block, symbols) or _share_places(coords):
        return None
    crystal = Crystal.ordered(Lattice.from_parameters(*cell.tolist()).matrix, symbols, coords % 1.0)
    crystal.check()
    return crystal


def _atoms(block: gemmi.cif.Block) -> tuple[list[str], NDArray[np.float64]] | None:
    """Return symbols and coordinates (n, 3) of fully occupied atoms of plain elements, None if they are not that."""
    loop = block.find_loop(f"{_PREFIX}fract_x").get_loop()
    columns = {} if loop is None else {tag.removeprefix(_PREFIX): i for i, tag in enumerate(loop.tags)}
    if not {"type_symbol", *_COORDS} <= columns.keys() <= _PLAIN:
        return None
    cells = {name: loop.values[i :: loop.width()] for name, i in columns.items()}
    occupancies = _numbers(cells.get("occupancy", ["1"]))
    coords = np.column_stack([_numbers(cells[name]) for name in _COORDS])
    if not (_KNOWN.issuperset(cells["type_symbol"]) and np.isfinite(coords).all() and (occupancies == 1).all()):
        return None
    return cells["type_symbol"], _exact_thirds(coords)


def _lists_every_atom(block: gemmi.cif.Block) -> bool:
    stated = [list(block.find_values(tag)) for tag in _OPERATIONS]
    operations = [operation for column in stated for operation in column]
    return len(operations) == 1 and gemmi.cif.as_string(operations[0]).replace(" ", "").lower() == "x,y,z"


def _formula_agrees(block: gemmi.cif.Block, symbols: list[str]) -> bool:
    """Return whether the formula of the block is a multiple of what its atoms add up to."""
    formula = gemmi.cif.as_string(block.find_value("_chemical_formula_sum") or "")
    parts = [_FORMULA_PART.fullmatch(part) for part in formula.split()]
    found = Counter(symbols)
    stated = {part[1]: float(part[2] or 1) for part in parts if part is not None}
    if None in parts or stated.keys() != found.keys() or len(stated) != len(parts) or not all(stated.values()):
        return False
    ratios = [found[symbol] / amount for symbol, amount in stated.items()]
    return max(ratios) - min(ratios) < _RATIO_TOLERANCE


def _numbers(texts: list[str]) -> NDArray[np.float64]:
    """Return (n,) numbers, NaN for what is none; an uncertainty in brackets is dropped."""
    return np.array([gemmi.cif.as_number(text) for text in texts], dtype=np.float64)


def _exact_thirds(coords: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the coordinates with 0.3333 and 0.6667 as the fractions that they stand for."""
    for third in (1 / 3, 2 / 3):
        coords = np.where(np.abs(coords / third - 1) <= _THIRD_TOLERANCE, third, coords)
    return coords


def _share_places(coords: NDArray[np.float64]) -> bool:
    apart = coords[:, None, :] - coords[None, :, :]
    near = (np.abs(apart - np.round(apart)) < _PLACE_TOLERANCE).all(axis=2)
    return bool(near.sum() > len(coords))

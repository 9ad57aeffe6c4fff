"""The symmetry operations of a CIF block, read once for each list of operations and each symbol."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from matsift.errors import BadStructureError
from matsift_adapters.sources.cif_group import GRID, is_group

_LISTS = ("_symmetry_equiv_pos_as_xyz", "_space_group_symop_operation_xyz")
_RARE_LISTS = ("_symmetry_equiv_pos_as_xyz_", "_space_group_symop_operation_xyz_")
#: Where pymatgen looks for a symbol or a number, in its order, when no operations are listed.
_SYMBOLS = (
    "_symmetry_space_group_name_H-M",
    "_symmetry_space_group_name_H_M",
    "_symmetry_space_group_name_H-M_",
    "_symmetry_space_group_name_H_M_",
    "_space_group_name_Hall",
    "_space_group_name_Hall_",
    "_space_group_name_H-M_alt",
    "_space_group_name_H-M_alt_",
    "_symmetry_space_group_name_hall",
    "_symmetry_space_group_name_hall_",
    "_symmetry_space_group_name_h-m",
    "_symmetry_space_group_name_h-m_",
)
_NUMBERS = (
    "_space_group_IT_number",
    "_space_group_IT_number_",
    "_symmetry_Int_Tables_number",
    "_symmetry_Int_Tables_number_",
)
_OPEN = frozenset({"?", "."})
_NO_SYMMETRY = "Defaulting to P1"
_SAME = 1e-9
#: No operation is written in more characters; pymatgen's expressions take hours over thousands of digits.
_LONGEST = 200
_SUM = re.compile(r"[+-]?(?:[xyz]|\d/\d)(?:[+-](?:[xyz]|\d/\d))*")


@dataclass(frozen=True, eq=False)
class Operations:
    """Symmetry operations, rotations (m, 3, 3) and translations (m, 3) in parts of the cell, and what is doubtful."""

    rotations: NDArray[np.float64]
    translations: NDArray[np.float64]
    holds: tuple[str, ...] = ()


def operations(block: gemmi.cif.Block) -> Operations | None:
    """Return the operations that pymatgen's parser takes from a block, None where they are for it to judge.

    Holds: ``symmetry_assumed_p1`` (the block says nothing of symmetry), ``setting_assumed`` (it gives a symbol or a
    number that several settings or origins share, and no operations), ``symmetry_incomplete`` (the operations are no
    group), ``symmetry_contradicts_itself`` (two lists that differ).
    """
    listed = _listed(block)
    if not listed:
        return _from_symbol(tuple(_stated(block, _SYMBOLS)), tuple(_stated(block, _NUMBERS)))
    found = _from_list(tuple(listed[0]))
    if len(listed) > 1 and found is not None and any(tuple(c) != tuple(listed[0]) for c in listed[1:]):
        others = [_from_list(tuple(column)) for column in listed[1:]]
        if any(other is None or not _same_operations(found, other) for other in others):
            return Operations(found.rotations, found.translations, (*found.holds, "symmetry_contradicts_itself"))
    return found


def check_operations(block: gemmi.cif.Block) -> None:
    """Raise BadStructureError where what stands for an operation is none, of which pymatgen would make something."""
    from pymatgen.core.operations import SymmOp  # noqa: PLC0415  pymatgen takes a second to import

    for text in (gemmi.cif.as_string(text) for column in _listed(block) for text in column):
        if len(text) > _LONGEST:
            raise BadStructureError(f"{text[:30]!r}... is no symmetry operation")
        try:
            size = abs(np.linalg.det(SymmOp.from_xyz_str(text).rotation_matrix))
        except (ValueError, ZeroDivisionError, IndexError):
            size = 0.0
        if abs(size - 1) > _SAME:
            raise BadStructureError(f"{text!r} is no symmetry operation")


def _listed(block: gemmi.cif.Block) -> list[gemmi.cif.Column]:
    """Return the lists of operations; one that holds but a question mark is none."""
    found = [column for tag in _LISTS if (column := block.find_values(tag)) and column[0] not in _OPEN]
    if found:
        return found
    return [column for tag in _RARE_LISTS if (column := block.find_values(tag)) and column[0] not in _OPEN]


@lru_cache(maxsize=2048)
def _from_list(texts: tuple[str, ...]) -> Operations | None:
    read = [_operation(text) for text in texts]
    if None in read:
        return None
    rows = np.array(read, dtype=np.float64)
    whole = np.rint(rows * GRID).astype(np.int64)
    turns, shifts = np.ascontiguousarray(whole[:, :9] // GRID).reshape(-1, 3, 3), np.ascontiguousarray(whole[:, 9:])
    holds = () if is_group(turns, shifts) else ("symmetry_incomplete",)
    return Operations(np.ascontiguousarray(rows[:, :9]).reshape(-1, 3, 3), np.ascontiguousarray(rows[:, 9:]), holds)


@lru_cache(maxsize=32768)
def _operation(text: str) -> tuple[float, ...] | None:
    """Return nine numbers of rotation and three of translation, None where gemmi and pymatgen read differently."""
    plain = "".join(gemmi.cif.as_string(text).lower().split())
    if len(plain) > _LONGEST:
        return None
    try:
        op = gemmi.Op(plain)
    except (ValueError, RuntimeError):
        return None
    rotation = [value / GRID for row in op.rot for value in row]
    found = (*rotation, *[value / GRID for value in op.tran])
    is_rotation = abs(op.det_rot()) == GRID**3
    return found if is_rotation and (_is_plain(plain) or _pymatgen_reads(plain, found)) else None


def _is_plain(text: str) -> bool:
    """Return whether nobody can misread an operation: three sums of axes, each once at most, and of one fraction."""
    tokens = text.split(",")
    return len(tokens) == 3 and all(
        _SUM.fullmatch(token) and token.count("/") <= 1 and all(token.count(axis) <= 1 for axis in "xyz")
        for token in tokens
    )


def _pymatgen_reads(text: str, expected: tuple[float, ...]) -> bool:
    from pymatgen.core.operations import SymmOp  # noqa: PLC0415  pymatgen takes a second to import

    try:
        matrix = SymmOp.from_xyz_str(text).affine_matrix
    except (ValueError, ZeroDivisionError, IndexError):
        return False
    read = np.concatenate([matrix[:3, :3].ravel(), matrix[:3, 3]])
    return bool((np.abs(read - expected) < _SAME).all())


@lru_cache(maxsize=2048)
def _from_symbol(symbols: tuple[tuple[str, str], ...], numbers: tuple[tuple[str, str], ...]) -> Operations | None:
    """Return what pymatgen's tables give for a symbol or number."""
    from pymatgen.io.cif import CifBlock, CifParser  # noqa: PLC0415  pymatgen takes a second to import

    parser: Any = CifParser.__new__(CifParser)
    parser.warnings = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = parser.get_symops(CifBlock(dict((*symbols, *numbers)), [], ""))
        except Exception:  # noqa: BLE001  whatever its tables raise, the parser itself is to tell it
            return None
    matrices = np.array([op.affine_matrix for op in found])
    assumed_p1 = any(_NO_SYMMETRY in said for said in parser.warnings)
    holds: tuple[str, ...] = ("symmetry_assumed_p1",) if assumed_p1 else ()
    result = Operations(np.ascontiguousarray(matrices[:, :3, :3]), np.ascontiguousarray(matrices[:, :3, 3]))
    if not assumed_p1 and _setting_is_open(result, symbols, numbers):
        holds = ("setting_assumed",)
    return Operations(result.rotations, result.translations, holds)


def _setting_is_open(
    taken: Operations, symbols: tuple[tuple[str, str], ...], numbers: tuple[tuple[str, str], ...]
) -> bool:
    """Return whether a symbol or number stands for several settings, of which a Hall symbol does not name the one."""
    halls = [value for tag, value in symbols if "hall" in tag.lower()]
    for hall in halls:
        try:
            group = gemmi.symops_from_hall(hall)
        except (ValueError, RuntimeError):
            continue
        rows = np.array([[*np.ravel(op.rot), *op.tran] for op in group], dtype=np.float64) / GRID
        return not _same_operations(taken, Operations(rows[:, :9].reshape(-1, 3, 3), rows[:, 9:]))
    names = {"".join(value.split()) for tag, value in symbols if "hall" not in tag.lower()}
    table = [group for group in gemmi.spacegroup_table() if group.ext != "R"]
    matching = [group for group in table if group.hm.replace(" ", "") in names or group.short_name() in names]
    if matching:
        return len(matching) > 1
    stated = {value.split("(")[0].strip() for _, value in numbers}
    return sum(str(group.number) in stated for group in table) != 1


def _same_operations(one: Operations, other: Operations) -> bool:
    return _as_set(one) == _as_set(other)


def _as_set(taken: Operations) -> set[tuple[int, ...]]:
    turns = np.rint(taken.rotations.reshape(-1, 9)).astype(int)
    shifts = np.rint(taken.translations * GRID).astype(int) % GRID
    return {tuple(row) for row in np.hstack([turns, shifts]).tolist()}


def _stated(block: gemmi.cif.Block, tags: tuple[str, ...]) -> list[tuple[str, str]]:
    found = ((tag, block.find_value(tag)) for tag in tags)
    return [(tag, gemmi.cif.as_string(value)) for tag, value in found if value]

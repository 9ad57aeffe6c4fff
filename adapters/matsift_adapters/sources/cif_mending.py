"""What a CIF leaves open and its dictionary answers: occupancies that are not given, atoms that are none."""

from __future__ import annotations

import re

import gemmi

from matsift.crystal import LONGEST_ANGSTROM
from matsift.errors import BadStructureError

_OPEN = frozenset({".", "?"})

_ANGLES = ("alpha", "beta", "gamma")

#: Tags as pymatgen's parser, which tells capitals apart, expects them.
_EXPECTED = {
    tag.lower(): tag
    for tag in (
        *(f"_cell_length_{axis}" for axis in "abc"),
        *(f"_cell_angle_{angle}" for angle in _ANGLES),
        *(f"_atom_site_{name}" for name in ("label", "type_symbol", "occupancy", "attached_hydrogens")),
        *(f"_atom_site_fract_{axis}" for axis in "xyz"),
        "_chemical_formula_sum",
        "_symmetry_equiv_pos_as_xyz",
        "_space_group_symop_operation_xyz",
        "_symmetry_space_group_name_H-M",
        "_space_group_name_H-M_alt",
        "_space_group_IT_number",
        "_symmetry_Int_Tables_number",
        "_symmetry_cell_setting",
        "_space_group_crystal_system",
    )
}
_TAG = re.compile(r"^_\S+", flags=re.MULTILINE)


def check_cell(block: gemmi.cif.Block) -> None:
    """Raise BadStructureError where the lengths of a cell are not given, or a length or an angle is none of a cell.

    Pymatgen makes a cell of lengths below 0 and angles beyond 180 degrees, and another one than was meant.
    """
    lengths = [block.find_value(f"_cell_length_{axis}") or "?" for axis in "abc"]
    if not _OPEN.isdisjoint(lengths):
        raise BadStructureError("the cell lengths are missing")
    for value in map(gemmi.cif.as_number, lengths):
        if value <= 0 or value > LONGEST_ANGSTROM:
            raise BadStructureError(f"a cell length is {value:g} angstrom")
    for value in (gemmi.cif.as_number(block.find_value(f"_cell_angle_{angle}") or "?") for angle in _ANGLES):
        if value <= 0 or value >= 180:
            raise BadStructureError(f"a cell angle is {value:g} degrees")


def mend(block: gemmi.cif.Block) -> tuple[str, ...]:
    """Write into a block what it leaves open; return the holds that say so.

    Holds: ``occupancy_assumed`` (an occupancy is ``.`` or ``?`` and taken for 1, as the CIF dictionary has it),
    ``dummy_atoms_left_out`` (atoms marked ``dum`` are sites for drawing, with coordinates of no meaning).
    """
    holds = []
    occupancies = block.find_loop("_atom_site_occupancy")
    unknown = [i for i, text in enumerate(occupancies) if text in _OPEN]
    for i in unknown:
        occupancies[i] = "1"
    if unknown:
        holds.append("occupancy_assumed")
    flags = list(block.find_loop("_atom_site_calc_flag"))
    if "dum" in flags:
        table = block.find(["_atom_site_calc_flag"])
        for i in reversed([i for i, flag in enumerate(flags) if flag == "dum"]):
            table.remove_row(i)
        holds.append("dummy_atoms_left_out")
    return tuple(holds)


def text_for_pymatgen(block: gemmi.cif.Block) -> str:
    """Return a block as text, its tags in the capitals that pymatgen's parser expects."""
    return _TAG.sub(lambda match: _EXPECTED.get(match[0].lower(), match[0]), block.as_string())

"""CIFs as COD keeps them: its header, its number, its tags; and copies of its tree."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tests.factories.structure_files import ROCK_SALT_SYMMETRY

#: Well before now, so that the time stamp of a file counts.
LONG_AGO = 1_700_000_000


def cod_cif(
    number: str | int,
    a: float = 5.64,
    *,
    revision: int = 291735,
    formula: str = "Cl Na",
    tags: str = "",
    atoms: str = "Na1 Na1+ 0 0 0 1\nCl1 Cl1- 0.5 0.5 0.5 1\n",
) -> str:
    """Return the CIF of a rock salt, lattice constant in angstrom, as COD writes it."""
    return f"""\
#------------------------------------------------------------------------------
#$Date: 2024-05-06 10:39:41 +0300 (Mon, 06 May 2024) $
#$Revision: {revision} $
#$URL: file:///home/coder/svn-repositories/cod/cif/{tree_path(str(number))} $
#------------------------------------------------------------------------------
#
# This file is available in the Crystallography Open Database (COD),
# http://www.crystallography.net/
#
data_{number}
loop_
_publ_author_name
'Wyckoff, R. W. G.'
'Bragg, W. L.'
_publ_section_title
;
 Second edition. Interscience Publishers, New York, New York
;
_journal_name_full               'Crystal Structures'
_journal_paper_doi               10.1000/{number}
_journal_year                    1963
_chemical_formula_sum            '{formula}'
_symmetry_space_group_name_H-M   'F 1'
_cell_angle_alpha                90
_cell_angle_beta                 90
_cell_angle_gamma                90
_cell_length_a                   {a}
_cell_length_b                   {a}
_cell_length_c                   {a}
_diffrn_ambient_temperature      293(2)
_cod_original_formula_sum        'Na Cl'
_cod_database_code               {number}
{tags}{ROCK_SALT_SYMMETRY}loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
{atoms}"""


def tree_path(number: str) -> str:
    """Return where COD's tree keeps an entry."""
    return f"{number[0]}/{number[1:3]}/{number[3:5]}/{number}.cif"


def write_tree(folder: Path, cifs: Mapping[str, str], *, mtime: int | None = LONG_AGO) -> Path:
    """Write CIFs by their numbers as COD's tree keeps them; return the folder."""
    for number, text in cifs.items():
        path = folder / tree_path(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        if mtime is not None:
            os.utime(path, (mtime, mtime))
    return folder

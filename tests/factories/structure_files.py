"""Rock salt as a crystal and as a CIF, and archives of files."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from matsift.crystal import Crystal

_FACES = [[0.0, 0.0, 0.0], [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]


def rock_salt(a: float = 5.64, cation: str = "Na", anion: str = "Cl") -> Crystal:
    """Return the conventional cell of a rock salt, 8 sites, lattice constant in angstrom."""
    coords = np.array(_FACES + [[x + 0.5, y, z] for x, y, z in _FACES]) % 1.0
    return Crystal.ordered(np.eye(3) * a, [cation] * 4 + [anion] * 4, coords)


ROCK_SALT_SYMMETRY = """\
loop_
_symmetry_equiv_pos_as_xyz
x,y,z
x,y+1/2,z+1/2
x+1/2,y,z+1/2
x+1/2,y+1/2,z
"""

#: The conventional cell: 4 translations, so that no parser spends its time on the 192 operations of Fm-3m.
ROCK_SALT_CIF = f"""\
data_NaCl
_cell_length_a 5.64
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_chemical_formula_sum 'Cl Na'
{ROCK_SALT_SYMMETRY}loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Na1 Na1+ 0 0 0 1
Cl1 Cl1- 0.5 0.5 0.5 1
"""


def write_tar(path: Path, members: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    """Write a tar archive and return its path."""
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]  # the mode is a plain str here
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def write_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    """Write a zip archive and return its path."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path

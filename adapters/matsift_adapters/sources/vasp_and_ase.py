"""POSCAR through pymatgen, and the formats that ASE reads."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from pymatgen.io.vasp import Poscar

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift_adapters.sources.cif_fallback import from_structure
from matsift_adapters.sources.parsed import Parsed, unreadable
from matsift_adapters.sources.values import as_json

if TYPE_CHECKING:
    from ase import Atoms


# ASE makes a list of as many columns as a property announces, and reads none of them before.
_WIDE = re.compile(rb":[A-Za-z]:[0-9]{5}")


def from_poscar(text: str) -> Crystal:
    """Return the crystal of a POSCAR or CONTCAR.

    Raises
    ------
    BadStructureError
        If it is malformed, or names no elements (pymatgen would call them H, He, Li ...).
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            structure = Poscar.from_str(text, read_velocities=False).structure
        except Exception as error:  # pymatgen's parser raises anything from IndexError to its own warning class
            told = " ".join(str(error).split()) or type(error).__name__
            raise BadStructureError(f"it is not a POSCAR ({told})") from error
    if any("cannot be determined" in str(w.message) for w in caught):
        raise BadStructureError("the POSCAR names no elements; write them above the line of counts, as VASP 5 does")
    return from_structure(structure)


def to_poscar(crystal: Crystal) -> str:
    """Return the POSCAR of an ordered crystal."""
    return str(Poscar(crystal.to_pymatgen(), sort_structure=True).get_str(significant_figures=12))


def from_ase_file(content: bytes, file_format: str, id_key: str | None) -> list[Parsed]:
    """Return the structures, one a frame, of a file that ASE reads.

    Raises
    ------
    BadStructureError
        If the file is malformed or holds no frame.
    """
    from ase.io import read  # noqa: PLC0415  most sources need no ASE

    if file_format == "extxyz":
        _check_extxyz(content)
    stream: Any = io.BytesIO(content) if file_format == "traj" else io.StringIO(content.decode("utf-8", "replace"))
    try:
        frames = read(stream, index=":", format=file_format)
    except Exception as error:  # ASE's readers raise anything
        told = " ".join(str(error).split()) or type(error).__name__
        raise BadStructureError(f"it cannot be read as {file_format} ({told})") from error
    if not frames:
        raise BadStructureError("it holds no structure")
    return [_frame(atoms, "" if len(frames) == 1 else str(i), id_key) for i, atoms in enumerate(frames)]


def from_atoms(atoms: Atoms) -> Crystal:
    """Return the crystal of ASE atoms.

    Raises
    ------
    BadStructureError
        If they are not periodic in three directions, or not a crystal.
    """
    if atoms.cell.rank < 3 or not atoms.pbc.all():
        raise BadStructureError("it is not periodic in three directions, so it is no crystal")
    try:
        coords = atoms.cell.scaled_positions(atoms.positions)
        crystal = Crystal.ordered(atoms.cell.array, list(atoms.symbols), coords)
    except (ValueError, IndexError, np.linalg.LinAlgError) as error:  # no such element, or a cell that is nearly flat
        raise BadStructureError(f"it is no crystal ({' '.join(str(error).split())[:100]})") from error
    crystal.check()
    return crystal


def to_atoms(crystal: Crystal) -> Atoms:
    """Return the ASE atoms of an ordered crystal."""
    from ase import Atoms  # noqa: PLC0415  most sources need no ASE

    return Atoms(crystal.species, cell=crystal.lattice, scaled_positions=crystal.frac_coords, pbc=True)


def _check_extxyz(content: bytes) -> None:
    """Refuse an extended XYZ that announces what it does not hold: ASE reads on beyond the end of the file."""
    if _WIDE.search(content):
        raise BadStructureError("a property of it has more than 9,999 columns")
    lines = content.decode("utf-8", "replace").split("\n")
    place = 0
    while place < len(lines) and lines[place].strip():
        try:
            n_atom = int(lines[place])
        except ValueError:
            return  # ASE says so
        if n_atom > len(lines):
            told = f"a frame announces {n_atom} atoms, and all of it has {len(lines)} lines"
            raise BadStructureError(f"it cannot be read as extxyz ({told})")
        place += max(n_atom, 0) + 2
        while place < len(lines) and lines[place].lstrip().startswith("VEC"):
            place += 1


def _frame(atoms: Atoms, block: str, id_key: str | None) -> Parsed:
    stated = atoms.info.get(id_key) if id_key else None
    try:
        crystal = from_atoms(atoms)
    except BadStructureError as error:
        return unreadable(error, block=block)
    info = {"info": as_json(dict(atoms.info))} if atoms.info else {}
    return Parsed(block, crystal, None if stated is None else str(stated), info=info)

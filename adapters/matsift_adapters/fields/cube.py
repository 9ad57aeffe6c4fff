"""Densities in Gaussian cube files, by ASE: values a cubic bohr, a grid that need not begin at the origin."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from matsift.crystal import Crystal
from matsift.density.grid import DensityGrid
from matsift.errors import BadStructureError, FieldError, UserInputError
from matsift_adapters.fields.read_field import ReadField, check_points, checked_density, checked_elf, told
from matsift_adapters.sources.compressed import DAMAGE, open_binary

METHOD = "cube"

_HEAD_LINES, _HEAD_COUNTS = 6, slice(2, 6)
_MOST_POINTS = 1 << 25  # ASE takes 60 bytes for each
_HEAD, _LONGEST_NUMBER = 1 << 22, 40


def read_cube(path: Path, *, kind: str | None = None, electrons: str | None = None, method: str = METHOD) -> ReadField:
    """Return the density of a cube file, e/bohr3 turned into e/angstrom3, or an electron localisation function.

    Parameters
    ----------
    path
        The file, perhaps compressed.
    kind
        ``dft_charge`` (also where nothing is said) or ``elf``; the file does not say it.
    electrons
        ``all`` or ``valence``; None finds out by the integral.
    method
        How it was made.

    Raises
    ------
    SourceError
        If there is no such file.
    FieldError
        If it is no cube file, is cut off, holds orbitals, or its density is not of the electrons of its atoms.
    """
    from ase.units import Bohr  # noqa: PLC0415  most sources need no ASE

    read = _read(path)
    crystal, values = _crystal(path, read), np.asarray(read["data"], dtype=np.float64)
    if kind == "elf":
        return checked_elf(path.name, crystal, method, DensityGrid(values, crystal.lattice))
    grid = DensityGrid(values / Bohr**3, crystal.lattice)
    return checked_density(path.name, crystal, method, grid, electrons=electrons)


def write_cube(path: Path, crystal: Crystal, grid: DensityGrid, *, is_density: bool = True) -> None:
    """Write a grid to a cube file, a density in e/bohr3; the atoms stand in the grid's cell.

    Raises
    ------
    UserInputError
        If the crystal is disordered, or the file cannot be written.
    """
    from ase import Atoms  # noqa: PLC0415  most sources need no ASE
    from ase.io.cube import write_cube as ase_write  # noqa: PLC0415
    from ase.units import Bohr  # noqa: PLC0415

    if not crystal.is_ordered:
        raise UserInputError("a cube file holds no shared sites; this crystal is disordered")
    atoms = Atoms(crystal.species, cell=grid.cell, scaled_positions=crystal.frac_coords, pbc=True)
    values = grid.values * Bohr**3 if is_density else grid.values
    try:
        with path.open("w", encoding="ascii") as stream:
            ase_write(stream, atoms, values, comment="matsift density, e/bohr3" if is_density else "matsift elf")
    except OSError as error:
        raise UserInputError(f"{path} cannot be written ({error.strerror}); name another file") from error


def _read(path: Path) -> dict[str, Any]:
    from ase.io.cube import read_cube as ase_read  # noqa: PLC0415  most sources need no ASE

    try:
        with open_binary(path) as stream:
            head = stream.read(_HEAD)
            n_point = _checked_points(path, head.decode("utf-8", "replace"))
            text = (head + stream.read(_HEAD + _LONGEST_NUMBER * n_point)).decode("utf-8", "replace")
    except DAMAGE as error:
        raise FieldError(f"{path.name}: it cannot be decompressed ({error}); copy it anew") from error
    try:
        read: dict[str, Any] = ase_read(io.StringIO(text))
    except Exception as error:  # ASE's readers raise anything
        said = f"it is no cube file, or cut off ({told(error)})"
        raise FieldError(f"{path.name}: {said}; copy or compute it anew") from error
    return read


def _checked_points(path: Path, head: str) -> int:
    """Return how many points the grid has, of a file with one value at each: ASE seeks labels beyond the end."""
    try:
        atoms, *counts = (line.split() for line in head.split("\n", _HEAD_LINES)[_HEAD_COUNTS])
        n_atom, n_value = int(atoms[0]), int(atoms[4]) if len(atoms) > 4 else 1
        n_a, n_b, n_c = (abs(int(words[0])) for words in counts)
    except (ValueError, IndexError) as error:
        raise FieldError(f"{path.name}: it is no cube file: lines 3 to 6 do not count atoms and points") from error
    if n_atom < 0 or n_value != 1:
        raise FieldError(f"{path.name}: it holds orbitals, not a density; write the density into a file of its own")
    check_points(path.name, (n_a, n_b, n_c), _MOST_POINTS)
    return n_a * n_b * n_c


def _crystal(path: Path, read: dict[str, Any]) -> Crystal:
    """Return the crystal with the first point of the grid as origin."""
    atoms = read["atoms"]
    if atoms.cell.rank < 3:
        raise FieldError(f"{path.name}: its cell is flat")
    try:
        coords = atoms.cell.scaled_positions(atoms.positions - read["origin"]) % 1.0
        crystal = Crystal.ordered(atoms.cell.array, list(atoms.symbols), coords)
        crystal.check()
    except (BadStructureError, ValueError, IndexError, np.linalg.LinAlgError) as error:  # or no such element
        raise FieldError(f"{path.name}: its atoms and cell are no crystal ({told(error)})") from error
    return crystal

"""Files of fields, written by pymatgen and ASE."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ase.io.cube import write_cube
from ase.units import Bohr
from numpy.typing import NDArray
from pymatgen.io.vasp import Chgcar, Poscar

from matsift.crystal import Crystal
from matsift_adapters.sources.vasp_and_ase import to_atoms

SHAPE = (6, 5, 4)


def density(crystal: Crystal, n_electron: float, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.float64]:
    """Return a density of so many electrons that no two axes or points share, e/angstrom3."""
    values = np.random.default_rng(1).uniform(0.5, 1.5, shape)
    return np.asarray(values * n_electron / (values.mean() * crystal.volume), dtype=np.float64)


def write_chgcar(path: Path, crystal: Crystal, *blocks: NDArray[np.float64]) -> Path:
    """Return the path of a CHGCAR with these densities: one, or total and spin, or total and three of spin."""
    names = ("total", "diff", "diff_y", "diff_z") if len(blocks) < 4 else ("total", "diff_x", "diff_y", "diff_z")
    data: dict[str, Any] = {name: block * crystal.volume for name, block in zip(names, blocks, strict=False)}
    if len(blocks) == 4:
        data["diff"] = data["diff_x"]
    Chgcar(Poscar(crystal.to_pymatgen()), data).write_file(path)
    return path


def write_elfcar(path: Path, crystal: Crystal, *blocks: NDArray[np.float64]) -> Path:
    """Return the path of an ELFCAR of one or two spins."""
    return write_chgcar(path, crystal, *(block / crystal.volume for block in blocks))


def write_density_cube(
    path: Path, crystal: Crystal, values: NDArray[np.float64], origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Path:
    """Return the path of a cube file of a density in e/angstrom3, its grid beginning at the origin, angstrom."""
    with path.open("w", encoding="ascii") as stream:
        write_cube(stream, to_atoms(crystal), values * Bohr**3, origin=origin)
    return path

"""CHGCAR, AECCAR0 with AECCAR2, and ELFCAR of VASP, by pymatgen.

VASP writes densities times the volume of the cell, the first axis fastest; the electron localisation function as it is.
"""

from __future__ import annotations

import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.density.grid import DensityGrid
from matsift.errors import BadStructureError, FieldError
from matsift_adapters.fields.read_field import (
    ReadField,
    check_points,
    check_unpacked,
    checked_density,
    checked_elf,
    told,
)
from matsift_adapters.sources.compressed import DAMAGE, open_binary
from matsift_adapters.sources.vasp_and_ase import from_poscar

CHGCAR, AECCAR, AECCAR2, ELFCAR = "vasp-chgcar", "vasp-aeccar", "vasp-aeccar2", "vasp-elfcar"

_HEAD = 1 << 22
_COUNTS = re.compile(r"\s*[0-9]{1,9}\s+[0-9]{1,9}\s+[0-9]{1,9}\s*")
# What a number takes at most, and what the augmentation occupancies of an atom do: VASP's own take half of either.
_NUMBER_BYTES, _ATOM_BYTES = 40, 1 << 17
_SPINS_DIFFER = 0.01
_NODES = 0.02  # of valence orbitals near the nuclei, which a grid does not sum exactly: 8.013 electrons of Si2
_COLLINEAR, _NONCOLLINEAR = 2, 4


@dataclass(frozen=True, eq=False)
class VaspGrids:
    """The blocks of one file, as VASP wrote them.

    Parameters
    ----------
    crystal
        The crystal of the header.
    blocks
        Each (a, b, c): one, two with spin, four with non-collinear spin.
    """

    crystal: Crystal
    blocks: tuple[NDArray[np.float64], ...]

    def density(self) -> DensityGrid:
        """Return the first block, divided by the volume."""
        return DensityGrid(self.blocks[0] / self.crystal.volume, self.crystal.lattice)

    def n_unpaired(self) -> float | None:
        """Return the integral of the spin density: with sign, or of a non-collinear one its length; None without."""
        if len(self.blocks) == _COLLINEAR:
            return float(self.blocks[1].mean())
        if len(self.blocks) == _NONCOLLINEAR:
            return float(np.linalg.norm([block.mean() for block in self.blocks[1:]]))
        return None


def read_chgcar(path: Path, method: str = CHGCAR) -> ReadField:
    """Return the valence density of a CHGCAR, checked against the electrons that its atoms can have.

    Raises
    ------
    SourceError
        If there is no such file.
    FieldError
        If it is none, cut off, or its density is not of the electrons of its atoms.
    """
    found = read_vasp_grids(path)
    return checked_density(
        path.name, found.crystal, method, found.density(), electrons="valence", n_unpaired=found.n_unpaired()
    )


def read_aeccar(valence: Path, core: Path | None = None, method: str | None = None) -> ReadField:
    """Return the density of all electrons, AECCAR2 plus AECCAR0; without AECCAR0 that of the valence electrons.

    Raises
    ------
    SourceError, FieldError
        As `read_chgcar`; if the two are of different crystals or grids.
    """
    found = read_vasp_grids(valence)
    unpaired = found.n_unpaired()
    if core is None:
        return checked_density(
            valence.name,
            found.crystal,
            method or AECCAR2,
            found.density(),
            electrons="valence",
            n_unpaired=unpaired,
            notes=("without AECCAR0 beside it this is the density of the valence electrons alone",),
            tolerance=_NODES,
        )
    other = read_vasp_grids(core)
    if other.crystal.content_hash != found.crystal.content_hash or other.blocks[0].shape != found.blocks[0].shape:
        raise FieldError(
            f"{core.name} and {valence.name} are of different crystals or grids; keep each run in a folder"
        )
    grid = DensityGrid((found.blocks[0] + other.blocks[0]) / found.crystal.volume, found.crystal.lattice)
    return checked_density(
        f"{core.name} + {valence.name}",
        found.crystal,
        method or AECCAR,
        grid,
        electrons="all",
        n_unpaired=unpaired,
    )


def read_elfcar(path: Path, method: str = ELFCAR) -> ReadField:
    """Return the electron localisation function of an ELFCAR; of one with spin the mean of both.

    Raises
    ------
    SourceError
        If there is no such file.
    FieldError
        If it is none, or cut off.
    """
    found = read_vasp_grids(path)
    values, notes = found.blocks[0], tuple[str, ...]()
    if len(found.blocks) == _COLLINEAR:
        values = (found.blocks[0] + found.blocks[1]) / 2
        if (differ := float(np.abs(found.blocks[0] - found.blocks[1]).max())) > _SPINS_DIFFER:
            notes = (f"the functions of the two spins differ by up to {differ:.2f}; this is their mean",)
    return checked_elf(path.name, found.crystal, method, DensityGrid(values, found.crystal.lattice), notes)


def read_vasp_grids(path: Path) -> VaspGrids:
    """Return the crystal and all blocks of a file, as they are written.

    Raises
    ------
    SourceError
        If there is no such file.
    FieldError
        If it has no header of VASP, or is cut off.
    """
    head = _head(path)
    crystal = _crystal(path, head)
    n_point = math.prod(int(n) for n in head[-1].split())
    check_unpacked(path, _HEAD + _NONCOLLINEAR * (_NUMBER_BYTES * n_point + _ATOM_BYTES * crystal.n_site))
    blocks = _blocks(path)
    if any(block.shape != blocks[0].shape for block in blocks) or len(blocks) not in (1, _COLLINEAR, _NONCOLLINEAR):
        raise FieldError(f"{path.name}: its {len(blocks)} blocks are not those of one density; write the file anew")
    return VaspGrids(crystal, tuple(blocks))


def _head(path: Path) -> list[str]:
    """Return the lines up to the one that counts the points, which is among them; they are checked."""
    try:
        with open_binary(path) as stream:
            text = stream.read(_HEAD).decode("utf-8", "replace")
    except DAMAGE as error:
        raise FieldError(f"{path.name}: it cannot be decompressed ({error}); copy it anew") from error
    lines = text.split("\n")
    blank = next((i for i, line in enumerate(lines) if i > 0 and not line.strip()), None)
    if blank is None or blank + 1 >= len(lines) or not _COUNTS.fullmatch(lines[blank + 1]):
        raise FieldError(f"{path.name}: it is no CHGCAR: no blank line and counts of points follow on a structure")
    check_points(path.name, tuple(int(n) for n in lines[blank + 1].split()))
    return lines[: blank + 2]


def _crystal(path: Path, head: list[str]) -> Crystal:
    try:
        return from_poscar("\n".join(head[:-2]) + "\n")
    except BadStructureError as error:
        raise FieldError(f"{path.name}: {told(error)}") from error


def _blocks(path: Path) -> list[NDArray[np.float64]]:
    from pymatgen.io.vasp.outputs import VolumetricData  # noqa: PLC0415  takes a second to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, data, _ = VolumetricData.parse_file(str(path))
    except Exception as error:  # pymatgen's parser raises anything from IndexError to EOFError
        raise FieldError(f"{path.name}: it is cut off or damaged ({told(error)}); copy or compute it anew") from error
    names: tuple[Any, ...] = ("total", "diff_x", "diff_y", "diff_z") if "diff_x" in data else tuple(data)
    return [np.asarray(data[name], dtype=np.float64) for name in names]

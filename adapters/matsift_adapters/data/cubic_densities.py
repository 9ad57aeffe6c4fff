"""What the computation of the density data set left in its folder: results by compound, and their grids."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.candidates.cubic import lattice_constant
from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.density.conventional import conventional_transform
from matsift.density.grid import NETWORK_SHAPE, DensityGrid
from matsift.density.resample import in_cell, smeared
from matsift.errors import ArtifactError
from matsift_adapters.artifacts import ArtifactStore
from matsift_adapters.data import CUBIC_DENSITIES
from matsift_adapters.data.cubic_compounds import CubicCompound, cubic_compounds
from matsift_adapters.data.journal import read_journal
from matsift_adapters.data.packing import rounded

#: In the folder of the computation: one line a finished compound, and the store of its densities.
JOURNAL, ARTIFACTS = "densities.jsonl", "artifacts"
SUFFIX = ".npz"

#: Displacement factor that smears all-electron densities where they are compared: cores are sharper than their grids,
#: and with less the density rings below zero between heavy atoms. The valence is left as it is.
SMEARING_B_ANGSTROM2 = 2.0

_DECIMALS = 6


@dataclass(frozen=True, eq=False)
class ComputedCompound:
    """A compound with what became of it: a line of the journal, and the folder that holds its densities."""

    compound: CubicCompound
    row: Mapping[str, Any]
    folder: Path

    @property
    def failure(self) -> dict[str, str] | None:
        """Class and sentence of what went wrong, None where there is a result."""
        return self.row.get("failure")

    @cached_property
    def crystal(self) -> Crystal:
        """The primitive cell at the minimum of the equation of state, or the start where there is none."""
        if self.failure is not None:
            return self.compound.crystal
        relaxed = self.row["result"]["detail"]["relaxed"]
        coords = np.array([rounded(xyz, _DECIMALS) for xyz in relaxed["frac_coords"]])
        lattice = np.array([rounded(vector, _DECIMALS) for vector in relaxed["lattice"]])
        return Crystal.ordered(lattice, relaxed["species"], coords)

    @property
    def lattice_constant(self) -> float:
        """Edge of the cubic cell at the minimum, angstrom."""
        return lattice_constant(self.compound.prototype, self.crystal.volume)

    @property
    def n_electron(self) -> int:
        """Electrons of the cell's atoms."""
        return sum(ELEMENT_SYMBOLS.index(symbol) + 1 for symbol in self.crystal.species)

    def density(self, name: str = "all") -> DensityGrid:
        """Return a density in the cell of `crystal`, float32, e/angstrom3.

        Parameters
        ----------
        name
            "all" (all electrons; cores are as sharp as the grid allows), "pseudo" (GPAW's smooth one, fewer electrons)
            or "valence" (true valence density; its sum misses the electrons by some percent, as GPAW warns).

        Raises
        ------
        ArtifactError
            If the file is missing or damaged, or the compound failed.
        """
        if self.failure is not None:
            raise ArtifactError(f"{self.compound.material_id} has no density: {self.failure['message']}")
        grids = unpacked(ArtifactStore(self.folder / ARTIFACTS).get(self.row["densities"]))
        return DensityGrid(grids[name], self.crystal.lattice)

    def conventional(self, shape: tuple[int, int, int] = NETWORK_SHAPE) -> DensityGrid:
        """Return the all-electron density in the conventional cell, smeared by `SMEARING_B_ANGSTROM2`, e/angstrom3.

        `promolecule(conventional_cell(crystal), shape, b_iso=SMEARING_B_ANGSTROM2)` is its neutral atoms.
        """
        transform, _ = conventional_transform(self.crystal)
        return in_cell(smeared(self.density("all"), SMEARING_B_ANGSTROM2), transform, shape)


def computed_compounds(folder: Path, method: str) -> tuple[ComputedCompound, ...]:
    """Return the compounds of the list that a folder has lines of a method for, in the order of the list."""
    rows = finished(folder, method)
    return tuple(ComputedCompound(c, rows[c.material_id], folder) for c in cubic_compounds() if c.material_id in rows)


def finished(folder: Path, method: str) -> dict[str, dict[str, Any]]:
    """Return the journal's lines of a method by material id; of several for one compound the last counts."""
    return {row["id"]: row for row in read_journal(folder / JOURNAL) if row["method"] == method}


def shipped_rows(method: str, table: Path = CUBIC_DENSITIES) -> dict[str, dict[str, Any]]:
    """Return the rows of a packed table by material id; none where the table is of another method."""
    header, *rows = (json.loads(line) for line in gzip.decompress(table.read_bytes()).splitlines())
    return {row["materials_project"]["id"]: row for row in rows} if header["method"] == method else {}


def packed(densities: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Return grids by name as the bytes of an NPZ file."""
    file = io.BytesIO()
    np.savez_compressed(file, **densities)  # type: ignore[arg-type]  # numpy's stub takes names for its own options
    return file.getvalue()


def unpacked(content: bytes) -> dict[str, NDArray[np.float32]]:
    """Return the grids of `packed`."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}

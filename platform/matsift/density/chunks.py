"""What a worker process is handed and hands back: promolecule densities of some crystals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matsift.crystal import Crystal
from matsift.density.conventional import conventional_cell
from matsift.density.grid import DensityGrid
from matsift.density.promolecule import promolecule
from matsift.errors import MatsiftError


@dataclass(frozen=True, eq=False)
class FieldChunk:
    """Densities of n crystals by position, those of a crystal among the failures left out.

    `failures` maps a position to the class of the error and one sentence.
    """

    grids: Mapping[int, DensityGrid]
    failures: Mapping[int, tuple[str, str]]


def promolecule_chunk(payload: tuple[Sequence[Crystal], tuple[int, int, int]]) -> FieldChunk:
    """Return the promolecules of crystals in their conventional cells, on grids of a shape, float32."""
    crystals, shape = payload
    grids, failures = dict[int, DensityGrid](), dict[int, tuple[str, str]]()
    for place, crystal in enumerate(crystals):
        try:
            found = promolecule(conventional_cell(crystal), shape)
        except MatsiftError as error:
            failures[place] = type(error).__name__, str(error)
        else:
            grids[place] = DensityGrid(found.values.astype("float32"), found.cell)
    return FieldChunk(grids, failures)

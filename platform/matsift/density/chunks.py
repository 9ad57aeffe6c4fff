"""What a worker process is handed and hands back: promolecule densities of some crystals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matsift.crystal import ELEMENT_SYMBOLS, Crystal
from matsift.density.conventional import conventional_cell
from matsift.density.grid import DensityGrid
from matsift.density.promolecule import promolecule
from matsift.errors import MatsiftError

#: Share of the electrons by which a density may miss them.
TOLERANCE = 1e-3


@dataclass(frozen=True, eq=False)
class FieldChunk:
    """Densities of n crystals by position, those of a crystal among the failures left out.

    `n_electron` are the electrons that the atoms of the same cells have, `failures` maps a position to the class of the
    error and one sentence.
    """

    grids: Mapping[int, DensityGrid]
    n_electron: Mapping[int, int]
    failures: Mapping[int, tuple[str, str]]


def promolecule_chunk(payload: tuple[Sequence[Crystal], tuple[int, int, int]]) -> FieldChunk:
    """Return the promolecules of crystals in their conventional cells, on grids of a shape, float32."""
    crystals, shape = payload
    grids, electrons, failures = dict[int, DensityGrid](), dict[int, int](), dict[int, tuple[str, str]]()
    for place, crystal in enumerate(crystals):
        try:
            cell = conventional_cell(crystal)
            found = promolecule(cell, shape)
        except MatsiftError as error:
            failures[place] = type(error).__name__, str(error)
            continue
        expected = sum(ELEMENT_SYMBOLS.index(symbol) + 1 for symbol in cell.species)
        if abs(found.n_electron - expected) > TOLERANCE * expected:
            failures[place] = (
                "WrongElectronCount",
                f"the density sums to {found.n_electron:.3f} electrons, the atoms have {expected}; take a finer grid",
            )
            continue
        grids[place] = DensityGrid(found.values.astype("float32"), found.cell)
        electrons[place] = expected
    return FieldChunk(grids, electrons, failures)

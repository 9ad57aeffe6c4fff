"""The densities of a study's crystals in one folder, in conventional cells and of one shape, for its trainings."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from matsift.density.conventional import conventional_transform
from matsift.density.field_folder import write_field_folder
from matsift.density.grid import DensityGrid
from matsift.density.resample import in_cell, resample, smeared
from matsift.study.density import DensitySettings
from matsift_adapters.fields.storage import loads
from matsift_flows.workspace import Workspace
from matsift_schema.store.fields import load_fields
from matsift_schema.store.structures import load_crystals

#: Where densities lie while networks learn from them, in the home folder.
PLACE = "training"

#: Displacement factor by which densities of DFT are smeared before they are carried onto another grid, angstrom2.
_SMEARING_B_ANGSTROM2 = 2.0


@dataclass(frozen=True, eq=False)
class GridFolder:
    """A folder of densities, and which structures (n,) they are of."""

    path: Path
    structure_ids: NDArray[np.int64]

    def rows(self, structure_ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of structures in the folder."""
        place = {int(key): i for i, key in enumerate(self.structure_ids)}
        return np.array([place[key] for key in structure_ids.tolist()], dtype=np.int64)


@contextmanager
def grid_folder(
    workspace: Workspace, study: str, settings: DensitySettings, structure_ids: NDArray[np.int64]
) -> Iterator[GridFolder]:
    """Yield a folder with the densities of structures, which is gone afterwards, as is what a killed run left."""
    place = workspace.settings.home / PLACE
    place.mkdir(parents=True, exist_ok=True)
    shape = (settings.points,) * 3
    prefix = f".fields-{study}-"
    for left in place.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(dir=place, prefix=prefix) as name:
        grids = Grids(workspace, settings, structure_ids)
        group = write_field_folder(grids, len(structure_ids), shape, Path(name))
        kept = "all points" if group is None else f"the points that space group {group} leaves apart"
        workspace.reporter.say(f"  {len(structure_ids)} densities of {settings.points}^3 points lie ready: {kept}")
        yield GridFolder(Path(name), structure_ids)


class Grids:
    """The densities of structures, read anew whenever they are iterated; one at a time is in memory."""

    def __init__(self, workspace: Workspace, settings: DensitySettings, ids: NDArray[np.int64]) -> None:
        self._workspace, self._settings = workspace, settings
        with workspace.sessions.begin() as session:
            table = load_fields(session, settings.kind, settings.field_method, ids)
            address = dict(zip(table.structure_ids.tolist(), table.artifacts, strict=True))
            self._crystals = [] if settings.kind == "promolecule" else load_crystals(session, ids)
        self._addresses = [address[key] for key in ids.tolist()]

    def __iter__(self) -> Iterator[DensityGrid]:
        for place, address in enumerate(self._addresses):
            yield self._prepared(loads(self._workspace.artifacts.get(address)), place)

    def _prepared(self, grid: DensityGrid, place: int) -> DensityGrid:
        shape = (self._settings.points,) * 3
        if not self._crystals:
            return grid if grid.shape == shape else resample(grid, shape)
        if self._settings.kind == "dft_charge":
            grid = smeared(grid, _SMEARING_B_ANGSTROM2)  # cores sharper than the grid would ring about the nuclei
        transform, _ = conventional_transform(self._crystals[place])
        return in_cell(grid, transform, shape)

"""What learners see of the rows: descriptor columns by set, and promolecule densities on 60 x 60 x 60 points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.repro_002.code_mark import code_hash
from benchmarks.repro_003.rows import SPACE_GROUP, Rows
from numpy.typing import NDArray

from matsift import density
from matsift.crystal import Crystal
from matsift.density.field_source import OrbitFields
from matsift.density.field_statistics import GRID_COLUMNS
from matsift.density.promolecule import promolecules
from matsift.density.symmetry_average import orbit_fields, orbit_labels, space_group_operations
from matsift.density.views import pooled
from matsift.descriptors.batches import compute_many
from matsift.descriptors.registry import descriptor_set

GRID = "grid"
SETS = ("magpie", "packing", "voronoi", "density")

_CODE = ("gaussian_sums", "promolecule", "symmetry_average")
_TIME_LIMIT_S = 120.0
_CHUNK = 32


@dataclass(frozen=True, eq=False)
class Described:
    """n crystals as learners see them.

    Parameters
    ----------
    columns
        Descriptor set, or `GRID` -> (n, n_column) values, NaN where unknown.
    fields
        n densities, of which the points that symmetry does not make equal are in memory.
    """

    columns: dict[str, NDArray[np.float64]]
    fields: OrbitFields

    def table(self, sets: Sequence[str]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """Return the columns of some sets beside each other, and their names."""
        names = [column for name in sets for column in names_of(name)]
        return np.hstack([self.columns[name] for name in sets]), tuple(names)

    def pooled(self) -> NDArray[np.float32]:
        """Return (n, 1000) the largest values in cubes of 6^3 points, e/angstrom3."""
        parts = np.array_split(np.arange(len(self.fields)), max(1, len(self.fields) // 32))
        return np.concatenate([pooled(self.fields.load(part)) for part in parts]).astype(np.float32)

    def take(self, places: NDArray[np.int64]) -> Described:
        """Return some of the crystals."""
        columns = {name: values[places] for name, values in self.columns.items()}
        return Described(columns, OrbitFields(self.fields.values[places], self.fields.labels))


def names_of(name: str) -> tuple[str, ...]:
    """Return the columns of a descriptor set, or of `GRID`: what is computed from a density alone, of any source."""
    return GRID_COLUMNS if name == GRID else descriptor_set(name).columns


def described(home: Path, rows: Rows, *, n_worker: int, tell: Callable[[str], None]) -> Described:
    """Return descriptors and densities of the rows; computed once for them and the code, and kept."""
    columns = {}
    for name in SETS:
        path = home / f"{name}{descriptor_set(name).version}-{rows.digest}.npz"
        if not path.exists():
            tell(f"descriptors `{name}` of {len(rows)} crystals")
            _write(path, values=columns_of(rows.crystals, name, n_worker=n_worker))
        columns[name] = _read(path)["values"]
    path = home / f"densities-{rows.digest}-{code_hash(_CODE, density)}.npz"
    if not path.exists():
        tell(f"promolecule densities of {len(rows)} crystals")
        _write(path, values=densities(rows.crystals).values)
    return Described(columns, OrbitFields(_read(path)["values"], labels()))


def columns_of(crystals: Sequence[Crystal], name: str, *, n_worker: int) -> NDArray[np.float64]:
    """Return (n, n_column) descriptors of one set, NaN where there are none."""
    columns = np.full((len(crystals), len(descriptor_set(name).columns)), np.nan)
    batches = compute_many((name,), crystals, n_worker=n_worker, time_limit_s=_TIME_LIMIT_S, chunk_size=_CHUNK)
    for places, chunks in batches:
        columns[list(places)] = chunks[name].values
    return columns


def densities(crystals: Sequence[Crystal]) -> OrbitFields:
    """Return the promolecule densities of Fm-3m crystals in the conventional cell."""
    return orbit_fields(promolecules(crystals), labels())


def labels(space_group: int = SPACE_GROUP) -> NDArray[np.int32]:
    """Return which points of the grid are equal in a space group."""
    return orbit_labels(space_group_operations(space_group))


def _write(path: Path, **arrays: Any) -> None:
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, **arrays)
    part.replace(path)


def _read(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(path, allow_pickle=False) as file:
        return dict(file)

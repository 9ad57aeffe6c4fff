"""What learners see of the rows: descriptor columns by set, and promolecule densities on 60 x 60 x 60 points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.repro_002.code_mark import code_hash
from benchmarks.repro_003.rows import SPACE_GROUP, Rows
from numpy.typing import NDArray

from matsift import density
from matsift.crystal import Crystal
from matsift.density.field_source import OrbitFields
from matsift.density.promolecule import promolecules
from matsift.density.symmetry_average import orbit_fields, orbit_labels, space_group_operations
from matsift.density.views import pooled
from matsift.descriptors.batches import compute_many
from matsift.descriptors.registry import descriptor_set

SETS = ("magpie", "packing", "voronoi", "density")

_CODE = ("chunks", "gaussian_sums", "promolecule", "symmetry_average", "statistics", "critical_points", "views")
_TIME_LIMIT_S = 120.0
_CHUNK = 32


@dataclass(frozen=True, eq=False)
class Described:
    """n crystals as learners see them.

    Parameters
    ----------
    columns
        Descriptor set -> (n, n_column) values, NaN where unknown.
    fields
        n densities, of which the points that symmetry does not make equal are in memory.
    pooled
        (n, 1000) largest values in cubes of 6^3 points, e/angstrom3.
    """

    columns: dict[str, NDArray[np.float64]]
    fields: OrbitFields
    pooled: NDArray[np.float32]

    def table(self, sets: Sequence[str]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
        """Return the columns of some sets beside each other, and their names."""
        names = [column for name in sets for column in descriptor_set(name).columns]
        return np.hstack([self.columns[name] for name in sets]), tuple(names)

    def take(self, places: NDArray[np.int64]) -> Described:
        """Return some of the crystals."""
        return Described(
            {name: values[places] for name, values in self.columns.items()},
            OrbitFields(self.fields.values[places], self.fields.labels),
            self.pooled[places],
        )


def described(home: Path, rows: Rows, *, n_worker: int, tell: Callable[[str], None]) -> Described:
    """Return descriptors and densities of the rows; computed once for them and the code, and kept."""
    versions = "-".join(f"{name}{descriptor_set(name).version}" for name in SETS)
    path = home / f"described-{rows.digest}-{versions}-{code_hash(_CODE, density)}.npz"
    if not path.exists():
        tell(f"descriptors and densities of {len(rows)} crystals")
        found = describe(rows.crystals, n_worker=n_worker)
        arrays = {f"set_{name}": values for name, values in found.columns.items()}
        part = path.with_suffix(".part.npz")
        np.savez_compressed(part, fields=found.fields.values, pooled=found.pooled, **arrays)
        part.replace(path)
    return read(path)


def describe(crystals: Sequence[Crystal], *, n_worker: int) -> Described:
    """Return descriptors and densities of Fm-3m crystals in the conventional cell."""
    columns = {name: np.full((len(crystals), len(descriptor_set(name).columns)), np.nan) for name in SETS}
    batches = compute_many(SETS, crystals, n_worker=n_worker, time_limit_s=_TIME_LIMIT_S, chunk_size=_CHUNK)
    for places, chunks in batches:
        for name in SETS:
            columns[name][list(places)] = chunks[name].values
    fields = orbit_fields(promolecules(crystals), labels())
    parts = [
        pooled(fields.load(part)) for part in np.array_split(np.arange(len(crystals)), max(1, len(crystals) // 32))
    ]
    return Described(columns, fields, np.concatenate(parts).astype(np.float32))


def read(path: Path) -> Described:
    """Return what was kept."""
    with np.load(path, allow_pickle=False) as file:
        a = dict(file)
    columns = {name: a[f"set_{name}"] for name in SETS}
    return Described(columns, OrbitFields(a["fields"], labels()), a["pooled"])


def labels() -> NDArray[np.int32]:
    """Return which points of the grid are equal in Fm-3m."""
    return orbit_labels(space_group_operations(SPACE_GROUP))

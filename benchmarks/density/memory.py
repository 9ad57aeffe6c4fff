"""Peak memory, rate and waiting of one pass of the 3D network over thousands of densities, in a process of its own.

"unique points" keeps of each density only the points that Fm-3m does not repeat, all in memory; "whole, from files"
reads Parquet files as the network asks for them, a thread ahead; "whole, remembered" keeps what it has read in memory,
and tells of the second pass.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from matsift.crystal import Crystal
from matsift.density.field_source import FieldSource
from matsift.density.fit import EpochReport, fit
from matsift.density.grid import DensityGrid
from matsift.density.inputs import NetworkInputs
from matsift.density.promolecule import promolecule
from matsift.density.remembered import RememberedFields
from matsift.density.symmetry_average import orbit_fields, orbit_labels, space_group_operations
from matsift_adapters.artifacts import ArtifactStore
from matsift_adapters.fields.storage import SUFFIX, StoredFields, dumps

WAYS = ("unique points", "whole, from files", "whole, remembered")
#: What ends the wish for less: 5,000 densities in less than this.
WANTED_GIB = 6.0

_FM3M = 225
_SITES = np.array([[0.0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
_PAIRS = (("Na", "Cl"), ("Mg", "O"), ("K", "Br"), ("Ti", "C"), ("Pb", "S"))
_SETTINGS = {
    "members": 1,
    "epochs": 1,
    "inner_fraction": 0.0,
    "filters": (32, 32),
    "dense": (512, 512, 16, 16, 16, 32),
    "device": "cpu",
}


def lines(n: int, points: int) -> Iterator[str]:
    """Yield the rows of the table, each measured in a new process."""
    yield f"| {n:,} densities of {points}^3 | peak memory, GiB | densities a second | share of time waiting |"
    yield "|---|---|---|---|"
    for way in WAYS:
        command = [sys.executable, "-m", "benchmarks.density.memory", "--way", way, f"--n={n}", f"--points={points}"]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found = json.loads(said.splitlines()[-1])
        yield f"| {way} | {found['gib']:.2f} | {found['rate']:,.0f} | {found['waiting']:.1%} |"


def measured(way: str, n: int, points: int) -> dict[str, float]:
    """Return peak memory in GiB, densities a second, and share of time waiting, of one pass over n densities."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        fields = _fields(way, n, points, Path(folder))
        reports: list[EpochReport] = []
        settings = {**_SETTINGS, "epochs": 2 if way == WAYS[2] else 1}
        y = np.random.default_rng(0).random(n)
        fit("density_cnn_3d", NetworkInputs(fields=fields), y, settings=settings, seed=0, on_epoch=reports.append)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"gib": peak, "rate": reports[-1].samples_per_second, "waiting": reports[-1].waiting}


def _fields(way: str, n: int, points: int, folder: Path) -> FieldSource:
    shape = (points, points, points)
    if way == WAYS[0]:
        labels = orbit_labels(space_group_operations(_FM3M), shape)
        return orbit_fields((promolecule(_salt(i), shape) for i in range(n)), labels)
    store = ArtifactStore(str(folder))
    files = []
    for i in range(n):
        grid = promolecule(_salt(i), shape)
        files.append(store.put(dumps(DensityGrid(grid.values.astype(np.float32), grid.cell)), SUFFIX).sha256)
    source = StoredFields(store, files, shape)
    return RememberedFields(source) if way == WAYS[2] else source


def _salt(i: int) -> Crystal:
    one, other = _PAIRS[i % len(_PAIRS)]
    return Crystal.ordered((4.0 + 0.0004 * i) * np.eye(3), [one] * 4 + [other] * 4, np.vstack([_SITES, _SITES + 0.5]))


def main() -> None:
    """Measure one way in this process and print it as a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.density.memory", description=__doc__)
    parser.add_argument("--way", choices=WAYS, required=True)
    parser.add_argument("--n", type=int, default=5000)
    parser.add_argument("--points", type=int, default=60)
    chosen = parser.parse_args()
    print(json.dumps(measured(chosen.way, chosen.n, chosen.points)))


if __name__ == "__main__":
    main()

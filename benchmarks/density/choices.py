"""What the choices that the paper leaves open are worth: one network each, bulk modulus of Fm-3m crystals, one fold.

python -m benchmarks.density.choices

It reads the rows and densities that `make repro-003` keeps, and makes them where they are not there yet; about five
minutes of one processor. Errors of single networks scatter by about one GPa.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchmarks.repro_003.described import described
from benchmarks.repro_003.rows import rows
from numpy.typing import NDArray

from matsift.density.fit import DensityNetwork, EpochReport, fit
from matsift.density.inputs import NetworkInputs
from matsift.descriptors.registry import descriptor_set
from matsift.learners.columns import element_statistics
from matsift.learners.evaluation import regression_metrics

_SMALL = {"dense": (512, 512, 16, 16, 16, 32)}
_3D = {**_SMALL, "filters": (32, 32), "epochs": 60}
_2D = {**_SMALL, "epochs": 40}
_TIED = {**_2D, "tied": True, "origins": True}

#: What it is called, its kind, its settings.
Case = tuple[str, str, Mapping[str, Any]]
CASES: tuple[Case, ...] = (
    ("composition", "magpie_cnn", {"epochs": 60}),
    ("3D, `scale` std", "density_cnn_3d", {**_3D, "scale": "std"}),
    ("3D", "density_cnn_3d", _3D),
    ("3D, `origins`", "density_cnn_3d", {**_3D, "origins": True}),
    ("2D, `scale` std", "density_cnn_2d", {**_2D, "scale": "std"}),
    ("2D", "density_cnn_2d", _2D),
    ("2D, `start` glorot", "density_cnn_2d", {**_2D, "start": "glorot"}),
    ("2D, Adam", "density_cnn_2d", {**_2D, "optimiser": "adam"}),
    ("2D, `tied`, `origins`", "density_cnn_2d", _TIED),
    ("fusion of composition and the last", "density_fusion", {"epochs": 60}),
    ("the same, `fine_tune`", "density_fusion", {"epochs": 10, "fine_tune": True, "learning_rate": 3e-4}),
)
_N_FOLD, _SEED = 5, 3


def lines(inputs: NetworkInputs, y: NDArray[np.float64], cases: Sequence[Case]) -> Iterator[str]:
    """Yield the rows of the table; a fusion joins the last network of each kind before it."""
    test = np.random.default_rng(0).permutation(len(y)) % _N_FOLD == 0
    branches: dict[str, DensityNetwork] = {}
    yield f"| network, {test.sum()} of {len(y)} held out | RMSE, GPa | R² | RMSE in training | epochs | processor, s |"
    yield "|---|---|---|---|---|---|"
    for name, kind, settings in cases:
        begin, told = time.process_time(), list[EpochReport]()
        chosen = {"members": 1, "device": "cpu", **settings}
        network = fit(
            kind, inputs.take(~test), y[~test], settings=chosen, seed=_SEED, on_epoch=told.append, branches=branches
        )
        seconds = time.process_time() - begin
        branches = branches if kind == "density_fusion" else {**branches, kind: network}
        found, learned = (
            regression_metrics(y[part], network.predict(inputs.take(part)).mean) for part in (test, ~test)
        )
        errors = f"{found['rmse']:.1f} | {found['r2']:.3f} | {learned['rmse']:.1f}"
        yield f"| {name} | {errors} | {len(told)} | {seconds:.0f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".matsift/repro_003"), help="where repro-003 keeps its rows")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    chosen.home.mkdir(parents=True, exist_ok=True)
    found = rows(chosen.home, n_worker=2, tell=print)
    seen = described(chosen.home, found, n_worker=2, tell=print)
    magpie = seen.columns["magpie"][:, list(element_statistics(descriptor_set("magpie").columns))]
    for line in lines(NetworkInputs(magpie, seen.fields), found.moduli["k_vrh"], CASES):
        print(line, flush=True)


if __name__ == "__main__":
    main()

"""Roots of Er = 0 learned directly, one row an oxide: `python -m benchmarks.repro_000.roots` prints errors by learner.

Each oxide is predicted by a model of all others, and twice by a model without any oxide of one of its cations.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.repro_000.data import Oxide, load
from benchmarks.repro_000.rows import samples
from benchmarks.repro_001.real_data import data_folder

from matsift.learners import registry
from matsift.learners.group_splits import GroupedData, rmse
from matsift.learners.left_out_groups import leave_one_group_out
from matsift.learners.paper_regressors import PAPER_REGRESSORS, ROOT_REGRESSOR

REGRESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "least_squares": PAPER_REGRESSORS["linear"],
    **{
        f"gpr_nn, length {length:g}": ("gpr_nn", {"length": length, "noise_variance": 1e-3})
        for length in (0.5, 1.0, 2.0, 7.0, 200.0)
    },
    **{
        f"the same, length {length:g}, noise 0.1, standardised target": (
            ROOT_REGRESSOR[0],
            {**ROOT_REGRESSOR[1], "length": length},
        )
        for length in (0.5, 1.0, 2.0, 7.0)
    },
}


def roots(name: str) -> tuple[GroupedData, list[Oxide]]:
    """Return the oxides of a set that have a root: descriptors of the cations, root, one group each; and the oxides."""
    oxides = [o for o in load(name, Path()) if "Sn2+" not in o.pair.name]  # Shannon has no radius for it
    found = samples(oxides)
    exact = found.exact()
    known = np.flatnonzero(np.isfinite(exact))
    data = GroupedData.of(found.descriptors[known], exact[known], known.tolist(), found.data.feature_names[1:])
    return data, [found.oxides[i] for i in known]


def new_cation_error(data: GroupedData, oxides: Sequence[Oxide], kind: str, settings: dict[str, Any]) -> float:
    """Return the RMSE where no oxide with one of the two cations was trained on, of both cations of all oxides."""
    cations = np.array([[o.pair.a, o.pair.b] for o in oxides], dtype=object)
    said, true = [], []
    for cation in dict.fromkeys(cations.ravel()):
        has = (cations == cation).any(axis=1)
        model = registry.fit(
            kind, data.X[~has], data.y[~has], settings=settings, seed=0, feature_names=data.feature_names
        )
        said.append(model.predict(data.X[has]).mean)
        true.append(data.y[has])
    return rmse(np.concatenate(true), np.concatenate(said))


def lines(data: GroupedData, oxides: Sequence[Oxide]) -> Iterator[str]:
    """Yield a line a learner."""
    yield "| learner | RMSE | mean error | largest | R² | width of the 90 % interval | RMSE, new cation | CPU s |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, (kind, settings) in REGRESSORS.items():
        began = time.process_time()
        said = leave_one_group_out(kind, data, settings=settings)
        lower, upper = said.calibration(0.9).interval(said.mean, said.spread)
        error = said.metrics()
        figures = (error["rmse"], error["mae"], float(np.abs(said.y - said.mean).max()))
        new = new_cation_error(data, oxides, kind, settings)
        yield (
            f"| {name} | {' | '.join(f'{value:.4f}' for value in figures)} | {error['r2']:.2f} | "
            f"{float((upper - lower).mean()):.3f} | {new:.4f} | {time.process_time() - began:.1f} |"
        )


def main() -> int:
    """Print a table a set."""
    for name in ("bundled", *(["perov_5"] if data_folder().is_dir() else [])):
        data, oxides = roots(name)
        sys.stdout.write(f"\n{name}: {data.n_group} oxides, roots {data.y.mean():.4f} +- {data.y.std():.4f}\n\n")
        for line in lines(data, oxides):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

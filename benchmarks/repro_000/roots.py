"""Roots of Er = 0 learned directly, one row an oxide: `python -m benchmarks.repro_000.roots` prints errors by learner.

Each oxide is predicted by a model of all others, over the bundled set and the perovskites of perov_5.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.repro_000.data import load
from benchmarks.repro_000.rows import samples

from matsift.learners.group_splits import GroupedData
from matsift.learners.left_out_groups import leave_one_group_out

LENGTHS = (0.5, 0.7, 1.0, 1.4, 2.0, 4.0, 7.0, 20.0, 200.0)
REGRESSORS: dict[str, tuple[str, dict[str, Any]]] = {
    "least_squares": ("least_squares", {}),
    **{f"gpr_nn, length {length:g}": ("gpr_nn", {"length": length}) for length in LENGTHS},
}


def roots(name: str) -> GroupedData:
    """Return the oxides of a set that have a root: descriptors of the cations, root, one group each."""
    found = samples(load(name, Path()))
    exact = found.exact()
    known = np.flatnonzero(np.isfinite(exact))
    return GroupedData.of(found.descriptors[known], exact[known], known.tolist(), found.data.feature_names[1:])


def lines(data: GroupedData) -> Iterator[str]:
    """Yield a line a learner: errors, the largest error, coverage and width of the 90 % interval, processor seconds."""
    yield "| learner | RMSE | mean error | largest | R² | coverage | width of the 90 % interval | CPU s |"
    yield "|---|---|---|---|---|---|---|---|"
    for name, (kind, settings) in REGRESSORS.items():
        began = time.process_time()
        said = leave_one_group_out(kind, data, settings=settings)
        lower, upper = said.calibration(0.9).interval(said.mean, said.spread)
        error = said.metrics()
        figures = (error["rmse"], error["mae"], float(np.abs(said.y - said.mean).max()))
        yield (
            f"| {name} | {' | '.join(f'{value:.4f}' for value in figures)} | {error['r2']:.2f} | "
            f"{said.coverage(0.9):.3f} | {float((upper - lower).mean()):.3f} | {time.process_time() - began:.1f} |"
        )


def main() -> int:
    """Print a table a set."""
    for name in ("bundled", "perov_5"):
        data = roots(name)
        sys.stdout.write(f"\n{name}: {data.n_group} oxides, roots {data.y.mean():.4f} +- {data.y.std():.4f}\n\n")
        for line in lines(data):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

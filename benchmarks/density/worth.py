"""What the descriptor set `density` is worth to LightGBM on the moduli of elastic_tensor_2015, five folds.

python -m benchmarks.density.worth
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

import numpy as np
from benchmarks.repro_001.real_data import RealSet, load

from matsift.descriptors.registry import compute, descriptor_set
from matsift.learners.held_out import Learning
from matsift.learners.repeated_folds import cross_validated, repeated_folds

#: Descriptor sets that are learned from together.
TOGETHER: tuple[tuple[str, ...], ...] = (
    ("density",),
    ("magpie",),
    ("magpie", "density"),
    ("magpie", "packing", "voronoi"),
    ("magpie", "packing", "voronoi", "density"),
)
_SETTINGS = {"preset": "moduli", "members": 2, "train_fraction": 1.0, "learning_rate": 0.05}
_SEED = 8


def lines(
    data: RealSet, together: Sequence[tuple[str, ...]], *, n_repeat: int = 1, n_round: int = 400, n_worker: int = 1
) -> Iterator[str]:
    """Yield the rows of the table; compounds of one formula stand in one fold."""
    names = sorted({name for sets in together for name in sets})
    values = {name: compute(name, data.crystals).values for name in names}
    kept = data.labelled & np.all([np.isfinite(table).any(axis=1) for table in values.values()], axis=0)
    rows = np.flatnonzero(kept)
    folds = repeated_folds([data.formulae[i] for i in rows], n_repeat=n_repeat, seed=_SEED)
    yield f"| {len(rows):,} structures, {n_repeat} x 5 folds | columns | K: R2 / RMSE, GPa | G: R2 / RMSE, GPa |"
    yield "|---|---|---|---|"
    for sets in together:
        table = np.hstack([values[name][rows] for name in sets])
        columns = [column for name in sets for column in descriptor_set(name).columns]
        cells = []
        for modulus in ("k_vrh", "g_vrh"):
            y, settings = data.moduli[modulus][rows], {**_SETTINGS, "n_estimators": n_round}
            learning = Learning("lightgbm_ensemble", table, y, columns, settings, _SEED, n_worker)
            each = [(found["r2"], found["rmse"]) for found in cross_validated(learning, folds).each()]
            r2, rmse = np.mean(each, axis=0)
            cells.append(f"{r2:.3f} / {rmse:.1f}")
        yield f"| {', '.join(f'`{name}`' for name in sets)} | {len(columns)} | {cells[0]} | {cells[1]} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="elastic_2015", help="a data set of benchmarks.repro_001")
    parser.add_argument("--repeats", type=int, default=1, help="draws of five folds")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    for line in lines(load(chosen.set), TOGETHER, n_repeat=chosen.repeats, n_worker=chosen.workers):
        print(line, flush=True)


if __name__ == "__main__":
    main()

"""Learners of compositions on the paper's gaps, formulas held out: errors, time of training, rate of answers.

python -m benchmarks.generative.property_models
python -m benchmarks.generative.property_models --rows 1000 --only Roost
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np
import torch
from benchmarks.repro_004 import data
from benchmarks.repro_004.learners import LEARNERS, Learner
from benchmarks.telling import has_data, tell, versions

from matsift.learners.evaluation import regression_metrics


def _roost(title: str, **settings: object) -> Learner:
    return Learner(title, title, "roost", ("element_fractions",), {"members": 1} | settings)


#: The learners of repro-004 but its Roost, and Roost of several sizes.
COMPARED = (
    *(learner for learner in LEARNERS if learner.kind != "roost"),
    _roost("Roost, one-hot, 20 epochs", epochs=20),
    _roost("Roost, Magpie, 20 epochs", epochs=20, embedding="magpie"),
    _roost("Roost, Magpie, 50 epochs", epochs=50, embedding="magpie"),
    _roost("Roost, Magpie, 3 members of 50 epochs", epochs=50, embedding="magpie", members=3),
    _roost("Roost of the paper, one-hot", preset="paper"),
    _roost("Roost of the paper, Magpie", preset="paper", embedding="magpie"),
)


def lines(learners: Sequence[Learner], n_row: int | None, seed: int) -> list[str]:
    """Return a Markdown table: each learner trained on up to `n_row` of 80 % of the formulas, asked of the others."""
    gaps = data.load().gaps
    test = data.roles(gaps, seed) == "test"
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(~test))[:n_row]
    learned, asked = gaps.take(np.sort(rows)), gaps.take(test)
    table = [
        f"{len(learned):,} rows learned, {len(asked):,} rows of other formulas asked.\n",
        "| learner | R2 | MAE (eV) | RMSE (eV) | training (s of the processor) | answers (1/s) |",
        "|---|---|---|---|---|---|",
    ]
    for learner in learners:
        tell(learner.title)
        begin = time.process_time()
        model = learner.fit(learned, seed)
        trained = time.process_time()
        said = learner.predict(model, asked.compositions)
        rate = len(asked) / (time.process_time() - trained)
        found = regression_metrics(asked.gaps, said)
        errors = " | ".join(f"{found[name]:.3f}" for name in ("r2", "mae", "rmse"))
        table.append(f"| {learner.title} | {errors} | {trained - begin:.0f} | {rate:,.0f} |")
        tell(table[-1])
    return table


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, help="rows to learn from; without: 80 %% of all")
    parser.add_argument("--only", default="", help="learners whose title holds this")
    parser.add_argument("--seed", type=int, default=0, help="of the split and the training")
    settings = parser.parse_args()
    if not has_data(data.BELOW):
        return
    torch.set_num_threads(1)
    chosen = [learner for learner in COMPARED if settings.only in learner.title]
    print(f"{versions('torch', 'lightgbm', 'scikit-learn', 'numba')}; one core.\n")
    print("\n".join(lines(chosen, settings.rows, settings.seed)))


if __name__ == "__main__":
    main()

"""What a round of a simulated campaign is judged by, on labels that it has not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.acquisition.context import Goal
from matsift.acquisition.replay_table import ReplayTable
from matsift.learners.evaluation import spearman
from matsift.learners.prediction import Prediction

#: Share of the pool, the best by label, whose discovery is counted.
TOP_SHARE = 0.1


def round_metrics(
    table: ReplayTable,
    y: NDArray[np.float64],
    *,
    goal: Goal,
    bought: NDArray[np.int64],
    left: NDArray[np.int64],
    on_pool: Prediction,
    on_test: Prediction,
    picked: NDArray[np.int64],
) -> dict[str, float]:
    """Return the metrics of a round; one that its rows leave undefined is absent.

    ``pool_mae``, ``pool_r2``, ``pool_spearman`` (of spread and absolute error) and ``pool_mae_stdev`` (of the members'
    own MAE) are those of paper 001: over the rows that are `left` in the pool, which grow easier as hard ones leave.
    ``test_...`` are the same over rows that no strategy touches, ``test_SUBSET_mae`` over a part of these.
    ``picked_mae`` is over the batch that the round chose, predicted before it was labelled; ``top_found`` the share of
    the best tenth of the pool among the labels bought so far.

    Parameters
    ----------
    table
        What is known, and its parts.
    y
        (n,) labels of the table, in the unit of the property.
    goal
        Which end of the property is the best.
    bought, left, picked
        Positions in the table: labels bought in earlier rounds, rows of the pool before this round's choice, and that.
    on_pool, on_test
        What the ensemble says of `left` and of the test rows.
    """
    metrics = _of_part("pool", y[left], on_pool) if len(left) else {}
    metrics |= _of_part("test", y[table.test], on_test)
    error = np.abs(on_test.mean - y[table.test])
    for name, mask in table.subsets.items():
        if mask[table.test].any():
            metrics[f"test_{name}_mae"] = float(error[mask[table.test]].mean())
    if len(picked):
        of_left = np.searchsorted(left, picked)
        metrics["picked_mae"] = float(np.abs(on_pool.mean[of_left] - y[picked]).mean())
    best = np.argsort(-y[table.pool] if goal == "maximize" else y[table.pool], kind="stable")
    top = table.pool[best[: max(1, round(TOP_SHARE * len(best)))]]
    metrics["top_found"] = float(np.isin(top, bought).mean())
    return metrics


def _of_part(part: str, y: NDArray[np.float64], said: Prediction) -> dict[str, float]:
    error, members = said.mean - y, np.abs(said.members - y).mean(axis=1)
    found = {"mae": float(np.abs(error).mean()), "mae_stdev": float(members.std(ddof=1))}
    variance = float(((y - y.mean()) ** 2).sum())
    if variance > 0:
        found["r2"] = 1.0 - float((error**2).sum()) / variance
    correlation = spearman(said.spread, np.abs(error))
    if correlation is not None:
        found["spearman"] = correlation
    return {f"{part}_{name}": value for name, value in found.items()}

"""What a search has found, suggestion by suggestion: Fig. 5 of paper 004, yields, and rates per label."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.generative.search.settings import Goal
from matsift.generative.search.space import Suggestion

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SearchHistory:
    """n suggestions in order.

    Parameters
    ----------
    round_numbers
        (n,) from 1.
    decodes
        (n,) whether there is a composition.
    is_first
        (n,) whether it decodes to a composition that neither start nor an earlier suggestion had.
    values
        (n,) label in the unit of the property, NaN where there is none.
    goal
        Which end is good.
    """

    round_numbers: NDArray[np.int64]
    decodes: NDArray[np.bool_]
    is_first: NDArray[np.bool_]
    values: Floats
    goal: Goal

    @classmethod
    def of(
        cls, rows: Sequence[tuple[Suggestion, float | None]], known: Sequence[str], goal: Goal = "maximize"
    ) -> SearchHistory:
        """Return the history of the rows of a search that began with `known` formulas."""
        seen = set(known)
        first = []
        for suggestion, _ in rows:
            first.append(suggestion.formula is not None and suggestion.formula not in seen)
            if suggestion.formula is not None:
                seen.add(suggestion.formula)
        return cls(
            np.array([suggestion.round_number for suggestion, _ in rows], dtype=np.int64),
            np.array([suggestion.decodes for suggestion, _ in rows], dtype=bool),
            np.array(first, dtype=bool),
            np.array([np.nan if value is None else value for _, value in rows], dtype=np.float64),
            goal,
        )

    def __len__(self) -> int:
        return len(self.values)

    def surpasses(self, threshold: float) -> NDArray[np.bool_]:
        """Return (n,) whether the label is beyond a threshold on the good side; False where there is none."""
        with np.errstate(invalid="ignore"):
            return self.values > threshold if self.goal == "maximize" else self.values < threshold

    def best_so_far(self) -> Floats:
        """Return (n,) best label up to each suggestion; NaN before the first."""
        sign = 1.0 if self.goal == "maximize" else -1.0
        best = np.maximum.accumulate(np.where(np.isnan(self.values), -np.inf, sign * self.values))
        return np.where(np.isinf(best), np.nan, sign * best)

    def found(self, threshold: float) -> NDArray[np.int64]:
        """Return (n,) how many different new compositions beyond a threshold there were up to each suggestion."""
        return np.cumsum(self.surpasses(threshold) & self.is_first).astype(np.int64)

    def n_new(self) -> int:
        """Return how many different new compositions were labelled: the yields 741 and 853 of the paper."""
        return int((self.is_first & ~np.isnan(self.values)).sum())

    def share_decoded(self) -> float:
        """Return the share of suggestions that decode; NaN where there are none."""
        return float(self.decodes.mean()) if len(self) else float("nan")

    def hit_rate(self, threshold: float) -> float:
        """Return different new compositions beyond a threshold, a label; NaN where nothing was labelled."""
        n_label = int((~np.isnan(self.values)).sum())
        return float(self.found(threshold)[-1]) / n_label if n_label else float("nan")

    def round_table(self) -> dict[str, Floats]:
        """Return by round, in order: suggestions, those that decode, mean and best label (NaN without labels)."""
        numbers = np.unique(self.round_numbers)
        table: dict[str, list[float]] = {"round": [], "n_suggestion": [], "n_decoded": [], "mean": [], "best": []}
        for number in numbers:
            here = self.round_numbers == number
            labels = self.values[here & ~np.isnan(self.values)]
            table["round"].append(float(number))
            table["n_suggestion"].append(float(here.sum()))
            table["n_decoded"].append(float((here & self.decodes).sum()))
            best = labels.max(initial=-np.inf) if self.goal == "maximize" else labels.min(initial=np.inf)
            table["mean"].append(float(labels.mean()) if len(labels) else np.nan)
            table["best"].append(float(best) if len(labels) else np.nan)
        return {name: np.array(column) for name, column in table.items()}


def kappa_study(
    run: Callable[[float], SearchHistory], kappas: Sequence[float], threshold: float
) -> list[dict[str, float]]:
    """Return a row a kappa: what a search with it found (paper 004, Fig. 5).

    Parameters
    ----------
    run
        Kappa -> history of a whole search with it.
    kappas
        To try, 0 is greedy.
    threshold
        From where on a composition counts as found.

    Returns
    -------
    Rows with `kappa`, `n_found`, `best`, `mean`, `share_decoded`, `n_new`, `hit_rate`.
    """
    rows = []
    for kappa in kappas:
        history = run(kappa)
        labels = history.values[~np.isnan(history.values)]
        rows.append(
            {
                "kappa": float(kappa),
                "n_found": float(history.found(threshold)[-1]) if len(history) else 0.0,
                "best": float(history.best_so_far()[-1]) if len(history) else float("nan"),
                "mean": float(labels.mean()) if len(labels) else float("nan"),
                "share_decoded": history.share_decoded(),
                "n_new": float(history.n_new()),
                "hit_rate": history.hit_rate(threshold),
            }
        )
    return rows

"""Searches that are compared: the paper's as its code runs, as its text says, and those that go beyond it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.repro_004 import paper

from matsift.generative.search.settings import LatentSearchSettings
from matsift.generative.search.strategies import named_search

#: The maximiser in the box. The published code has 10,000 points, 10 climbs and a new length scale at each point, which
#: would take seconds a suggestion beside 2,000 labels: in 128 dimensions a climb finds the maximum, not the points.
_BOX = {"n_random": 500, "n_climb": 1, "max_step": 30}
_PROCESS = {"refit": "round"}
_SMALL = {"box": {"n_random": 100, "n_climb": 1}, "manifold": {"n_proposal": 200}}


@dataclass(frozen=True)
class Strategy:
    """A search by name, with what is changed of the named settings."""

    key: str
    title: str
    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    beyond: bool = True

    def filled(self, *, budget: int, small: bool = False) -> LatentSearchSettings:
        """Return all its settings; `small` ones are for trying."""
        return named_search(self.name, budget=budget, **{"box": _BOX, **(_SMALL if small else {}), **self.changes})


def by_kappa(kappa: float) -> Strategy:
    """Return the paper's search with another kappa."""
    return Strategy(
        f"kappa {kappa:g}", f"paper, kappa {kappa:g}", "paper", {"kappa": kappa, "process": _PROCESS}, beyond=False
    )


PAPER = by_kappa(paper.KAPPA)
#: With the kappa that the paper finds best.
BEST = by_kappa(paper.BEST_KAPPA)
STRATEGIES = (
    PAPER,
    Strategy(
        "paper_text", "paper's text: only what decodes is registered", "paper_text", {"process": _PROCESS}, beyond=False
    ),
    Strategy("components", "process on 16 components, checked", "components"),
    Strategy("manifold_process", "process near known vectors, checked", "manifold_process"),
    Strategy("manifold_ensemble", "calibrated ensemble near known vectors, checked, diverse", "manifold_ensemble"),
)
BY_KEY = {one.key: one for one in (*(by_kappa(kappa) for kappa in paper.KAPPAS), *STRATEGIES)}

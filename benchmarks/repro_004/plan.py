"""How much is computed: the whole reproduction, and one for trying that goes through all of it in minutes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.repro_004 import paper

#: A quarter of the paper's channels and a rate that rises and falls: minutes on one core in place of a day.
_AUTOENCODER = {
    "width": 0.25,
    "batch": 64,
    "learning_rate": 3e-3,
    "schedule": "one_cycle",
    "informed_start": True,
    "validation_fraction": 0.05,
}


@dataclass(frozen=True)
class Plan:
    """Sizes of the reproduction.

    Parameters
    ----------
    limit
        Rows kept of each table; all where None.
    learners
        Trainings of a line of Table 1 by learner, each on its own split (the paper: ten).
    autoencoder, gan
        Settings of the networks that differ from their defaults.
    n_sample
        Compositions drawn from the GAN, and at random beside them.
    n_candidate
        Of those that pass all filters, so many are screened at most, as they were drawn.
    budget
        Suggestions of a search, decoded or not.
    kappas
        Of the control experiments.
    seeds
        Searches of each strategy that are compared.
    """

    limit: int | None = None
    autoencoder: Mapping[str, Any] = field(default_factory=lambda: {**_AUTOENCODER, "epochs": 6})
    gan: Mapping[str, Any] = field(default_factory=dict)
    n_sample: int = 1_000_000
    n_candidate: int = 20_000
    budget: int = paper.BUDGET
    kappas: tuple[float, ...] = paper.KAPPAS
    seeds: int = 1
    learners: Mapping[str, int] = field(default_factory=lambda: {"lightgbm": 10, "roost": 3, "forest": 3})

    @property
    def small(self) -> bool:
        """Whether it is for trying."""
        return self.limit is not None


#: The whole reproduction.
FULL = Plan()
#: All stages, in minutes.
SMALL = Plan(
    limit=1200,
    learners={"lightgbm": 2, "roost": 1, "forest": 1},
    autoencoder={**_AUTOENCODER, "epochs": 6},
    gan={"width": 0.25, "epochs": 3, "batch": 32},
    n_sample=20_000,
    budget=40,
    kappas=(0.0, 10.0, 100.0),
)

"""How much of what the oracle would choose a screening model finds, and what labels are worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.repro_004 import paper
from numpy.typing import NDArray


@dataclass(frozen=True)
class Screened:
    """What a model chooses among candidates beside what the oracle chooses: how many, and how many of those are its."""

    n_chosen: int
    n_oracle: int
    n_both: int

    @property
    def recovery(self) -> float:
        """Share of the oracle's choice that the model finds (`screen_recover_rate.py`), 0 to 1; NaN if it has none."""
        return self.n_both / self.n_oracle if self.n_oracle else float("nan")

    @property
    def precision(self) -> float:
        """Share of the model's choice that the oracle would make as well; NaN if it has none."""
        return self.n_both / self.n_chosen if self.n_chosen else float("nan")


def screened(said: NDArray[np.float64], oracle: NDArray[np.float64], *, above: float = paper.WIDE_GAP) -> Screened:
    """Return the choice of a model among (n,) candidates beside the oracle's: gaps (eV) at or above a limit."""
    chosen, wanted = said >= above, oracle >= above
    return Screened(int(chosen.sum()), int(wanted.sum()), int((chosen & wanted).sum()))

"""What a strategy may look at: the candidates of one round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.errors import UserInputError

Goal = Literal["maximize", "minimize"]


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates of a round, ordered by structure content hash: equal scores keep this order.

    Parameters
    ----------
    mean, spread
        (n,) prediction, in the unit of the property.
    members
        (n, n_member) predictions of the single members, in the unit of the property; (n, 0) where not loaded.
    n_site
        (n,) atoms in the cell; (0,) where not loaded.
    descriptors
        (n, n_column) with NaN where a value is unknown; (n, 0) where not loaded.
    best
        Best label known so far in the sense of `goal`, in the unit of the property; None where there is none.
    goal
        Which end of the property is good.

    Raises
    ------
    UserInputError
        If the lengths differ, or a prediction is not finite.
    """

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    members: NDArray[np.float64]
    n_site: NDArray[np.int64]
    descriptors: NDArray[np.float64]
    best: float | None = None
    goal: Goal = "maximize"

    def __post_init__(self) -> None:
        """Check that all arrays speak of the same candidates."""
        n = len(self.mean)
        finite = self.mean.shape == self.spread.shape == (n,) and np.isfinite([self.mean, self.spread]).all()
        if not finite or (self.spread < 0).any():
            raise UserInputError("candidates need one finite mean and one finite spread, 0 or more, each")
        if self.members.shape[:1] != (n,) or self.members.ndim != 2 or not np.isfinite(self.members).all():
            raise UserInputError("the members need one finite prediction for each candidate")
        if self.descriptors.shape[:1] != (n,) or self.descriptors.ndim != 2 or np.isinf(self.descriptors).any():
            raise UserInputError("the descriptors need one row for each candidate, with NaN where a value is unknown")
        if self.n_site.shape not in {(n,), (0,)} or (self.n_site < 1).any():
            raise UserInputError("the candidates need 1 atom or more each")
        if self.best is not None and not np.isfinite(self.best):
            raise UserInputError(f"the best label so far cannot be {self.best}")

    @classmethod
    def of(
        cls,
        mean: ArrayLike,
        spread: ArrayLike,
        *,
        members: ArrayLike | None = None,
        n_site: ArrayLike | None = None,
        descriptors: ArrayLike | None = None,
        best: float | None = None,
        goal: Goal = "maximize",
    ) -> Candidates:
        """Return candidates of whom only the prediction must be known."""
        means = np.asarray(mean, dtype=np.float64)
        nothing = np.empty((len(means), 0))
        return cls(
            means,
            np.asarray(spread, dtype=np.float64),
            nothing if members is None else np.asarray(members, dtype=np.float64),
            np.asarray([] if n_site is None else n_site, dtype=np.int64),
            nothing if descriptors is None else np.asarray(descriptors, dtype=np.float64),
            best,
            goal,
        )

    def __len__(self) -> int:
        return len(self.mean)

    @property
    def direction(self) -> float:
        """1 where large values are good, -1 where small ones are."""
        return 1.0 if self.goal == "maximize" else -1.0

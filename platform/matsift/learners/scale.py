"""The scale on which a learner learns and its intervals are symmetric: the value itself, or its decimal logarithm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from matsift.learners.prediction import Prediction

ScaleKind = Literal["linear", "log10"]


@dataclass(frozen=True)
class TargetScale:
    """How a property is transformed before it is learned.

    Moduli span three decades and their errors grow with them, so that their logarithm is the better target; it is also
    what matbench scores (Dunn et al. 2020, npj Comput. Mater. 6, 138).

    Parameters
    ----------
    kind
        ``linear`` or ``log10``.
    floor
        ``log10`` only: what lies below counts as this, in the unit of the property, since zero has no logarithm.
    """

    kind: ScaleKind = "linear"
    floor: float = 1.0

    def forward(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values of a property, of any shape, on this scale."""
        return values if self.kind == "linear" else np.log10(np.maximum(values, self.floor))

    def back(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values on this scale in the unit of the property."""
        return values if self.kind == "linear" else np.asarray(10.0**values)

    def moments(self, prediction: Prediction) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and spread, each (n,), of the members of a prediction on this scale."""
        if self.kind == "linear":
            return prediction.mean, prediction.spread
        seen = Prediction.of_members(self.forward(prediction.members))
        return seen.mean, seen.spread

    def interval_back(
        self, lower: NDArray[np.float64], upper: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return an interval on this scale in the unit of the property.

        A lower end at the floor or below goes down without end: what lies below the floor cannot be told apart.
        """
        if self.kind == "linear":
            return lower, upper
        return np.where(lower <= np.log10(self.floor), -np.inf, self.back(lower)), self.back(upper)


LINEAR = TargetScale()

"""Smooth histograms: numbers spread over bins so that nothing jumps when one of them moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Axis:
    """Bins between two values, evenly on a logarithmic scale (or a linear one), each a cubic B-spline."""

    low: float
    high: float
    n_bin: int
    is_logarithmic: bool = True

    @property
    def first(self) -> float:
        """Where the axis begins."""
        return float(np.log(self.low)) if self.is_logarithmic else self.low

    @property
    def width(self) -> float:
        """Distance between bins."""
        return ((float(np.log(self.high)) if self.is_logarithmic else self.high) - self.first) / (self.n_bin - 3)

    @property
    def centres(self) -> list[float]:
        """The value at which each bin is largest."""
        places = self.first + self.width * (np.arange(self.n_bin) - 1.0)
        return [float(place) for place in (np.exp(places) if self.is_logarithmic else places)]

    def spread(
        self,
        values: NDArray[np.float64],
        weights: NDArray[np.float64],
        owner: NDArray[np.int64],
        n: int,
    ) -> NDArray[np.float64]:
        """Return the sums (n, n_bin) of weights (m,) over the bins, each value's (m,) in the row of its owner (m,).

        A value beyond an end of the axis stands at that end.
        """
        place = np.log(values) if self.is_logarithmic else values
        place = np.clip((place - self.first) / self.width, 0.0, self.n_bin - 3 - 1e-9)
        before = place.astype(np.int64)
        u = place - before
        v = 1.0 - u
        shares = (v**3, 3 * u**3 - 6 * u**2 + 4, 3 * v**3 - 6 * v**2 + 4, u**3)
        bins = np.zeros(n * self.n_bin)
        for step, share in enumerate(shares):
            bins += np.bincount(owner * self.n_bin + before + step, weights * share / 6.0, n * self.n_bin)
        return bins.reshape(n, self.n_bin)

"""What networks and pictures see of a density: scaled values, three views, pooled vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError

#: Window of the largest values that make the 1,000 numbers of a density of 60^3 points [Zhao 2020, Fig. 4].
POOL = 6


@dataclass(frozen=True)
class Normalisation:
    """How values of a density become numbers that networks learn from.

    Parameters
    ----------
    kind
        "log1p" takes log(1 + rho / (1 e/angstrom3)), which tames the peaks at nuclei; "std" divides by `scale`;
        "none" leaves e/angstrom3.
    scale
        e/angstrom3 for "std": the standard deviation over the training densities. After "log1p" the number by which
        the logarithm is divided, 1 for not at all.
    """

    kind: Literal["log1p", "std", "none"] = "log1p"
    scale: float = 1.0

    def fit(self, values: NDArray[Any]) -> Normalisation:
        """Return the normalisation of this kind whose scale is the standard deviation of training densities.

        Raises
        ------
        UserInputError
            If they do not vary.
        """
        if self.kind == "none":
            return self
        spread = float(np.std(np.log1p(_positive(values)) if self.kind == "log1p" else values, dtype=np.float64))
        if not np.isfinite(spread) or spread <= 0:
            raise UserInputError("the training densities do not vary: nothing can be learned from them")
        return Normalisation(self.kind, spread)

    def apply(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return normalised values of the same shape; below zero, as in pseudo densities, counts as zero."""
        if self.kind == "none":
            return values
        if self.kind == "std":
            return np.asarray(values / np.float32(self.scale), dtype=np.float32)
        return np.asarray(np.log1p(_positive(values)) / np.float32(self.scale), dtype=np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a model's settings."""
        return {"kind": self.kind, "scale": self.scale}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Normalisation:
        """Return what `to_dict` gave."""
        return cls(stored["kind"], float(stored["scale"]))


def views(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return the three views of n densities (n, x, y, z), channels first: (x; y, z), (y; z, x) and (z; x, y).

    The image axes follow the channel in cyclic order, so that the three are the same array wherever a threefold axis
    runs along [111] through the origin, as in every cubic space group.
    """
    return values, np.moveaxis(values, (2, 3, 1), (1, 2, 3)), np.moveaxis(values, (3, 1, 2), (1, 2, 3))


def pooled(values: NDArray[Any], window: int = POOL) -> NDArray[Any]:
    """Return (n, m) the largest value in each cube of window^3 points of n densities: 1,000 numbers of 60^3.

    Raises
    ------
    UserInputError
        If the window does not divide the axes.
    """
    n, *axes = values.shape
    if any(length % window for length in axes):
        raise UserInputError(f"a window of {window} points does not divide a grid of {tuple(axes)}")
    a, b, c = (length // window for length in axes)
    cubes = values.reshape(n, a, window, b, window, c, window)
    return np.asarray(cubes.max(axis=(2, 4, 6)).reshape(n, -1))


def _positive(values: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.maximum(values, 0))

"""What a descriptor set is, and what computing it for a chunk of structures gives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DescriptorSet:
    """A named list of columns; the version changes whenever a column's name, order, meaning or number would."""

    name: str
    version: str
    columns: tuple[str, ...]
    description: str


@dataclass(frozen=True, eq=False)
class DescriptorChunk:
    """The descriptors of n structures, in the order in which the structures were given.

    Parameters
    ----------
    values
        (n, n_column) float64; NaN where a value is unknown, and in every column of a structure that failed.
    failures
        Position of each structure that has no descriptors -> (error class, one sentence).
    seconds
        (n,), wall-clock; where structures are computed together each has an equal share.
    """

    values: NDArray[np.float64]
    failures: dict[int, tuple[str, str]] = field(default_factory=dict)
    seconds: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def scatter(
        cls,
        computed: NDArray[np.int64],
        values: NDArray[np.float64],
        failures: dict[int, tuple[str, str]],
        *,
        seconds: float,
    ) -> DescriptorChunk:
        """Return the chunk in which the structures at the positions `computed` have the rows of `values`."""
        n = len(computed) + len(failures)
        table = np.full((n, values.shape[1]), np.nan)
        table[computed] = values
        return cls(table, failures, np.full(n, seconds / max(n, 1)))

    @classmethod
    def failed(cls, n_column: int, error_class: str, message: str, seconds: float) -> DescriptorChunk:
        """Return the chunk of one structure that has no descriptors."""
        return cls(np.full((1, n_column), np.nan), {0: (error_class, message)}, np.array([seconds]))

"""Densities that were read once stay in memory, as many as are allowed: later epochs need not wait for files."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.density.field_source import FieldSource

#: 5,000 densities of 60^3 points are 4.02 GiB.
DEFAULT_LIMIT_BYTES = int(4.5 * 2**30)


class RememberedFields:
    """A source of densities, of which the first that are read stay in memory as float32.

    Parameters
    ----------
    source
        Where they come from.
    limit_bytes
        What may be kept; memory is taken as densities come in.
    """

    def __init__(self, source: FieldSource, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self._source, self._limit = source, limit_bytes
        self._place = np.full(len(source), -1, dtype=np.int64)
        self._kept: NDArray[np.float32] | None = None
        self._n_kept = 0

    def __len__(self) -> int:
        """Return n."""
        return len(self._source)

    def load(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (k, a, b, c) values of the rows; those that are not in memory are read, each once."""
        missing = np.unique(rows[self._place[rows] < 0])
        read = self._source.load(missing) if len(missing) or not len(rows) else None
        if read is not None:
            self._keep(missing, read)
        if self._kept is None:
            assert read is not None
            return read[np.searchsorted(missing, rows)]
        places = self._place[rows]
        values = self._kept[np.maximum(places, 0)] if len(self._kept) else np.empty((len(rows), *self._kept.shape[1:]))
        found = np.asarray(values, dtype=np.float32)
        if read is not None and (places < 0).any():
            found[places < 0] = read[np.searchsorted(missing, rows[places < 0])]
        return found

    def _keep(self, rows: NDArray[np.int64], values: NDArray[np.float32]) -> None:
        if self._kept is None and len(values):
            count = min(len(self), self._limit // values[0].nbytes)
            self._kept = np.empty((count, *values.shape[1:]), dtype=np.float32)
        if self._kept is None:
            return
        new = rows[: len(self._kept) - self._n_kept]
        places = np.arange(self._n_kept, self._n_kept + len(new))
        self._kept[places] = values[: len(new)]
        self._place[new] = places
        self._n_kept += len(new)

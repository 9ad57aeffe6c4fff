"""The plain baseline: the space group of the most similar training profile, bin by bin."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from matsift.diffraction.grid import N_BIN
from matsift.diffraction.sparse import SparseProfiles
from matsift.errors import UserInputError

_CHUNK = 200


def nearest_rows(training: SparseProfiles, asked: SparseProfiles, *, merged: int = 1) -> NDArray[np.int64]:
    """Return for each asked profile the row of the training profile nearest to it (n,).

    Nearest is the largest cosine of the angle between the intensities, the first of equal ones.

    Parameters
    ----------
    merged
        Bins that are added up into one: 1 are the profile's own, more forgive small differences of the cell.

    Raises
    ------
    UserInputError
        If there is no training profile.
    """
    if not len(training):
        raise UserInputError("there is no training profile to be near to")
    known = _unit_rows(training, merged).T.tocsc()
    wanted = _unit_rows(asked, merged)
    parts = [
        np.asarray((wanted[start : start + _CHUNK] @ known).toarray().argmax(axis=1))
        for start in range(0, len(asked), _CHUNK)
    ]
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, dtype=np.int64)


def nearest_classes(
    training: SparseProfiles, classes: ArrayLike, asked: SparseProfiles, *, merged: int = 1
) -> NDArray[np.int64]:
    """Return the class of the nearest training profile of each asked one; arguments as `nearest_rows`."""
    return np.asarray(classes, dtype=np.int64)[nearest_rows(training, asked, merged=merged)]


def _unit_rows(profiles: SparseProfiles, merged: int) -> csr_matrix:
    shape = (len(profiles), -(-N_BIN // merged))
    columns = profiles.bins.astype(np.int64) // merged
    table = csr_matrix((profiles.intensities.astype(np.float64), columns, profiles.offsets), shape=shape)
    table.sum_duplicates()
    norms = np.sqrt(np.asarray(table.multiply(table).sum(axis=1))).ravel()
    lengths = np.diff(table.indptr)
    table.data /= np.repeat(np.where(norms > 0, norms, 1.0), lengths)
    return table

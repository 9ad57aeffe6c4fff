"""Which profiles are alike within the reach of the first convolution, so that one of them would give the other away.

Ozaki et al. 2025: no validation item may have a training item of its space group all of whose peaks lie within the
five-bin window of the first convolution. Read as: two profiles leak if every peak of either has one of the other at
most five bins away; intensities do not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.descriptors.compiling import compiled
from matsift.diffraction.grid import N_BIN
from matsift.diffraction.sparse import SparseProfiles

#: Bins that the first convolution takes in one step.
WINDOW = 5

#: Intensity above which a peak counts; the maximum is 1.
PEAK_FLOOR = 1e-3

#: Intensity above which a peak may be the partner of one that counts: a peak at the threshold is no reason to differ.
PARTNER_FLOOR = 5e-4


def leak_pairs(profiles: SparseProfiles, classes: ArrayLike, *, window: int = WINDOW) -> NDArray[np.int64]:
    """Return the pairs (n_pair, 2) of rows i < j of one class that leak, in ascending order.

    Every pair of a class is looked at; all but a few part at their strongest peak, in some tens of nanoseconds.

    Parameters
    ----------
    profiles
        n profiles.
    classes
        (n,) integers; rows of a negative class are left out.
    window
        Bins that a peak and its partner may be apart.
    """
    numbers = np.asarray(classes, dtype=np.int64)
    order = np.argsort(numbers, kind="stable")
    order = order[numbers[order] >= 0]
    found = _pairs(
        profiles.offsets, profiles.bins, profiles.intensities, order, numbers, window, PEAK_FLOOR, PARTNER_FLOOR, N_BIN
    )
    pairs = np.sort(found, axis=1)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def leak(profiles: SparseProfiles, i: int, j: int, *, window: int = WINDOW) -> bool:
    """Return whether two profiles leak, whatever their classes."""
    lists = profiles.offsets, profiles.bins, profiles.intensities
    return bool(_leak(*lists, i, j, window, PEAK_FLOOR, PARTNER_FLOOR, N_BIN))


def leaks_into(
    profiles: SparseProfiles,
    classes: ArrayLike,
    held_out: SparseProfiles,
    held_out_classes: ArrayLike,
    *,
    window: int = WINDOW,
) -> NDArray[np.bool_]:
    """Return (n,) which profiles leak with a held-out one of their class: crystals made up for training may.

    Parameters
    ----------
    profiles, classes
        n profiles and their classes.
    held_out, held_out_classes
        m profiles and their classes.
    window
        Bins that a peak and its partner may be apart.
    """
    n = len(profiles)
    both = SparseProfiles.concatenate([profiles, held_out])
    numbers, others = np.asarray(classes, dtype=np.int64), np.asarray(held_out_classes, dtype=np.int64)
    leaking = np.zeros(n, dtype=np.bool_)
    lists = both.offsets, both.bins, both.intensities
    _mark(*lists, numbers, others, window, PEAK_FLOOR, PARTNER_FLOOR, N_BIN, leaking)
    return leaking


def with_partner(n: int, pairs: NDArray[np.int64], allowed: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Return (n,) which rows leak with another row; of those allowed alone, if a mask (n,) is given."""
    kept = pairs if allowed is None else pairs[allowed[pairs].all(axis=1)]
    touched = np.zeros(n, dtype=bool)
    touched[kept.ravel()] = True
    return touched


@compiled
def _leak(
    offsets: NDArray[np.int64],
    bins: NDArray[np.int16],
    intensities: NDArray[np.float32],
    i: int,
    j: int,
    window: int,
    floor: float,
    partner_floor: float,
    n_bin: int,
) -> bool:
    for a, b in ((i, j), (j, i)):
        at, end = offsets[b], offsets[b + 1]
        for entry in range(offsets[a], offsets[a + 1]):
            place = bins[entry]
            if intensities[entry] <= floor or place >= n_bin - window:
                continue  # what lies at the upper end may have its partner beyond it
            while at < end and (intensities[at] <= partner_floor or bins[at] < place - window):
                at += 1
            if at == end or bins[at] > place + window:
                return False
    return True


@compiled
def _pairs(
    offsets: NDArray[np.int64],
    bins: NDArray[np.int16],
    intensities: NDArray[np.float32],
    order: NDArray[np.int64],
    classes: NDArray[np.int64],
    window: int,
    floor: float,
    partner_floor: float,
    n_bin: int,
) -> NDArray[np.int64]:
    n = len(order)
    found = [(np.int64(0), np.int64(0)) for _ in range(0)]
    for p in range(n):
        i = order[p]
        for q in range(p + 1, n):
            j = order[q]
            if classes[j] != classes[i]:
                break
            if _leak(offsets, bins, intensities, i, j, window, floor, partner_floor, n_bin):
                found.append((i, j))
    pairs = np.empty((len(found), 2), dtype=np.int64)
    for k in range(len(found)):
        pairs[k, 0], pairs[k, 1] = found[k]
    return pairs


@compiled
def _mark(
    offsets: NDArray[np.int64],
    bins: NDArray[np.int16],
    intensities: NDArray[np.float32],
    classes: NDArray[np.int64],
    others: NDArray[np.int64],
    window: int,
    floor: float,
    partner_floor: float,
    n_bin: int,
    leaking: NDArray[np.bool_],
) -> None:
    n = len(classes)
    for i in range(n):
        for j in range(len(others)):
            if classes[i] == others[j] and _leak(
                offsets, bins, intensities, i, n + j, window, floor, partner_floor, n_bin
            ):
                leaking[i] = True
                break

"""Profiles for the tests of networks: groups that differ in where their lines are, drawn from a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.diffraction.grid import N_BIN
from matsift.diffraction.sparse import SparseProfiles


def random_profiles(n: int, n_line: int = 60, seed: int = 0) -> SparseProfiles:
    """Return profiles of lines anywhere, the outermost bins among them."""
    rng = np.random.default_rng(seed)
    bins = [np.sort(rng.choice(N_BIN, n_line, replace=False)) for _ in range(n)]
    for row, edge in zip(bins, (0, N_BIN - 1), strict=False):
        row[0 if edge == 0 else -1] = edge
    return SparseProfiles.from_lists(bins, [_heights(rng, n_line) for _ in bins])


def _heights(rng: np.random.Generator, n: int) -> NDArray[np.float32]:
    heights = rng.uniform(0.01, 1, n).astype(np.float32)
    return np.asarray(heights / heights.max())


def cubic_profiles(n: int, seed: int = 0) -> tuple[SparseProfiles, NDArray[np.int64], NDArray[np.float64]]:
    """Return profiles of primitive, body and face centred cubic cells, their groups, and primitive volumes."""
    rng = np.random.default_rng(seed)
    bins, heights, volumes = [], [], []
    kinds = np.arange(n) % 3
    hkl = np.indices((9, 9, 9)).reshape(3, -1).T[1:]
    for kind in kinds:
        edge = rng.uniform(4.5, 5.5)
        parity = hkl % 2
        allowed = (
            np.ones(len(hkl), dtype=bool),
            parity.sum(axis=1) % 2 == 0,
            (parity == parity[:, :1]).all(axis=1),
        )[kind]
        squares = np.unique((hkl[allowed] ** 2).sum(axis=1))
        places = ((np.sqrt(squares) / edge - 0.1131) / (1.0625 - 0.1131) * N_BIN).astype(int)
        places = places[(places >= 0) & (places < N_BIN)]
        bins.append(places)
        heights.append(_heights(rng, len(places)))
        volumes.append(edge**3 / (1, 2, 4)[kind])
    return SparseProfiles.from_lists(bins, heights), np.array([221, 229, 225])[kinds], np.array(volumes)

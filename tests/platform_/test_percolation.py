"""Percolation of energy maps: known channels, layers and networks, and a search in supercells as the oracle."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.ndimage import label

from matsift.bond_valence.percolation import Barriers, percolation_barriers

Floats = NDArray[np.float64]
INF = float("inf")


def by_supercells(energies: Floats, *, n: int = 4) -> tuple[float, float, float]:
    """The barriers by labelling an open n x n x n supercell at every energy: slow, and nothing in common with ours.

    A part runs through along a translation that leads from one cell of the supercell to the next inside one label.
    """
    levels = np.unique(energies)
    found = [INF, INF, INF]
    big = np.tile(energies, (n, n, n))
    shape = np.array(energies.shape)
    middle = n // 2 * shape
    for level in levels:
        labels, _ = label(big <= level, structure=np.ones((3, 3, 3)))
        rank = 0
        for point in np.argwhere(energies <= level):
            mine = labels[tuple(point + middle)]
            vectors = [
                np.array(t) - n // 2
                for t in itertools.product(range(n), repeat=3)
                if labels[tuple(point + np.array(t) * shape)] == mine
            ]
            rank = max(rank, int(np.linalg.matrix_rank(np.array(vectors))))
        for dimension in range(rank):
            found[dimension] = min(found[dimension], float(level - levels[0]))
    return found[0], found[1], found[2]


def walls(*shape: int) -> Floats:
    return np.full(shape, 9.0)


def test_a_channel_a_layer_and_the_rest() -> None:
    energies = walls(7, 6, 5)
    energies[3, 3, :] = 0.5
    energies[3, 3, 2] = 0.0
    energies[3, :, :] = np.minimum(energies[3, :, :], 2.0)
    assert percolation_barriers(energies) == Barriers(0.5, 2.0, 9.0)
    assert percolation_barriers(energies, cutoff=5.0) == Barriers(0.5, 2.0, INF)
    assert percolation_barriers(energies, cutoff=5.0).dimension == 2
    assert percolation_barriers(energies, cutoff=0.4) == Barriers(INF, INF, INF)
    assert percolation_barriers(energies, cutoff=0.4).dimension == 0


def test_a_cage_is_no_path() -> None:
    energies = walls(6, 6, 6)
    energies[1:4, 1:4, 1:4] = 0.0
    assert percolation_barriers(energies, cutoff=8.0).dimension == 0


def test_a_path_that_closes_after_two_cells_counts() -> None:
    """Two strands wind half a turn a cell, so each leads into the other: a 2 x 2 x 2 supercell finds no way through."""
    energies = walls(10, 10, 12)
    for z in range(12):
        for turn in (np.pi * z / 12, np.pi * z / 12 + np.pi):
            x, y = np.rint(4.5 + 3 * np.array([np.cos(turn), np.sin(turn)])).astype(int)
            energies[x, y, z] = 0.0
    assert percolation_barriers(energies, cutoff=1.0) == Barriers(0.0, INF, INF)


def test_interpenetrating_networks_run_in_three_dimensions() -> None:
    """Each of two nets repeats by (1,1,0), (1,0,1), (0,1,1) only: four of eight cells, though it fills space."""
    n = 12
    energies = walls(n, n, n)
    for vector in ((1, 1, 0), (1, 0, 1), (0, 1, 1)):
        for t in range(n):
            energies[tuple(np.array(vector) * t % n)] = 0.0
    assert percolation_barriers(energies, cutoff=1.0) == Barriers(0.0, 0.0, 0.0)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 5, 4), (2, 2, 2), (2, 1, 7)])
def test_small_maps_touch_their_own_images(shape: tuple[int, int, int]) -> None:
    assert percolation_barriers(np.zeros(shape)) == Barriers(0.0, 0.0, 0.0)


@settings(derandomize=True)  # of all maps there are some whose paths leave the supercell of the search
@given(arrays(np.int64, (3, 4, 3), elements=st.integers(0, 6)))
def test_any_map_agrees_with_a_search_in_supercells(levels: NDArray[np.int64]) -> None:
    energies: Floats = np.asarray(levels * 0.25, dtype=np.float64)
    said = percolation_barriers(energies)
    assert said.one <= said.two <= said.three
    assert (said.one, said.two, said.three) == by_supercells(energies)


@given(arrays(np.int64, (5, 4, 3), elements=st.integers(0, 9)), st.integers(0, 4), st.integers(0, 3), st.integers(0, 2))
def test_origin_and_supercell_do_not_matter(levels: NDArray[np.int64], a: int, b: int, c: int) -> None:
    energies: Floats = np.asarray(levels * 0.1, dtype=np.float64)
    said = percolation_barriers(energies)
    assert percolation_barriers(np.roll(energies, (a, b, c), axis=(0, 1, 2))) == said
    assert percolation_barriers(np.tile(energies, (2, 1, 3))) == said
    assert percolation_barriers(energies.transpose(2, 0, 1)) == said


@pytest.mark.parametrize("energies", [np.zeros((0, 3, 3)), np.zeros((3, 3)), np.full((2, 2, 2), np.nan)])
def test_no_map_is_refused(energies: Floats) -> None:
    with pytest.raises(ValueError, match="an energy map"):
        percolation_barriers(energies)

"""The hash of a crystal is its identity: the same for ever, for any order of the sites, however it is computed."""

from __future__ import annotations

import hashlib
import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.factories.crystals import crystals, rock_salt, shared_site

from matsift.crystal import HASH_DECIMALS, Crystal

NUMBERS = st.floats(-3, 3) | st.sampled_from([-0.0, 1.0, -1e-20, 0.999995, 0.9999949999, 0.000005, 1 / 3, 0.123455])


def as_first_written(crystal: Crystal) -> str:
    """Return the hash as the first version computed it, one number at a time: databases are full of it."""
    wrapped = np.round(crystal.frac_coords % 1.0, HASH_DECIMALS) % 1.0 + 0.0
    rows = sorted(
        f"{symbol} {occupancy:.4f} {x:.{HASH_DECIMALS}f} {y:.{HASH_DECIMALS}f} {z:.{HASH_DECIMALS}f}"
        for symbol, occupancy, (x, y, z) in zip(crystal.species, crystal.occupancies, wrapped, strict=True)
    )
    cell = " ".join(f"{v:.{HASH_DECIMALS}f}" for v in (np.round(crystal.lattice, HASH_DECIMALS) + 0.0).ravel())
    return hashlib.sha256("\n".join([cell, *rows]).encode()).hexdigest()


@given(arrays(np.float64, (4, 3), elements=NUMBERS), arrays(np.float64, (3, 3), elements=NUMBERS), st.floats(0.01, 1))
def test_it_is_what_it_always_was(coords: np.ndarray, lattice: np.ndarray, occupancy: float) -> None:
    species, occupancies = ("Na", "Cl", "Na", "O"), np.array([1.0, occupancy, 1 - occupancy, 1.0])
    crystal = Crystal(lattice, species, coords, occupancies, np.arange(4))
    assert crystal.content_hash == as_first_written(crystal)


@pytest.mark.parametrize(
    ("crystal", "expected"),
    [
        (rock_salt(), "16e742c30935da1f0c8dd229cd54e63a41cdc922e91ed22ff30417f34ab5a179"),
        (shared_site(), "76c0bdffb745d8ea81dbd1d5bdea62448a6aafd475424c84c77bb97c4d0d3f99"),
        (
            Crystal.ordered(3.0 * np.eye(3), [], np.zeros((0, 3))),
            "af2eefcace04389b5bd01be465f2b0e35dfd728424474806284e6c73d8b15e58",
        ),
    ],
    ids=["ordered", "shared site", "no atoms"],
)
def test_known_crystals_have_known_hashes(crystal: Crystal, expected: str) -> None:
    assert crystal.content_hash == as_first_written(crystal) == expected


@given(crystals(), st.randoms(use_true_random=False))
def test_neither_the_order_of_the_sites_nor_whole_cells_count(crystal: Crystal, chance: random.Random) -> None:
    order = list(range(crystal.n_site))
    chance.shuffle(order)
    moved = Crystal.ordered(
        crystal.lattice,
        [crystal.species[i] for i in order],
        np.round(crystal.frac_coords, HASH_DECIMALS)[order] + [1, 0, -2],
    )
    rounded = Crystal.ordered(crystal.lattice, list(crystal.species), np.round(crystal.frac_coords, HASH_DECIMALS))
    assert moved.content_hash == rounded.content_hash


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_is_no_number_has_a_hash_too() -> None:
    crystal = Crystal.ordered(np.eye(3), ["Na", "Cl"], np.array([[0.0, np.nan, 0.25], [np.inf, 0.5, 0.5]]))
    assert crystal.content_hash == as_first_written(crystal)


def test_it_travels_with_the_crystal() -> None:
    crystal = rock_salt()
    known = crystal.content_hash
    assert pickle.loads(pickle.dumps(crystal)).__dict__["content_hash"] == known

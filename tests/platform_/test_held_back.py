"""What is held back: the wanted elements first, by the seed among equals, the same for the same structures."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matsift.acquisition.held_back import hold_back

SALTS = [("Cl", "Na"), ("Cl", "K"), ("Mg", "O"), ("O", "Si"), ("F", "Li"), ("Ge",)]


def test_structures_with_a_wanted_element_go_first_and_others_fill_up() -> None:
    for seed in range(10):
        two = hold_back(SALTS, first=("Na", "K", "Li"), size=2, seed=seed)
        four = hold_back(SALTS, first=("Na", "K", "Li"), size=4, seed=seed)
        assert set(np.flatnonzero(two)) < {0, 1, 4}
        assert set(np.flatnonzero(four)) > {0, 1, 4}
        assert four.sum() == 4


def test_the_seed_decides_among_equals() -> None:
    chosen = {tuple(hold_back(SALTS, first=(), size=3, seed=seed)) for seed in range(20)}
    assert len(chosen) > 5
    assert hold_back(SALTS, first=(), size=3, seed=1).tolist() == hold_back(SALTS, first=(), size=3, seed=1).tolist()


@given(st.integers(1, 9), st.integers(0, 99))
def test_never_more_than_asked_for_and_a_smaller_pool_is_part_of_a_larger_one(size: int, seed: int) -> None:
    small = hold_back(SALTS, first=("O",), size=size, seed=seed)
    large = hold_back(SALTS, first=("O",), size=size + 1, seed=seed)
    assert small.sum() == min(size, len(SALTS))
    assert not (small & ~large).any()

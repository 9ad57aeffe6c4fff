"""Sets without an element: the paper's sizes by its rule, nothing of the element in training, any learner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matsift.errors import UserInputError
from matsift.learners import registry
from matsift.learners.held_out import Learning
from matsift.learners.left_out_elements import (
    PAPER_SHARE,
    PAPER_THRESHOLD,
    ElementSet,
    contains,
    element_sets,
    elements_to_leave_out,
    leave_elements_out,
)
from matsift.learners.prediction import member_seeds

#: Test sets of Zhao et al. 2020, table 1; the training sets are the rest of 2,170.
PAPER_SIZES = {
    "F": 415, "K": 370, "Rb": 368, "Cs": 356, "Na": 293, "Cl": 290, "In": 233, "Br": 232, "Li": 222, "Sc": 218,
    "Tl": 204,
}  # fmt: skip
RNG = np.random.default_rng(12)
SYMBOLS = ("Li", "Na", "K", "F", "Cl")
COMPOUNDS = [tuple(RNG.choice(SYMBOLS, size=2, replace=False)) for _ in range(80)]
X = np.array([[s in own for s in SYMBOLS] for own in COMPOUNDS], dtype=float) + RNG.normal(0, 0.01, (80, 5))
Y = X @ [1.0, 2.0, 4.0, 8.0, 16.0]


def compounds_of_the_paper() -> list[set[str]]:
    """Return 2,170 compounds with the frequencies of the paper's table, and one element at the threshold itself."""
    rng = np.random.default_rng(0)
    compounds: list[set[str]] = [{"H"} if i < PAPER_THRESHOLD else set() for i in range(2170)]
    for symbol, n in PAPER_SIZES.items():
        for i in rng.permutation(2170)[:n]:
            compounds[i].add(symbol)
    return compounds


@pytest.mark.parametrize("threshold", [PAPER_THRESHOLD, PAPER_SHARE], ids=["count", "share"])
def test_the_rule_gives_the_eleven_sets_of_the_paper_in_their_order(threshold: float) -> None:
    sets = element_sets(compounds_of_the_paper(), threshold=threshold)
    assert {found.element: found.n_test for found in sets} == PAPER_SIZES
    assert [found.element for found in sets] == list(PAPER_SIZES)
    assert [found.n_train for found in sets] == [1755, 1800, 1802, 1814, 1877, 1880, 1937, 1938, 1948, 1952, 1966]


@given(st.lists(st.sets(st.sampled_from(SYMBOLS), min_size=1), min_size=2, max_size=40))
@settings(max_examples=60, deadline=None)
def test_every_test_row_has_the_element_and_no_training_row(compounds: list[set[str]]) -> None:
    often = elements_to_leave_out(compounds, 1)
    for symbol in often:
        if all(symbol in own for own in compounds):
            continue
        (found,) = element_sets(compounds, only=[symbol])
        assert all(symbol in own for own, is_test in zip(compounds, found.test, strict=True) if is_test)
        assert not any(symbol in own for own, is_test in zip(compounds, found.test, strict=True) if not is_test)
        assert found.n_train + found.n_test == len(compounds)
        assert found.n_test > 1
    assert all(sum(s in own for own in compounds) <= 1 for s in set(SYMBOLS) - set(often))


def test_an_element_named_twice_counts_once_and_ties_go_by_symbol() -> None:
    assert elements_to_leave_out([("Na", "Na"), ("Na", "Cl"), ("Cl",), ("K",)], 1) == ("Cl", "Na")


@pytest.mark.parametrize(
    ("threshold", "expected"),
    [
        pytest.param(2, (), id="more than two"),
        pytest.param(0.49, ("Cl", "Na"), id="share"),
        pytest.param(0.5, (), id="half"),
    ],
)
def test_only_more_than_the_threshold_counts(threshold: float, expected: Sequence[str]) -> None:
    assert elements_to_leave_out([("Na",), ("Na", "Cl"), ("Cl",), ("K",)], threshold) == tuple(expected)


@pytest.mark.parametrize("threshold", [-1, 2.5])
def test_a_threshold_that_is_neither_count_nor_share_gives_a_sentence(threshold: float) -> None:
    with pytest.raises(UserInputError, match="must be a number of compounds, or a share below 1"):
        elements_to_leave_out([("Na",)], threshold)


@pytest.mark.parametrize(
    ("element", "how_many"), [pytest.param("Xe", "none", id="none"), pytest.param("Na", "all", id="all")]
)
def test_an_element_that_cannot_be_left_out_gives_a_sentence(element: str, how_many: str) -> None:
    with pytest.raises(UserInputError, match=f"{how_many} of 2 compounds contain {element}"):
        element_sets([("Na",), ("Na", "Cl")], only=[element])


@pytest.mark.parametrize(
    ("kind", "chosen"),
    [
        pytest.param("ridge", {}, id="ridge"),
        pytest.param("random_forest", {"n_estimators": 5}, id="forest"),
        pytest.param("lightgbm_ensemble", {"members": 2, "n_estimators": 5, "min_data_in_leaf": 3}, id="lightgbm"),
        pytest.param("least_squares", {}, id="least squares"),
    ],
)
def test_any_learner_says_of_an_element_what_a_model_without_it_says(kind: str, chosen: dict[str, int]) -> None:
    sets = element_sets(COMPOUNDS, only=["Na", "F"])
    left = leave_elements_out(Learning(kind, X, Y, SYMBOLS, chosen, seed=5), sets)
    for place, found in enumerate(sets):
        own = X[~found.test], Y[~found.test]
        seed = member_seeds(5, 2)[place]
        said = registry.fit(kind, *own, settings=chosen, seed=seed, feature_names=SYMBOLS).predict(X[found.test])
        np.testing.assert_array_equal(left.mean[place, found.test], said.mean)
        np.testing.assert_array_equal(left.spread[place, found.test], said.spread)
        assert np.isnan(left.mean[place, ~found.test]).all()
        error = Y[found.test] - said.mean
        assert left.scores()[found.element]["rmse"] == pytest.approx(np.sqrt((error**2).mean()))
        variance = ((Y[found.test] - Y[found.test].mean()) ** 2).sum()
        assert left.scores()[found.element]["r2"] == pytest.approx(1 - (error**2).sum() / variance)


def test_labels_of_the_element_play_no_part() -> None:
    other = np.where(contains(COMPOUNDS, "Cl"), 1e6, Y)
    sets = (ElementSet("Cl", contains(COMPOUNDS, "Cl")),)
    said = [leave_elements_out(Learning("ridge", X, y, SYMBOLS, {}), sets).mean for y in (Y, other)]
    np.testing.assert_array_equal(said[0], said[1])

"""Intervals for a new element: the weighted quantile by hand, its coverage, and what plain intervals miss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matsift.errors import UserInputError
from matsift.learners.calibration import FLOOR_SHARE, ConformalCalibration
from matsift.learners.element_shift import calibrate_hierarchical, coverages, plain_calibration, shifted_calibration
from matsift.learners.left_out_elements import ElementSet, LeftOutElements
from matsift.learners.repeated_folds import OutOfFold

RNG = np.random.default_rng(8)


def of_shifted_groups(rng: np.random.Generator, n_group: int, n_row: int) -> tuple[np.ndarray, np.ndarray]:
    """Return errors whose mean is another in each group, and the groups."""
    groups = np.repeat(np.arange(n_group), n_row)
    return np.repeat(rng.normal(0, 3, n_group), n_row) + rng.normal(0, 1, n_group * n_row), groups


@given(st.lists(st.integers(1, 7), min_size=9, max_size=14), st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_the_multiplier_is_the_weighted_quantile(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    y, spread = rng.normal(size=len(groups)), rng.uniform(0.5, 2, len(groups))
    found = calibrate_hierarchical(y, np.zeros_like(y), spread, groups.tolist(), 0.9)
    scores = np.abs(y) / (spread + FLOOR_SHARE * np.median(spread))

    def share_held(multiplier: float) -> float:
        held = sum((scores[groups == k] <= multiplier).mean() for k in range(len(sizes)))
        return float(held) / (len(sizes) + 1)

    assert share_held(found.multiplier) >= 0.9 - 1e-9
    assert share_held(found.multiplier * (1 - 1e-9)) < 0.9 - 1e-9
    assert [level for level, _ in found.multipliers] == (np.arange(1, 10) / 10).tolist()


def test_one_row_a_group_is_split_conformal() -> None:
    y, spread = RNG.normal(size=40), RNG.uniform(1, 2, 40)
    ours = calibrate_hierarchical(y, np.zeros(40), spread, range(40), 0.9)
    assert ours == ConformalCalibration.fit(y, np.zeros(40), spread, 0.9)


def test_a_new_group_is_held_as_often_as_wanted_where_plain_intervals_miss() -> None:
    rng = np.random.default_rng(3)
    held = []
    for _ in range(300):
        errors, groups = of_shifted_groups(rng, 12, 20)
        known = groups < 11
        zeros = np.zeros(known.sum())
        ours = calibrate_hierarchical(errors[known], zeros, zeros + 1, groups[known].tolist(), 0.9)
        # What a model that knows all groups errs by is the scatter within groups alone.
        within = errors[known] - np.repeat([errors[groups == g].mean() for g in range(11)], 20)
        plain = ConformalCalibration.fit(within, zeros, zeros + 1, 0.9)
        new = np.abs(errors[~known])
        held.append([(new <= c.multiplier * (1 + c.floor)).mean() for c in (ours, plain)])
    ours_held, plain_held = np.mean(held, axis=0)
    assert ours_held >= 0.9 - 3 * np.std(held, axis=0)[0] / np.sqrt(300)
    assert plain_held < 0.55


def test_without_the_guarantee_a_group_weighs_its_share_and_many_groups_agree() -> None:
    y = np.arange(1.0, 11.0)
    one_each = [calibrate_hierarchical(y, 0 * y, 0 * y, range(10), 0.9, guaranteed=sure) for sure in (False, True)]
    assert [found.multiplier for found in one_each] == [9.0, 10.0]
    errors, groups = of_shifted_groups(np.random.default_rng(1), 400, 3)
    found = [
        calibrate_hierarchical(errors, 0 * errors, 0 * errors, groups.tolist(), 0.9, guaranteed=sure).multiplier
        for sure in (False, True)
    ]
    assert found[0] <= found[1] < 1.02 * found[0]


@pytest.mark.parametrize(
    ("n_group", "coverage", "sentence"),
    [
        pytest.param(8, 0.9, "needs 9 groups to calibrate on, there are 8", id="too few"),
        pytest.param(8, 1.0, "must lie between 0 and 1", id="no coverage"),
        pytest.param(0, 0.5, "needs 1 groups", id="none"),
    ],
)
def test_too_few_groups_give_a_sentence(n_group: int, coverage: float, sentence: str) -> None:
    y = RNG.normal(size=n_group)
    with pytest.raises(UserInputError, match=sentence):
        calibrate_hierarchical(y, y, np.ones(n_group), range(n_group), coverage)


def left_out_of(y: np.ndarray, masks: dict[str, np.ndarray], error: dict[str, float]) -> LeftOutElements:
    sets = tuple(ElementSet(name, test) for name, test in masks.items())
    mean = np.array([np.where(test, y + error[name], np.nan) for name, test in masks.items()])
    return LeftOutElements(y, sets, mean, np.where(np.isnan(mean), np.nan, 0.0))


def test_compounds_of_the_element_do_not_calibrate() -> None:
    y = np.zeros(6)
    masks = {"Na": np.array([1, 1, 1, 0, 0, 0], bool), "Cl": np.array([0, 0, 1, 1, 1, 0], bool)}
    left = left_out_of(y, masks, {"Na": 5.0, "Cl": 2.0})
    # Row 2 has both: for new chlorides only rows 0 and 1 of the sodium set count, and the reverse.
    for element, multiplier in (("Cl", 5.0), ("Na", 2.0)):
        found = shifted_calibration(left, 0.5, element=element)
        assert (found.multiplier, found.n_calibration) == (multiplier, 2)
    assert shifted_calibration(left, 0.5).n_calibration == 6


def test_coverages_of_elements_that_are_off_by_different_amounts() -> None:
    n_element, n_row = 11, 12
    n = n_element * n_row
    of_row = np.repeat(np.arange(n_element), n_row)
    y = RNG.normal(100, 20, n)
    masks = {f"E{k}": of_row == k for k in range(n_element)}
    left = left_out_of(y, masks, {f"E{k}": float(k) for k in range(n_element)})
    said = OutOfFold(y, np.zeros((2, n), dtype=np.int64), np.tile(y + 0.5, (2, 1)), np.zeros((2, n)))
    lines = coverages(left, said, 0.9)
    assert [line.element for line in lines] == list(masks)
    assert all(line.n_row == n_row for line in lines)
    # Plain intervals are half a unit wide to each side: only the element without an error is held.
    assert [line.plain for line in lines] == [1.0] + [0.0] * 10
    assert all(line.plain_width == pytest.approx(1.0) for line in lines)
    # Ten others: the guarantee asks for 0.99 of their errors, so the worst of them decides.
    assert [line.guaranteed for line in lines] == [1.0] * 10 + [0.0]
    assert (lines[0].guaranteed_width, lines[-1].guaranteed_width) == pytest.approx((20.0, 18.0))
    # Nine tenths of them are all but the worst.
    assert [line.shifted for line in lines] == [1.0] * 9 + [0.0] * 2
    assert (lines[0].shifted_width, lines[-1].shifted_width) == pytest.approx((18.0, 16.0))


def test_few_elements_leave_the_guaranteed_interval_out() -> None:
    y = RNG.normal(size=40)
    masks = {name: np.arange(40) % 3 == k for k, name in enumerate(("Na", "K", "Li"))}
    left = left_out_of(y, masks, dict.fromkeys(masks, 0.1))
    said = OutOfFold(y, np.zeros((1, 40), dtype=np.int64), y[None] + 0.2, np.ones((1, 40)))
    lines = coverages(left, said)
    assert [(line.guaranteed, line.guaranteed_width) for line in lines] == [(None, None)] * 3
    assert [line.shifted for line in lines] == [1.0] * 3
    assert plain_calibration(said, ~masks["Na"], 0.9).n_calibration == 26

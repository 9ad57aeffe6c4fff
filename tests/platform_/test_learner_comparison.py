"""Learners beside each other: means over repeats, differences by bootstrap, who is best how often."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from matsift.errors import UserInputError
from matsift.learners.comparison import best_counts, difference, standings
from matsift.learners.left_out_elements import ElementSet, LeftOutElements
from matsift.learners.repeated_folds import OutOfFold

RNG = np.random.default_rng(6)
Y = RNG.normal(100, 30, 400)


def said_with(error: float, n_repeat: int = 3, y: np.ndarray = Y) -> OutOfFold:
    noise = np.random.default_rng(int(10 * error)).normal(0, error, (n_repeat, len(y)))
    return OutOfFold(y, np.zeros((n_repeat, len(y)), dtype=np.int64), y + noise, np.ones((n_repeat, len(y))))


def test_a_line_a_learner_holds_the_averaged_output_and_the_repeats() -> None:
    said = {"A": said_with(3.0), "B": said_with(6.0, n_repeat=1)}
    first, second = standings(said)
    assert (first.learner, first.n_row, first.n_repeat) == ("A", 400, 3)
    assert first.averaged == said["A"].metrics()
    rmse = [own["rmse"] for own in said["A"].each()]
    assert first.mean["rmse"] == pytest.approx(np.mean(rmse))
    assert first.deviation["rmse"] == pytest.approx(np.std(rmse, ddof=1))
    assert (second.mean, second.deviation["r2"]) == (second.averaged, None)


def test_the_interval_of_a_difference_is_scipys_bootstrap() -> None:
    said = {"A": said_with(3.0), "B": said_with(3.3)}
    found = difference(said, "A", "B", seed=1)
    of_a, of_b = ((own.averaged - Y) ** 2 for own in said.values())

    def statistic(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.asarray(np.sqrt(a.mean(axis=axis)) - np.sqrt(b.mean(axis=axis)))

    theirs = bootstrap((of_a, of_b), statistic, paired=True, n_resamples=4000, method="percentile", rng=2)
    assert found.difference == pytest.approx(statistic(of_a, of_b), rel=1e-12)
    assert (found.lower, found.upper) == pytest.approx(tuple(theirs.confidence_interval), abs=0.03)


def test_a_learner_is_no_better_than_itself_and_better_than_a_bad_one() -> None:
    said = {"A": said_with(3.0), "B": said_with(9.0)}
    same = difference(said, "A", "A")
    assert (same.difference, same.lower, same.upper, same.is_real) == (0.0, 0.0, 0.0, False)
    real = difference(said, "A", "B")
    assert real.is_real
    assert real.upper < 0


def test_groups_drawn_as_a_whole_widen_the_interval() -> None:
    shared = np.repeat(RNG.normal(0, 3, 40), 10)
    wrong = OutOfFold(Y, np.zeros((1, 400), dtype=np.int64), (Y + shared)[None], np.ones((1, 400)))
    said = {"A": wrong, "B": said_with(3.0, 1)}
    rows, groups = (difference(said, "A", "B", groups=g) for g in (None, np.repeat(np.arange(40), 10).tolist()))
    assert groups.upper - groups.lower > 1.5 * (rows.upper - rows.lower)


def test_learners_that_speak_of_other_rows_cannot_be_compared() -> None:
    with pytest.raises(UserInputError, match="A and B speak of different rows"):
        difference({"A": said_with(3.0), "B": said_with(3.0, y=Y + 1)}, "A", "B")


@pytest.mark.parametrize("metric", ["r2", "rmse"])
def test_the_best_of_each_set_is_counted_and_ties_count_for_each(metric: str) -> None:
    sets = tuple(ElementSet(name, np.arange(400) % 3 == k) for k, name in enumerate(("F", "K", "Rb")))

    def left_out(errors: tuple[float, float, float]) -> LeftOutElements:
        mean = np.array([np.where(s.test, Y + e, np.nan) for s, e in zip(sets, errors, strict=True)])
        return LeftOutElements(Y, sets, mean, np.zeros_like(mean))

    bulk = {"A": left_out((1.0, 2.0, 3.0)), "B": left_out((2.0, 1.0, 3.0))}
    shear = {"A": left_out((1.0, 1.0, 1.0)), "B": left_out((2.0, 2.0, 2.0))}
    assert best_counts([bulk, shear], metric) == {"A": 5, "B": 2}

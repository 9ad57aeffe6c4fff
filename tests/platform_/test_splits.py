"""Roles and folds: nothing leaks, everything is dealt, the same seed gives the same deal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matsift.errors import UserInputError
from matsift.learners.splits import (
    N_STRATUM,
    STRATEGIES,
    Strategy,
    assign_roles,
    group_numbers,
    kfold,
    kfold_by_group,
    roles_of_fold,
)

RNG = np.random.default_rng(5)
Y = RNG.gamma(2.0, 40.0, 400)
SODIUM = RNG.random(400) < 0.07


def deal(strategy: Strategy, seed: int = 3, threshold: float | None = 120.0) -> np.ndarray:
    return assign_roles(
        strategy,
        Y,
        SODIUM,
        test_fraction=0.2,
        validation_fraction=0.1,
        threshold=threshold,
        seed=seed,
        groups=range(400),
    )


@pytest.mark.parametrize("strategy", sorted(set(STRATEGIES) - {"leave_element_out"}))
def test_shares_are_those_asked_for(strategy: Strategy) -> None:
    roles = deal(strategy)
    assert {role: int((roles == role).sum()) for role in ("train", "validation", "test")} == {
        "test": 80,
        "validation": 32,  # a tenth of the remaining 320
        "train": 288,
    }


def test_model_1_trains_and_calibrates_without_the_element() -> None:
    roles = deal("model_1")
    assert set(roles[SODIUM]) == {"test"}
    assert (roles[~SODIUM] == "test").sum() == 80 - SODIUM.sum()


def test_model_1_tests_every_row_with_the_element_even_beyond_the_fraction() -> None:
    marked = np.arange(400) < 150
    roles = assign_roles("model_1", Y, marked, test_fraction=0.2, validation_fraction=0.1, seed=0)
    assert ((roles == "test") == marked).all()


def test_a_left_out_element_tests_in_every_row_and_nowhere_else() -> None:
    roles = deal("leave_element_out")
    assert ((roles == "test") == SODIUM).all()
    assert (roles == "validation").sum() == round(0.1 * (~SODIUM).sum())


@pytest.mark.parametrize("marked", [np.zeros(20, dtype=bool), np.ones(20, dtype=bool)], ids=["none", "all"])
def test_an_element_that_cannot_be_left_out_gives_a_sentence(marked: np.ndarray) -> None:
    with pytest.raises(UserInputError, match=f"of 20 labelled structures {marked.sum()} contain the element to leave"):
        assign_roles("leave_element_out", Y[:20], marked, test_fraction=0.2, validation_fraction=0.1, seed=0)


def test_model_2_has_the_element_on_both_sides() -> None:
    roles = deal("model_2")
    assert (roles[SODIUM] == "test").any()
    assert (roles[SODIUM] == "train").any()


def test_model_3_trains_on_everything_at_or_above_the_threshold() -> None:
    y = Y.copy()
    y[:5] = 120.0
    roles = assign_roles("model_3", y, SODIUM, test_fraction=0.2, validation_fraction=0.1, threshold=120.0, seed=3)
    assert set(roles[y >= 120.0]) == {"train"}


@pytest.mark.parametrize("role", ["test", "validation"])
def test_model_3_draws_alike_from_each_tenth_of_the_target(role: str) -> None:
    roles = deal("model_3")
    free = Y[Y < 120.0]
    edges = np.quantile(free, np.linspace(0, 1, N_STRATUM + 1)[1:-1])
    counts = np.bincount(np.digitize(Y[roles == role], edges), minlength=N_STRATUM)
    assert counts.max() - counts.min() <= 2


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_seed_decides(strategy: Strategy) -> None:
    assert (deal(strategy, seed=3) == deal(strategy, seed=3)).all()
    assert (deal(strategy, seed=3) != deal(strategy, seed=4)).any()


def test_no_threshold_forces_nothing() -> None:
    assert "test" in set(deal("model_3", threshold=None)[Y >= 120.0])


def test_no_validation_rows_when_none_are_asked_for() -> None:
    roles = assign_roles("model_2", Y, SODIUM, test_fraction=0.2, validation_fraction=0.0, seed=0)
    assert set(roles) == {"train", "test"}


@pytest.mark.parametrize(
    ("strategy", "n", "marked", "threshold"),
    [
        pytest.param("model_2", 1, False, None, id="one row"),
        pytest.param("model_2", 2, False, None, id="two rows for three roles"),
        pytest.param("model_1", 50, True, None, id="every row holds the element"),
        pytest.param("model_3", 50, False, -1.0, id="every row forced into training"),
    ],
)
def test_rows_that_cannot_be_dealt_give_a_sentence(
    strategy: Strategy, n: int, marked: bool, threshold: float | None
) -> None:
    with pytest.raises(UserInputError, match=f"^{n} labelled structures .* are too few"):
        assign_roles(
            strategy,
            np.arange(n),
            np.full(n, marked),
            test_fraction=0.2,
            validation_fraction=0.1,
            threshold=threshold,
            seed=0,
        )


def test_an_unknown_strategy_gives_a_sentence() -> None:
    with pytest.raises(
        UserInputError, match=r"no sampling strategy 'model_4' \(did you mean 'model_\d'\?\); use one of model_1"
    ):
        assign_roles("model_4", Y, SODIUM, test_fraction=0.2, validation_fraction=0.1, seed=0)  # type: ignore[arg-type]


@given(
    strategy=st.sampled_from(list(STRATEGIES)),
    y=st.lists(st.floats(-1e3, 1e3), min_size=12, max_size=60),
    threshold=st.floats(-1e3, 1e3),
    seed=st.integers(0, 2**31),
    data=st.data(),
)
@settings(max_examples=150, deadline=None)
def test_no_row_is_where_it_must_not_be(
    strategy: Strategy, y: list[float], threshold: float, seed: int, data: st.DataObject
) -> None:
    marked = np.array(data.draw(st.lists(st.booleans(), min_size=len(y), max_size=len(y))))
    groups = data.draw(st.lists(st.integers(0, 9), min_size=len(y), max_size=len(y)))
    try:
        roles = assign_roles(
            strategy,
            y,
            marked,
            test_fraction=0.2,
            validation_fraction=0.1,
            threshold=threshold,
            seed=seed,
            groups=groups,
        )
    except UserInputError:
        return
    assert set(roles) == {"train", "validation", "test"}
    if strategy == "model_1":
        assert set(roles[marked]) <= {"test"}
    if strategy == "model_3":
        assert set(roles[np.array(y) >= threshold]) <= {"train"}
    if strategy == "by_composition":
        assert len(set(zip(groups, roles.tolist(), strict=True))) == len(set(groups))


def test_compositions_keep_together_and_are_counted() -> None:
    formulae = [f"A{i % 25}" for i in range(400)]
    roles = assign_roles(
        "by_composition", Y, SODIUM, test_fraction=0.2, validation_fraction=0.1, seed=0, groups=formulae
    )
    role_of = dict(zip(formulae, roles.tolist(), strict=True))
    assert [role_of[formula] for formula in formulae] == roles.tolist()
    assert {role: list(role_of.values()).count(role) for role in ("test", "validation", "train")} == {
        "test": 5,
        "validation": 2,
        "train": 18,
    }


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        pytest.param(None, "by_composition needs the composition of each of 4 rows", id="not given"),
        pytest.param(["a", "b"], "by_composition needs the composition of each of 4 rows", id="too few"),
        pytest.param(["a", "a", "b", "b"], "4 labelled structures of 2 compositions are too few", id="two"),
    ],
)
def test_compositions_that_cannot_be_dealt_give_a_sentence(groups: list[str] | None, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        assign_roles(
            "by_composition", Y[:4], SODIUM[:4], test_fraction=0.2, validation_fraction=0.1, seed=0, groups=groups
        )


def test_groups_are_numbered_as_they_appear() -> None:
    assert group_numbers(["b", "a", "b", "c", "a"]).tolist() == [0, 1, 0, 2, 1]
    assert group_numbers([]).tolist() == []


def test_folds_are_even_and_repeat() -> None:
    folds = kfold(1181, 5, seed=7)
    assert sorted(np.bincount(folds)) == [236, 236, 236, 236, 237]
    assert (folds == kfold(1181, 5, seed=7)).all()
    assert (folds != kfold(1181, 5, seed=8)).any()


def test_no_formula_stands_in_two_folds() -> None:
    formulae = [f"A{i % 37}" for i in range(200)]
    folds = kfold_by_group(formulae, 5, seed=0)
    for formula in set(formulae):
        assert len({fold for fold, name in zip(folds, formulae, strict=True) if name == formula}) == 1
    assert np.ptp(np.bincount(folds)) <= 6


def test_more_folds_than_groups_give_a_sentence() -> None:
    with pytest.raises(UserInputError, match="3 distinct groups cannot be dealt to 5 folds"):
        kfold_by_group(["a", "b", "c", "a"], 5, seed=0)


def test_the_fold_of_a_benchmark_tests_and_the_rest_trains_and_calibrates() -> None:
    folds = np.array([0, 1, 2, 3, 4] * 20 + [-1] * 10)
    roles = roles_of_fold(folds, 2, validation_fraction=0.1, seed=5)
    assert np.flatnonzero(roles == "test").tolist() == np.flatnonzero(folds == 2).tolist()
    assert (roles == "validation").sum() == 9
    assert (roles == "train").sum() == 81
    assert roles_of_fold(folds, 2, validation_fraction=0.1, seed=5).tolist() == roles.tolist()
    assert roles_of_fold(folds, 2, validation_fraction=0.1, seed=6).tolist() != roles.tolist()
    assert set(roles_of_fold(folds, 4, validation_fraction=0, seed=5).tolist()) == {"train", "test"}


@pytest.mark.parametrize("folds", [[-1, -1], [1, 1]], ids=["none tests", "none trains"])
def test_a_fold_that_cannot_be_is_refused(folds: list[int]) -> None:
    with pytest.raises(UserInputError, match="official folds need a matbench set as a source"):
        roles_of_fold(folds, 1, validation_fraction=0.1, seed=0)

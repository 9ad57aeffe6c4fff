"""Which labelled structures train, calibrate and test: the strategies of paper 001, by composition, and folds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.errors import UserInputError
from matsift.suggestions import meant

Strategy = Literal["model_1", "model_2", "model_3", "by_composition", "leave_element_out"]

#: What each strategy does, in one line; the models are those of paper 001, the last is that of paper 003.
STRATEGIES: dict[Strategy, str] = {
    "model_1": "random, structures with the element only in the test set",
    "model_2": "random, structures with the element on both sides",
    "model_3": "stratified by the target, everything at or above the threshold in the training set",
    "by_composition": "random compositions, all structures of one with the same role",
    "leave_element_out": "structures with the element test, all others train and calibrate",
}

#: Thresholds of Model 3 in GPa, as the paper's definition has them; its discussion prefers 200 for the shear modulus.
PAPER_THRESHOLDS = {"g_vrh": 120.0, "k_vrh": 350.0}

N_STRATUM = 10


def assign_roles(
    strategy: Strategy,
    y: ArrayLike,
    has_element: ArrayLike,
    *,
    test_fraction: float,
    validation_fraction: float,
    threshold: float | None = None,
    seed: int,
    groups: Sequence[Hashable] | None = None,
) -> NDArray[np.str_]:
    """Return "train", "validation" or "test" for each of n rows.

    Validation rows calibrate intervals and must be like the test rows, so they are drawn as the test rows are: in
    Model 3 stratified and never from the rows forced into training, in Model 1 and where an element is left out never
    with the element (whose intervals are therefore not guaranteed to hold).

    Parameters
    ----------
    strategy
        "model_1": the test set is every row with the element, filled up at random to `test_fraction`; "model_2":
        random; "model_3": `test_fraction` of all rows, drawn alike from ten quantile bins of the target, but never
        a row whose target is at or above `threshold`; "by_composition": random groups, `test_fraction` of their
        number; "leave_element_out": the test set is every row with the element and no other.
    y
        (n,) target.
    has_element
        (n,) whether the structure contains the element of the study; Model 1 and "leave_element_out" look at it.
    test_fraction
        Share of all rows that test; "leave_element_out" does not look at it.
    validation_fraction
        Share of the remaining rows that calibrate; 0 for none.
    threshold
        Model 3: rows at or above it always train, in the unit of `y`; None forces no row.
    seed
        Seed of the draw.
    groups
        "by_composition": (n,) the group of each row, its reduced formula for example; others do not look at it.

    Raises
    ------
    UserInputError
        If the rows (or groups) are too few for the roles, Model 1 leaves nothing to train on, no row or each has the
        element to leave out, or groups are wanted and not given.
    """
    target, marked = np.asarray(y, dtype=np.float64), np.asarray(has_element, dtype=bool)
    n, rng = len(target), np.random.default_rng(seed)
    if strategy not in STRATEGIES:
        raise UserInputError(
            f"there is no sampling strategy {strategy!r}{meant(strategy, STRATEGIES)}; use one of "
            f"{', '.join(STRATEGIES)}"
        )
    if strategy == "by_composition":
        return _roles_of_groups(n, groups, test_fraction, validation_fraction, rng)
    if strategy == "leave_element_out":
        return _roles_without(marked, validation_fraction, rng)
    forced = np.zeros(n, dtype=bool)
    if strategy == "model_3" and threshold is not None:
        forced = target >= threshold
    held_out = marked if strategy == "model_1" else np.zeros(n, dtype=bool)
    n_test = max(_count(n, test_fraction), int(held_out.sum()))
    n_validation = _count(n - n_test, validation_fraction)
    free = np.flatnonzero(~forced & ~held_out)
    n_free_test = n_test - int(held_out.sum())
    if n_free_test + n_validation > len(free) or n - n_test - n_validation < 1:
        raise UserInputError(
            f"{n} labelled structures ({int(forced.sum())} forced into training, {int(held_out.sum())} into the test "
            f"set) are too few for {n_test} test and {n_validation} validation rows under {strategy}; add labels, "
            "lower the fractions or choose another strategy"
        )
    order = _stratified_order(target[free], rng) if strategy == "model_3" else rng.permutation(len(free))
    roles = np.full(n, "train", dtype="<U10")
    roles[held_out] = "test"
    roles[free[order[:n_free_test]]] = "test"
    roles[free[order[n_free_test : n_free_test + n_validation]]] = "validation"
    return roles


def group_numbers(groups: Sequence[Hashable]) -> NDArray[np.int64]:
    """Return the number of each row's group; groups are numbered from 0 in the order in which they first appear."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.int64)


def roles_of_fold(folds: ArrayLike, fold: int, *, validation_fraction: float, seed: int) -> NDArray[np.str_]:
    """Return "train", "validation" or "test" for each of n rows by the folds that come with a benchmark.

    Validation rows calibrate intervals; they are drawn at random from the rows that are not tested, as a benchmark
    leaves it to the method.

    Parameters
    ----------
    folds
        (n,) fold in which each row is tested, -1 for a row of no fold, which is never tested.
    fold
        The fold that tests.
    validation_fraction
        Share of the other rows that calibrate; 0 for none.
    seed
        Seed of the draw.

    Raises
    ------
    UserInputError
        If no row is tested, or none is left to train on.
    """
    tested = np.asarray(folds, dtype=np.int64) == fold
    others = np.flatnonzero(~tested)
    n_validation = _count(len(others), validation_fraction)
    if not tested.any() or len(others) - n_validation < 1:
        raise UserInputError(
            f"of {len(tested)} labelled structures {int(tested.sum())} are tested in fold {fold} and "
            f"{len(others) - n_validation} left to train on; official folds need a matbench set as a source"
        )
    roles = np.full(len(tested), "train", dtype="<U10")
    roles[tested] = "test"
    roles[np.random.default_rng(seed).permutation(others)[:n_validation]] = "validation"
    return roles


def kfold(n: int, n_fold: int, seed: int) -> NDArray[np.int64]:
    """Return the fold, 0 to `n_fold` - 1, of each of n rows; sizes differ by one at most."""
    return kfold_by_group(list(range(n)), n_fold, seed)


def kfold_by_group(groups: Sequence[Hashable], n_fold: int, seed: int) -> NDArray[np.int64]:
    """Return the fold of each row so that no group (a reduced formula, say) stands in two folds.

    Groups are shuffled, then dealt from the largest to the smallest, each to the fold with the fewest rows.

    Raises
    ------
    UserInputError
        If there are fewer groups than folds.
    """
    members: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    if not 2 <= n_fold <= len(members):
        raise UserInputError(f"{len(members)} distinct groups cannot be dealt to {n_fold} folds")
    rows = list(members.values())
    shuffled = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))]
    folds, sizes = np.empty(len(groups), dtype=np.int64), np.zeros(n_fold, dtype=np.int64)
    for group_rows in sorted(shuffled, key=len, reverse=True):
        fold = int(sizes.argmin())
        folds[group_rows] = fold
        sizes[fold] += len(group_rows)
    return folds


def _roles_of_groups(
    n: int,
    groups: Sequence[Hashable] | None,
    test_fraction: float,
    validation_fraction: float,
    rng: np.random.Generator,
) -> NDArray[np.str_]:
    """Return the role of each of n rows by that of its group."""
    if groups is None or len(groups) != n:
        raise UserInputError(f"the sampling strategy by_composition needs the composition of each of {n} rows")
    numbers = group_numbers(groups)
    n_group = int(numbers.max(initial=-1)) + 1
    n_test = _count(n_group, test_fraction)
    n_validation = _count(n_group - n_test, validation_fraction)
    if n_group - n_test - n_validation < 1:
        raise UserInputError(
            f"{n} labelled structures of {n_group} compositions are too few for {n_test} compositions to test and "
            f"{n_validation} to calibrate with; add labels, lower the fractions or choose another strategy"
        )
    role_of_group = np.full(n_group, "train", dtype="<U10")
    order = rng.permutation(n_group)
    role_of_group[order[:n_test]] = "test"
    role_of_group[order[n_test : n_test + n_validation]] = "validation"
    return role_of_group[numbers]


def _roles_without(marked: NDArray[np.bool_], validation_fraction: float, rng: np.random.Generator) -> NDArray[np.str_]:
    """Return "test" for the marked rows; of the others some calibrate."""
    others = np.flatnonzero(~marked)
    n_validation = _count(len(others), validation_fraction)
    if len(others) == len(marked) or len(others) - n_validation < 1:
        raise UserInputError(
            f"of {len(marked)} labelled structures {len(marked) - len(others)} contain the element to leave out: none "
            "is left to test or to train on; choose another sampling.element or add labels"
        )
    roles = np.where(marked, "test", "train").astype("<U10")
    roles[rng.permutation(others)[:n_validation]] = "validation"
    return roles


def _count(n: int, fraction: float) -> int:
    """Return how many of n rows a fraction is: rounded, but at least one unless the fraction is 0."""
    return max(1, round(fraction * n)) if fraction > 0 else 0


def _stratified_order(target: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return an order of the rows of which every leading piece holds the quantile bins in like shares."""
    n = len(target)
    by_value = np.argsort(target, kind="stable")
    stratum = np.empty(n, dtype=np.int64)
    stratum[by_value] = np.arange(n) * N_STRATUM // max(n, 1)
    place = np.empty(n)
    for s in range(N_STRATUM):
        rows = np.flatnonzero(stratum == s)
        # Evenly spaced places with a common random offset: any leading share f takes f of each bin, give or take one.
        place[rows] = (rng.permutation(len(rows)) + rng.random()) / max(len(rows), 1)
    return np.argsort(place, kind="stable")

"""Metrics of paper 002: identities of the confusion matrix, members beside their ensemble, intervals, volumes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import confusion_matrix as of_sklearn
from sklearn.metrics import precision_recall_fscore_support

from matsift.diffraction.certainty import Certainty
from matsift.diffraction.ensemble import GroupPrediction
from matsift.diffraction.group_evaluation import HeldOut, evaluated
from matsift.diffraction.metrics import (
    GroupMetrics,
    Interval,
    VolumeError,
    by_class,
    confusion_matrix,
    ensemble_metrics,
    intervals,
    ranks,
    specific_metrics,
    top_k_share,
)
from matsift.diffraction.nearest_bins import nearest_classes, nearest_rows
from matsift.diffraction.sparse import SparseProfiles
from matsift.errors import ArtifactError, UserInputError

TRUE = np.array([0, 0, 0, 1, 1, 2])
PREDICTED = np.array([0, 0, 1, 1, 2, 2])


def said(members: list[list[list[float]]]) -> GroupPrediction:
    """Return a prediction of members (n_member, n, C)."""
    table = np.array(members)
    return GroupPrediction(table.mean(axis=0), table)


def random_said(n: int, n_class: int, seed: int, sharpness: float = 2.0) -> tuple[GroupPrediction, np.ndarray]:
    rng = np.random.default_rng(seed)
    classes = rng.integers(n_class, size=n)
    logits = rng.standard_normal((3, n, n_class))
    logits[:, np.arange(n), classes] += sharpness
    powers = np.exp(logits)
    members = powers / powers.sum(axis=2, keepdims=True)
    return GroupPrediction(members.mean(axis=0), members), classes


def test_confusion_by_hand() -> None:
    matrix = confusion_matrix(TRUE, PREDICTED, 3)
    assert matrix.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    precision, recall, f1 = by_class(matrix)
    assert precision.tolist() == [1, 0.5, 0.5]
    np.testing.assert_allclose(recall, [2 / 3, 0.5, 1])
    np.testing.assert_allclose(f1, [0.8, 0.5, 2 / 3])
    metrics = GroupMetrics.of(matrix)
    assert metrics.accuracy == pytest.approx(4 / 6)
    assert metrics.recall == pytest.approx((2 / 3 + 0.5 + 1) / 3)


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60), st.sampled_from([0.5, 1.0, 2.0])
)
def test_metrics_are_those_of_sklearn(pairs: list[tuple[int, int]], beta: float) -> None:
    true, predicted = np.array(pairs).T
    matrix = confusion_matrix(true, predicted, 5)
    assert matrix.tolist() == of_sklearn(true, predicted, labels=range(5)).tolist()
    there = np.unique(true)
    wanted = precision_recall_fscore_support(true, predicted, labels=there, beta=beta, average="macro", zero_division=0)
    metrics = GroupMetrics.of(matrix, beta)
    np.testing.assert_allclose([metrics.precision, metrics.recall, metrics.f1], wanted[:3], atol=1e-12)


@given(st.integers(2, 6), st.integers(1, 8), st.integers(0, 1000))
def test_with_as_many_items_a_class_accuracy_is_macro_recall(n_class: int, n_item: int, seed: int) -> None:
    true = np.repeat(np.arange(n_class), n_item)
    predicted = np.random.default_rng(seed).integers(n_class, size=len(true))
    metrics = GroupMetrics.of(confusion_matrix(true, predicted, n_class))
    assert metrics.accuracy == pytest.approx(metrics.recall)


def test_ensemble_is_of_averaged_probabilities_and_specific_a_mean_of_members() -> None:
    prediction = said([[[0.9, 0.1], [0.6, 0.4]], [[0.4, 0.6], [0.4, 0.6]], [[0.4, 0.6], [0.1, 0.9]]])
    classes = [0, 1]
    assert ensemble_metrics(prediction, classes).accuracy == 1  # no member but the average has both right
    specific, members = specific_metrics(prediction, classes)
    assert [member.accuracy for member in members] == [0.5, 0.5, 0.5]
    assert specific.accuracy == 0.5


def test_ranks_count_from_the_best_and_ties_are_no_luck() -> None:
    probabilities = np.array([[0.5, 0.3, 0.2], [0.4, 0.4, 0.2], [0.1, 0.2, 0.7]])
    assert ranks(probabilities, [0, 1, 0]).tolist() == [1, 2, 3]
    assert top_k_share(probabilities, [0, 1, 0], 2) == pytest.approx(2 / 3)


def test_interval_is_students() -> None:
    values = [0.7, 0.72, 0.69, 0.75, 0.71]
    interval = Interval.of(values)
    low, high = stats.t.interval(0.95, 4, loc=np.mean(values), scale=stats.sem(values))
    assert (interval.low, interval.high) == pytest.approx((low, high))
    assert interval.apart(Interval(0.9, high + 0.01, 1.0, 5))
    assert not interval.apart(Interval(0.9, high - 0.01, 1.0, 5))
    assert Interval.of([0.5]) == Interval(0.5, 0.5, 0.5, 1)
    assert str(Interval(0.5, 0.4, 0.6, 5)) == "50.0% ± 10.0%"
    each = [GroupMetrics(v, v, v, v) for v in values]
    assert intervals(each)["recall"] == interval


def test_volume_errors_are_quartiles() -> None:
    error = VolumeError.of([90, 100, 110, 120, 1000], [100, 100, 100, 100, 100])
    assert (error.lower_quartile, error.median, error.upper_quartile) == pytest.approx((0, 0.1, 0.2))
    assert error.median_absolute == pytest.approx(0.1)
    assert error.n == 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: confusion_matrix([0, 1], [0], 2), "as many predicted"),
        (lambda: confusion_matrix([0, 2], [0, 1], 2), "from 0 to 1"),
        (lambda: GroupMetrics.of(np.zeros((2, 2), dtype=np.int64)), "no items"),
        (lambda: VolumeError.of([], []), "no volumes"),
        (lambda: Certainty.fit(np.full((4, 2), 0.5), [0, 0, 1, 1]), "need 18 items"),
        (lambda: Certainty.fit(np.full((4, 2), 0.5), [0, 0, 1, 1], 1.0), "between 0 and 1"),
        (
            lambda: nearest_rows(SparseProfiles.from_lists([], []), SparseProfiles.from_lists([[1]], [[1.0]])),
            "no training",
        ),
    ],
    ids=["lengths", "class", "empty matrix", "no volumes", "few items", "coverage", "no neighbours"],
)
def test_refuses(call: object, message: str) -> None:
    assert callable(call)
    with pytest.raises(UserInputError, match=message):
        call()


def test_sets_hold_the_true_group_as_often_as_asked() -> None:
    prediction, classes = random_said(2000, 5, 0, sharpness=0.6)
    calibration, new = slice(0, 600), slice(600, None)
    for coverage in (0.8, 0.9):
        certainty = Certainty.fit(prediction.probabilities[calibration], classes[calibration], coverage)
        sets = certainty.sets(prediction.probabilities[new])
        assert sets[np.arange(len(sets)), classes[new]].mean() == pytest.approx(coverage, abs=0.03)
        assert (sets.sum(axis=1) >= 1).all()
        assert sets.mean() < 0.9


def test_temperature_mends_what_is_too_sure() -> None:
    prediction, classes = random_said(4000, 4, 1)
    honest = prediction.probabilities
    too_sure = honest**3 / (honest**3).sum(axis=1, keepdims=True)
    first, second = Certainty.fit(honest, classes), Certainty.fit(too_sure, classes)
    assert second.temperature == pytest.approx(3 * first.temperature, rel=1e-3)
    np.testing.assert_allclose(second.scaled(too_sure), first.scaled(honest), atol=1e-4)
    scaled = second.scaled(too_sure)
    certainty_of_best = scaled.max(axis=1).mean()
    assert certainty_of_best == pytest.approx((scaled.argmax(axis=1) == classes).mean(), abs=0.03)


def test_sure_is_one_group_of_at_least_a_half() -> None:
    certainty = Certainty(1.0, 0.3, 0.9, 100)
    probabilities = np.array([[0.8, 0.1, 0.1], [0.5, 0.4, 0.1], [0.25, 0.25, 0.5], [0.4, 0.29, 0.31], [0.2, 0.2, 0.2]])
    assert certainty.sets(probabilities).sum(axis=1).tolist() == [1, 2, 1, 2, 3]
    assert certainty.sure(probabilities).tolist() == [True, False, True, False, False]
    strict = Certainty(1.0, 0.99, 0.9, 100)
    assert strict.sets(probabilities).sum(axis=1).tolist() == [1] * 5
    assert strict.sure(probabilities).tolist() == [True, True, True, False, False]


def test_certainty_is_read_back() -> None:
    certainty = Certainty(1.5, 0.2, 0.9, 40)
    assert Certainty.of(certainty.plain()) == certainty
    with pytest.raises(ArtifactError, match="no calibration"):
        Certainty.of({"heat": 3})


def test_evaluation_has_every_subset_and_means_of_the_sets() -> None:
    prediction, classes = random_said(100, 4, 2)
    volumes = np.full(100, 50.0)
    prediction = GroupPrediction(prediction.probabilities, prediction.members, volumes * 1.02)
    sets = np.arange(100) % 5 + 1
    certainty = Certainty.fit(prediction.probabilities, classes)
    rows = evaluated(HeldOut(classes, prediction, volumes, classes[::-1]), certainty, sets=sets)
    assert list(rows) == ["validation", *(f"validation_{i}" for i in range(1, 6)), "validation_sets"]
    assert rows["validation"]["volume_error_median"] == pytest.approx(0.02)
    assert rows["validation"]["set_coverage"] >= 0.8
    each = [rows[f"validation_{i}"]["specific_recall"] for i in range(1, 6)]
    assert rows["validation_sets"]["specific_recall"] == pytest.approx(np.mean(each))
    assert rows["validation_sets"]["specific_recall_lower"] == pytest.approx(Interval.of(each).low)
    first = ensemble_metrics(
        GroupPrediction(prediction.probabilities[sets == 1], prediction.members), classes[sets == 1]
    )
    assert rows["validation_1"]["precision"] == first.precision
    assert "nearest_f1" in rows["validation_3"]
    plain = evaluated(HeldOut(classes, GroupPrediction(prediction.probabilities, prediction.members)))
    assert sorted(plain["validation"]) == sorted(
        f"{prefix}{name}" for prefix in ("", "specific_") for name in ("precision", "recall", "f1", "accuracy")
    )


def test_nearest_profile_by_bins() -> None:
    training = SparseProfiles.from_lists([[10, 500], [10, 900], [7000]], [[1, 0.5], [1, 0.5], [1]])
    asked = SparseProfiles.from_lists([[10, 901], [7000, 8000], [10, 500], []], [[1, 0.6], [0.3, 1], [1, 0.5], []])
    assert nearest_rows(training, asked).tolist() == [0, 2, 0, 0]
    assert nearest_rows(training, asked, merged=5).tolist() == [1, 2, 0, 0]
    assert nearest_classes(training, [7, 8, 9], asked, merged=5).tolist() == [8, 9, 7, 7]
    dense, wanted = training.dense(), asked.dense()[:3]
    unit = dense / np.linalg.norm(dense, axis=1, keepdims=True)
    assert nearest_rows(training, asked)[:3].tolist() == (wanted @ unit.T).argmax(axis=1).tolist()

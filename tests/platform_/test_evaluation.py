"""Metrics against scikit-learn and scipy, and the edges where they are not defined."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from matsift.errors import UserInputError
from matsift.learners.evaluation import regression_metrics

RNG = np.random.default_rng(2)
Y = RNG.gamma(2.0, 40.0, 231)
SPREAD = np.round(RNG.gamma(2.0, 3.0, 231), 1)  # with ties
MEAN = Y + SPREAD * RNG.normal(0.3, 1.0, 231)


def test_errors_agree_with_scikit_learn() -> None:
    ours = regression_metrics(Y, MEAN)
    assert ours == pytest.approx(
        {
            "r2": sklearn_metrics.r2_score(Y, MEAN),
            "mae": sklearn_metrics.mean_absolute_error(Y, MEAN),
            "rmse": sklearn_metrics.root_mean_squared_error(Y, MEAN),
            "bias": float(np.mean(MEAN) - np.mean(Y)),
        },
        rel=1e-12,
    )


def test_the_rank_correlation_agrees_with_scipy() -> None:
    ours = regression_metrics(Y, MEAN, spread=SPREAD)
    assert ours["spread_error_spearman"] == pytest.approx(stats.spearmanr(SPREAD, np.abs(MEAN - Y)).statistic)
    assert ours["mean_spread"] == pytest.approx(SPREAD.mean())


def test_coverage_counts_the_ends() -> None:
    ours = regression_metrics(
        [1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 1.0], lower=[1.0, 2.1, 0.0, 0.0], upper=[2.0, 3.0, 3.0, 3.9]
    )
    assert ours["interval_coverage"] == 0.5
    assert ours["mean_interval_width"] == pytest.approx((1.0 + 0.9 + 3.0 + 3.9) / 4)


@pytest.mark.parametrize(
    ("y", "spread", "absent"),
    [
        pytest.param([5.0], [1.0], {"r2", "spread_error_spearman"}, id="one row"),
        pytest.param([5.0, 5.0, 5.0], [1.0, 2.0, 3.0], {"r2"}, id="equal labels"),
        pytest.param([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], {"spread_error_spearman"}, id="equal spreads"),
    ],
)
def test_what_is_not_defined_is_absent(y: list[float], spread: list[float], absent: set[str]) -> None:
    ours = regression_metrics(y, np.array([1.0, 3.0, 7.0])[: len(y)], spread=spread)
    assert {"r2", "mae", "rmse", "bias", "mean_spread", "spread_error_spearman"} - set(ours) == absent


@pytest.mark.parametrize(
    ("y", "mean", "sentence"),
    [
        pytest.param([], [], "no held-out row", id="no rows"),
        pytest.param([1.0, 2.0], [1.0], "2 labels cannot be compared with 1", id="lengths differ"),
        pytest.param([1.0, np.nan], [1.0, 1.0], "the labels to evaluate must be one finite number a row", id="NaN"),
    ],
)
def test_what_cannot_be_evaluated_gives_a_sentence(y: list[float], mean: list[float], sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        regression_metrics(y, mean)

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from matsift.learners.nearest import nearest_rows


def test_the_nearest_rows_are_those_of_a_full_table_of_distances() -> None:
    rng = np.random.default_rng(1)
    training, asked = rng.normal(3.0, [1.0, 10.0, 0.1], (40, 3)), rng.normal(3.0, [1.0, 10.0, 0.1], (7, 3))
    found = nearest_rows(training, asked, 4)
    scaled = [(table - training.mean(axis=0)) / training.std(axis=0) for table in (asked, training)]
    table = cdist(*scaled) / np.sqrt(3)
    np.testing.assert_array_equal(found.rows, np.argsort(table, axis=1)[:, :4])
    np.testing.assert_allclose(found.distances, np.sort(table, axis=1)[:, :4], atol=1e-7)


def test_95_percent_of_the_training_rows_have_another_within_the_limit() -> None:
    training = np.random.default_rng(2).normal(size=(200, 5))
    limit = nearest_rows(training, training[:1], 1).limit
    scaled = training / training.std(axis=0)
    apart = cdist(scaled, scaled) / np.sqrt(5)
    np.fill_diagonal(apart, np.inf)
    assert (apart.min(axis=1) <= limit + 1e-7).mean() == pytest.approx(0.95)


def test_what_is_unknown_counts_as_the_mean_and_a_constant_column_not_at_all() -> None:
    training = np.array([[0.0, 1.0, np.nan], [2.0, 1.0, np.nan], [4.0, 1.0, 5.0]])
    found = nearest_rows(training, np.array([[np.nan, 77.0, np.nan]]), 1)
    assert found.rows.tolist() == [[1]]  # the mean of the first column
    assert found.distances.tolist() == [[0.0]]

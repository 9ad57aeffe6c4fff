"""What a search has found, by hand-made rows."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.generative.search.history import SearchHistory, kappa_study
from matsift.generative.search.space import Suggestion

_ROWS = [
    (1, "NaCl", 5.0),
    (1, None, None),
    (1, "LiF", 7.0),
    (2, "LiF", 7.0),
    (2, "SrYF5", 6.5),
    (2, "KCl", float("nan")),
    (2, "CsCl", 2.0),
]


def _rows() -> list[tuple[Suggestion, float | None]]:
    latent = np.zeros(2, dtype=np.float32)
    return [
        (Suggestion(number_of_round, i + 1, latent, 0.0, 0.0, 0.0, formula, None if formula else "no"), value)
        for i, (number_of_round, formula, value) in enumerate(_ROWS)
    ]


def _history() -> SearchHistory:
    return SearchHistory.of(_rows(), ["NaCl"])


def test_what_was_found_counts_each_new_composition_once() -> None:
    history = _history()
    np.testing.assert_array_equal(history.found(6.0), [0, 0, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(history.found(4.0), [0, 0, 1, 1, 2, 2, 2])
    assert history.n_new() == 3
    assert history.hit_rate(6.0) == pytest.approx(2 / 5)
    assert history.share_decoded() == pytest.approx(6 / 7)


def test_best_so_far_follows_the_goal() -> None:
    np.testing.assert_array_equal(_history().best_so_far(), [5.0, 5.0, 7.0, 7.0, 7.0, 7.0, 7.0])
    down = SearchHistory.of(_rows(), ["NaCl"], "minimize")
    np.testing.assert_array_equal(down.best_so_far(), [5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 2.0])
    assert down.found(3.0)[-1] == 1


def test_rounds_are_summed_up() -> None:
    table = _history().round_table()
    np.testing.assert_array_equal(table["n_suggestion"], [3.0, 4.0])
    np.testing.assert_array_equal(table["n_decoded"], [2.0, 4.0])
    np.testing.assert_allclose(table["mean"], [6.0, 15.5 / 3])
    np.testing.assert_array_equal(table["best"], [7.0, 7.0])


def test_a_search_without_rows_has_found_nothing() -> None:
    empty = SearchHistory.of([], ["NaCl"])
    assert len(empty) == empty.n_new() == 0
    assert np.isnan(empty.hit_rate(1.0))
    assert np.isnan(empty.share_decoded())


def test_kappa_study_is_a_row_a_kappa() -> None:
    rows = kappa_study(lambda kappa: _history() if kappa else SearchHistory.of([], []), [0.0, 10.0], 6.0)
    assert [row["kappa"] for row in rows] == [0.0, 10.0]
    assert [row["n_found"] for row in rows] == [0.0, 2.0]
    assert rows[1]["best"] == 7.0
    assert rows[1]["n_new"] == 3.0

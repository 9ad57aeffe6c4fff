"""What `make bench-generative` is built of."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from benchmarks.generative import cells
from benchmarks.generative.rates import rates
from benchmarks.generative.samples import drawn, known


def test_distances_come_faster_than_scipys_and_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.generative.rates._LEAST_SECONDS", 0.02)
    some = drawn(600, seed=1).reduced().unique()
    distances, nearest, templates = islice(rates("random formulas", some, drawn(200, seed=2), seed=3), 3)
    assert distances.per_second > 1e6
    assert float(distances.agreement.split()[-1]) < 1e-9
    assert nearest.per_second > 500
    assert templates.per_second > 500
    assert distances.line.count("|") == 6


def test_drawn_compositions_have_the_sizes_of_a_generator() -> None:
    compositions = drawn(500, seed=1)
    assert set(compositions.n_element.tolist()) == {2, 3, 4, 5}
    assert set(compositions.counts[compositions.counts > 0].tolist()) == set(range(1, 8))


def test_without_published_data_random_formulas_stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_DATA", "/nowhere")
    name, compositions = known(50, seed=1)
    assert (name, len(compositions)) == ("random formulas", 50)


def test_scaling_by_radii_brings_volumes_nearer() -> None:
    found = cells.volumes(40, seed=1)
    assert len(found.scaled) > 20
    assert np.median(np.abs(found.scaled)) < np.median(np.abs(found.as_it_was))

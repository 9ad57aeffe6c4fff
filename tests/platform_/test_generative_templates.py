"""The templates of a composition: stored structures with the same amounts, nearest first, rediscoveries told."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.errors import UserInputError
from matsift.generative.earth_mover import distance_matrix
from matsift.generative.formulas import Compositions
from matsift.generative.templates import TemplatePool, find_templates, sorted_amounts

_KNOWN = ["RbSr2Cl5", "BaYF5", "CaTiO3", "BaTiO3", "KMgF3", "NaCl", "CsCl", "SrTiO3", "BaTiO3", "Mg2SiO4"]


def test_amounts_whatever_the_elements() -> None:
    amounts = sorted_amounts(Compositions.from_formulas(["CaTiO3", "Ca2Ti2O6", "NaO", "O3TiBa"]))
    assert amounts.counts[:, :4].tolist() == [[3, 1, 1, 0], [3, 1, 1, 0], [1, 1, 0, 0], [3, 1, 1, 0]]
    assert not amounts.counts[:, 4:].any()


def test_nearest_of_the_same_amounts() -> None:
    found = find_templates(
        Compositions.from_formulas(["SrYF5", "SrTiO3", "Sr2Ti2O6", "SrZrO3", "Fe7C3"]),
        Compositions.from_formulas(_KNOWN),
        k=3,
    )
    assert found.of(0) == [(1, 1 / 7)]
    assert found.of(1) == found.of(2)
    assert [row for row, _ in found.of(1)] == [7, 2, 3]
    assert found.of(1)[0][1] == 0.0
    assert [row for row, _ in found.of(3)] == [7, 2, 3]
    assert found.of(4) == []
    assert found.rediscovered.tolist() == [False, True, True, False, False]
    assert np.isnan(found.distances[4]).all()


def test_of_polymorphs_the_earlier_is_preferred() -> None:
    found = find_templates(
        Compositions.from_formulas(["SrTiO3"]), Compositions.from_formulas(["BaTiO3", "BaTiO3"]), k=2
    )
    assert found.of(0) == [(0, 0.2), (1, 0.2)]


def test_a_pool_gives_what_brute_force_gives() -> None:
    rng = np.random.default_rng(0)
    counts = np.zeros((600, 103), dtype=np.int16)
    for _ in range(3):
        counts[np.arange(600), rng.integers(0, 40, 600)] = rng.integers(1, 4, 600)
    known, asked = Compositions(counts[:500]), Compositions(counts[500:])
    found = TemplatePool(known).find(asked, k=1)
    every = distance_matrix(asked, known)
    mine, theirs = sorted_amounts(asked).counts, sorted_amounts(known).counts
    for i in range(len(asked)):
        alike = np.flatnonzero((theirs == mine[i]).all(axis=1))
        expected = alike[np.argmin(every[i, alike])] if len(alike) else -1
        assert found.rows[i, 0] == expected


def test_an_empty_pool_has_no_templates() -> None:
    pool = TemplatePool(Compositions.from_formulas([]))
    found = pool.find(Compositions.from_formulas(["NaCl"]), k=2)
    assert len(pool) == 0
    assert found.of(0) == []
    assert not found.rediscovered.any()


def test_a_composition_without_atoms_is_refused() -> None:
    pool = TemplatePool(Compositions.from_formulas(_KNOWN))
    with pytest.raises(UserInputError, match="holds no atom"):
        pool.find(Compositions(np.zeros((1, 103), dtype=np.int16)))

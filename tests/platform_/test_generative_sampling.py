"""Sampling in chunks, what is refused on the way, makers of chance, and shares counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matsift.errors import UserInputError
from matsift.generative.formulas import Compositions
from matsift.generative.sampling import (
    PAPER_HIDDEN_LIMITS,
    PAPER_LIMITS,
    Counts,
    Sampled,
    SizeLimits,
    admitted,
    sample_chunks,
    shuffled_maker,
    uniform_maker,
)
from matsift.generative.shares import shares, shares_of

KNOWN = Compositions.from_formulas(["NaCl", "MgO", "CaTiO3", "Li2O", "K2SO4"])


def of(*formulas: str) -> Compositions:
    return Compositions.from_formulas(formulas)


@pytest.mark.parametrize(
    ("formula", "kept", "hidden"),
    [
        ("SrYF5", True, True),
        ("Na2SO4", True, True),
        ("Na2S2O4", True, False),
        ("LiNaSO4", True, False),
        ("LiNaKRbF4", True, False),
        ("LiNaKRbCsF5", False, False),
        ("Na7Cl7O6", True, False),
        ("Na7Cl7O7", False, False),
        ("NaCl8", False, False),
        ("Na", False, False),
    ],
)
def test_the_paper_keeps_five_elements_twenty_atoms_and_counts_to_seven(
    formula: str,
    kept: bool,
    hidden: bool,
) -> None:
    assert PAPER_LIMITS.within(of(formula))[0] == kept
    assert PAPER_HIDDEN_LIMITS.within(of(formula))[0] == hidden


def test_no_limit_still_refuses_empty_rows() -> None:
    empty = Compositions(np.zeros((1, 103), dtype=np.int16))
    assert not SizeLimits(0, 0, 0, 0).within(empty)[0]
    assert SizeLimits(1, 0, 0, 0).within(of("Fe"))[0]


def test_each_step_of_a_sampling_is_counted() -> None:
    drawn = of("Na2Cl2", "KCl", "K2Cl2", "CaF3", "Ca2F6", "Fe", "NaCl", "RbBr", "CaF2", "C8H2")
    first = admitted(drawn, Sampled.nothing(), KNOWN)
    assert first.compositions.formulas() == ["KCl", "RbBr", "CaF2"]
    assert first.counts == Counts(drawn=10, outside=2, invalid=2, repeated=2, known=1, kept=3)
    second = admitted(of("RbBr", "SrF2", "NaCl", "Sr2F4"), first, KNOWN)
    assert second.compositions.formulas() == ["KCl", "RbBr", "CaF2", "SrF2"]
    assert second.counts == Counts(drawn=14, outside=2, invalid=2, repeated=4, known=2, kept=4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 400))
def test_what_is_drawn_is_kept_or_refused_whatever_the_chunks(seed: int, cut: int) -> None:
    drawn = shuffled_maker(KNOWN)(400, np.random.default_rng(seed))
    whole = admitted(drawn, Sampled.nothing(), KNOWN)
    parts = Sampled.nothing()
    for part in (drawn.select(slice(0, cut)), drawn.select(slice(cut, None))):
        parts = admitted(part, parts, KNOWN)
    assert parts.compositions.formulas() == whole.compositions.formulas()
    counts = whole.counts
    assert counts.drawn == counts.outside + counts.invalid + counts.repeated + counts.known + counts.kept
    assert (parts.counts.kept, parts.counts.invalid, parts.counts.outside) == (
        counts.kept,
        counts.invalid,
        counts.outside,
    )


def test_chunks_can_be_continued_and_depend_on_the_seed() -> None:
    maker = uniform_maker(np.arange(3, 30))
    whole = list(sample_chunks(maker, 250, seed=4, chunk=100))
    assert [len(part) for part in whole] == [100, 100, 50]
    rest = list(sample_chunks(maker, 250, seed=4, chunk=100, first=2))
    assert len(rest) == 1
    assert np.array_equal(rest[0].counts, whole[2].counts)
    assert not np.array_equal(whole[0].counts, next(sample_chunks(maker, 250, seed=5, chunk=100)).counts)


def test_chance_without_knowledge_is_even() -> None:
    elements = np.array([3, 8, 9, 11, 17, 20, 26])
    made = uniform_maker(elements, SizeLimits(2, 3, 0, 4))(60_000, np.random.default_rng(0))
    assert set(np.flatnonzero(made.counts.any(axis=0)) + 1) == set(elements)
    assert np.mean(made.n_element == 2) == pytest.approx(0.5, abs=0.01)
    counts = made.counts[made.counts > 0]
    assert np.bincount(counts)[1:] / len(counts) == pytest.approx([0.25] * 4, abs=0.01)
    present = (made.counts > 0).mean(axis=0)[elements - 1]
    assert present == pytest.approx([2.5 / 7] * 7, abs=0.01)


def test_chance_that_knows_frequencies_has_them() -> None:
    made = shuffled_maker(KNOWN, SizeLimits())(40_000, np.random.default_rng(0))
    assert SizeLimits().within(made).all()
    assert np.mean(made.n_element == 2) == pytest.approx(3 / 5, abs=0.01)
    share = (made.counts > 0).mean(axis=0)
    assert share[7] == share.max()  # oxygen is in four of the five
    counts = made.counts[made.counts > 0]
    assert np.mean(counts == 2) == pytest.approx(2 / 12, abs=0.01)


def test_makers_keep_within_the_limits() -> None:
    for maker in (uniform_maker(np.arange(1, 90)), shuffled_maker(KNOWN, PAPER_LIMITS)):
        assert PAPER_LIMITS.within(maker(3000, np.random.default_rng(1))).all()
    with pytest.raises(UserInputError, match="most elements"):
        uniform_maker(np.arange(1, 90), SizeLimits())
    with pytest.raises(UserInputError, match="none of the known"):
        shuffled_maker(of("Fe", "Cu"))


def test_shares_counted_by_hand() -> None:
    drawn = of("NaCl", "KCl", "K2Cl2", "CaF3", "FeNi", "Fe", "YSc")
    found = shares("hand", drawn, KNOWN)
    assert (found.n_drawn, found.n_made) == (7, 6)
    # valid: NaCl, KCl twice, FeNi (iron 3+ beside nickel 1- is no state: see the verdict below)
    assert found.valid == pytest.approx(4 / 6)
    assert found.valid_without_metals == pytest.approx(3 / 4)
    assert found.unique == pytest.approx(5 / 6)
    assert found.new == pytest.approx(5 / 6)
    assert found.valid_unique_new == pytest.approx(2 / 6)
    assert found.as_dict()["n_made"] == 6


def test_shares_of_nothing_are_not_numbers() -> None:
    found = shares("nothing", of("Fe"), KNOWN)
    assert found.n_made == 0
    assert math.isnan(found.valid)
    assert math.isnan(found.valid_unique_new)


def test_the_known_formulas_stand_beside_the_makers() -> None:
    found = shares_of({"mine": uniform_maker(np.arange(3, 40))}, KNOWN, 500, seed=0, limits=PAPER_LIMITS)
    assert [line.maker for line in found] == ["mine", "shuffled", "uniform", "known"]
    assert found[3].new == 0
    assert found[3].valid == 1
    assert all(0 <= line.valid <= 1 and line.n_made == 500 for line in found[:3])

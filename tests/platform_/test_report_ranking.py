from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matsift.reports.data import Candidate, CandidateLabel, CriterionSeen, PropertyPrediction, RankingSettings
from matsift.reports.ranking import rank

PASSED = CriterionSeen("band_gap", "passed", 1.5, "eV")
FAILED = CriterionSeen("formation_energy", "failed", 0.13, "eV/atom")
UNKNOWN = CriterionSeen("band_gap", "unknown", None, "eV")


def candidate(
    name: str, mean: float, spread: float = 2.0, half: float = 5.0, criteria: tuple[CriterionSeen, ...] = (PASSED,)
) -> Candidate:
    prediction = PropertyPrediction("k_vrh", "GPa", mean, spread, mean - half, mean + half, 0.9)
    return Candidate(name, "NaCl", "Fm-3m", (prediction,), criteria)


def order(settings: RankingSettings, *candidates: Candidate) -> list[str]:
    return [r.candidate.structure_hash for r in rank(candidates, settings).ranked]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(RankingSettings("k_vrh", "maximize", "mean"), ["b", "a", "c"], id="highest mean"),
        pytest.param(RankingSettings("k_vrh", "maximize", "lower"), ["a", "c", "b"], id="highest lower bound"),
        pytest.param(RankingSettings("k_vrh", "maximize", "upper"), ["b", "a", "c"], id="highest upper bound"),
        pytest.param(RankingSettings("k_vrh", "minimize", "mean"), ["c", "a", "b"], id="lowest mean"),
        pytest.param(RankingSettings("k_vrh", "minimize", "lower"), ["b", "c", "a"], id="lowest lower bound"),
        pytest.param(RankingSettings("k_vrh", "minimize", "upper"), ["c", "a", "b"], id="lowest upper bound"),
    ],
)
def test_the_order_follows_the_goal_and_the_bound(settings: RankingSettings, expected: list[str]) -> None:
    a, b, c = candidate("a", 50, half=5), candidate("b", 60, half=40), candidate("c", 45, half=4)
    assert order(settings, a, b, c) == expected


def test_what_was_computed_counts_where_that_is_asked_for() -> None:
    a, b, c = candidate("a", 50), candidate("b", 60), candidate("c", 40)
    seen = replace(b, labels=(CandidateLabel("g_vrh", "GPa", 99.0, "pbe"), CandidateLabel("k_vrh", "GPa", 44.0, "pbe")))
    unpredicted = Candidate("d", "KCl", "Fm-3m", (), (), labels=(CandidateLabel("k_vrh", "GPa", 36.0, "pbe"),))
    settings = RankingSettings("k_vrh", "maximize", "lower", prefer_computed=True)
    ranking = rank([a, seen, c, unpredicted], settings)
    assert [r.candidate.structure_hash for r in ranking.ranked] == ["a", "b", "d", "c"]
    reasons = {r.candidate.structure_hash: r.reason for r in ranking.ranked}
    assert "by the computed K_VRH: 44.0 GPa (pbe; predicted 90 % interval 55.0 to 65.0" in reasons["b"]
    assert "36.0 GPa (pbe; not predicted)" in reasons["d"]
    assert "by the lower bound of K_VRH: 45.0 GPa" in reasons["a"]
    assert ranking.rule.startswith("Ranked by the computed K_VRH, and the lower bound of the predicted K_VRH where")
    assert order(replace(settings, prefer_computed=False), a, seen, c, unpredicted) == ["b", "a", "c"]


def test_lower_bounds_that_end_at_zero_are_ordered_by_the_mean_and_then_by_hash() -> None:
    def at_zero(name: str, mean: float) -> Candidate:
        one = candidate(name, mean)
        return replace(one, predictions=tuple(replace(p, lower=0.0) for p in one.predictions))

    high, first, second = at_zero("z", 9), at_zero("a", 4), at_zero("b", 4)
    assert order(RankingSettings("k_vrh", by="lower"), second, high, first) == ["z", "a", "b"]


@given(st.lists(st.tuples(st.sampled_from([10.0, 20.0]), st.sampled_from([1.0, 2.0])), max_size=8), st.randoms())
def test_the_order_of_the_input_does_not_matter(values: list[tuple[float, float]], random: object) -> None:
    candidates = [candidate(f"{n:02d}", mean, spread) for n, (mean, spread) in enumerate(values)]
    shuffled = list(candidates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    settings = RankingSettings("k_vrh")
    assert rank(shuffled, settings) == rank(candidates, settings)


def test_a_failed_criterion_leaves_a_candidate_out_and_says_which_with_the_value() -> None:
    result = rank([candidate("a", 99, criteria=(PASSED, FAILED)), candidate("b", 10)], RankingSettings("k_vrh"))
    assert [r.candidate.structure_hash for r in result.ranked] == ["b"]
    (left_out,) = result.excluded
    assert left_out.rank is None
    assert left_out.reason == "Left out: fails formation_energy (0.13 eV/atom)."


def test_a_failed_criterion_without_a_value_gives_its_detail() -> None:
    inert = CriterionSeen("no_inert_gas", "failed", None, "", "contains Xe")
    (left_out,) = rank([candidate("a", 1, criteria=(inert,))], RankingSettings("k_vrh")).excluded
    assert left_out.reason == "Left out: fails no_inert_gas (contains Xe)."


def test_an_unknown_criterion_neither_helps_nor_excludes_and_is_named() -> None:
    settings = RankingSettings("k_vrh", "maximize", "lower")
    result = rank([candidate("a", 50, criteria=(UNKNOWN,)), candidate("b", 40)], settings)
    first, second = (r.reason.split("; ") for r in result.ranked)
    assert first == [
        "Place 1 of 2 by the lower bound of K_VRH: 45.0 GPa (90 % interval 45.0 to 55.0, spread 2.0)",
        "its one criterion, band_gap, is unknown.",
    ]
    assert second == [
        "Place 2 of 2 by the lower bound of K_VRH: 35.0 GPa (90 % interval 35.0 to 45.0, spread 2.0)",
        "passes its one criterion.",
    ]


@pytest.mark.parametrize(
    "without",
    [
        pytest.param(replace(candidate("a", 1), predictions=()), id="no prediction"),
        pytest.param(candidate("a", math.nan), id="NaN"),
        pytest.param(candidate("a", math.inf), id="infinite"),
    ],
)
def test_a_candidate_without_a_finite_prediction_is_left_out(without: Candidate) -> None:
    result = rank([without, candidate("b", 10)], RankingSettings("k_vrh"))
    assert [r.candidate.structure_hash for r in result.ranked] == ["b"]
    assert [r.reason for r in result.excluded] == ["Left out: no finite prediction of K_VRH."]


def test_nothing_to_rank_gives_two_empty_lists_and_still_the_rule() -> None:
    result = rank([], RankingSettings("g_vrh", "minimize", "upper"))
    assert (result.ranked, result.excluded) == ((), ())
    assert (
        result.rule
        == "Ranked by the upper bound of the predicted G_VRH, lowest first; equal values by the predicted mean."
    )

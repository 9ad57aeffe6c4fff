"""The latent search as a machine: rounds, labels, what does not decode, and an exact continuation from its rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.decomposition import PCA
from tests.platform_ import latent_search_cases as cases

from matsift.errors import UserInputError
from matsift.generative.search.latent_search import LatentSearch
from matsift.generative.search.rounds import Judge, Registered
from matsift.generative.search.settings import LatentSearchSettings, ProcessSettings
from matsift.generative.search.space import Decoded, LatentSpace, Proposals, Start, Suggestion
from matsift.generative.search.strategies import known_searches, named_search
from matsift.generative.search.surrogates import ProcessSurrogate, Projection, spread_factor

_SMALL: dict[str, Any] = {
    "n_round": 3,
    "n_decoded": 4,
    "n_suggestion": 12,
    "box": {"n_random": 100},
    "manifold": {"n_proposal": 200},
    "ensemble": {"settings": {"n_estimators": 5}},
}


def _settings(name: str, **changes: Any) -> LatentSearchSettings:
    return named_search(name, **{**_SMALL, **changes})


def _as_stored(row: tuple[Suggestion, float | None]) -> tuple[Suggestion, float | None]:
    """Return a row as a database gives it back: the latent vector from four-byte numbers in a list."""
    s, value = row
    latent = np.array([float(number) for number in s.latent], dtype=np.float32)
    return (
        Suggestion(s.round_number, s.number, latent, s.worth, s.mean, s.spread, s.formula, s.reason),
        value,
    )


def _same(one: Suggestion, other: Suggestion) -> bool:
    return one.latent.tobytes() == other.latent.tobytes() and (
        one.round_number,
        one.number,
        one.worth,
        one.mean,
        one.spread,
        one.formula,
        one.reason,
    ) == (other.round_number, other.number, other.worth, other.mean, other.spread, other.formula, other.reason)


@pytest.mark.parametrize("name", known_searches())
def test_a_search_that_was_stopped_anywhere_goes_on_exactly(name: str) -> None:
    settings = _settings(name, kappa=2.0)
    whole = cases.searched(settings).rows
    for cut in (1, len(whole) // 2 + 1):
        rows = [_as_stored(row) for row in whole[:cut]]
        again = cases.finish(LatentSearch.resume(settings, cases.space(), cases.start(), 1, rows))
        assert len(again.rows) == len(whole)
        assert all(_same(one[0], other[0]) for one, other in zip(again.rows, whole, strict=True))


@pytest.mark.parametrize("name", known_searches())
def test_rounds_end_with_their_last_composition_or_their_last_suggestion(name: str) -> None:
    rows = cases.searched(_settings(name)).rows
    assert [s.number for s, _ in rows] == list(range(1, len(rows) + 1))
    assert {s.round_number for s, _ in rows} == {1, 2, 3}
    for number in (1, 2, 3):
        here = [s for s, _ in rows if s.round_number == number]
        assert sum(s.decodes for s in here) == 4 or len(here) == 12
        assert here[-1].decodes or len(here) == 12


@pytest.mark.parametrize("name", known_searches())
def test_what_is_said_of_a_suggestion_is_what_it_decodes_to(name: str) -> None:
    for s, value in cases.searched(_settings(name)).rows:
        decoded = cases.decode(s.latent[None])
        assert (s.formula, s.reason) == (decoded.formulas[0], decoded.reasons[0])
        assert (value is None) == (s.formula is None)
        assert s.latent.dtype == np.float32


def test_another_seed_asks_for_other_points() -> None:
    settings = _settings("paper")
    one, other = cases.searched(settings, 1).rows, cases.searched(settings, 2).rows
    assert one[0][0].latent.tobytes() != other[0][0].latent.tobytes()


def test_asking_twice_returns_the_same_point() -> None:
    search = LatentSearch(_settings("paper"), cases.space(), cases.start(), 3)
    assert _same(search.ask(), search.ask())


def test_the_papers_box_is_that_of_the_start() -> None:
    start = cases.start()
    rows = cases.searched(_settings("paper")).rows
    points = np.array([s.latent for s, _ in rows])
    low, high = start.latents.min(axis=0), start.latents.max(axis=0)
    assert (points >= low - 1e-6).all()
    assert (points <= high + 1e-6).all()


@pytest.mark.parametrize("name", ["paper_checked", "components", "manifold_process", "manifold_ensemble"])
def test_a_checked_search_asks_only_for_new_compositions_that_decode_and_are_accepted(name: str) -> None:
    rows = cases.searched(_settings(name, kappa=1.0)).rows
    formulas = [s.formula for s, _ in rows]
    assert None not in formulas
    assert len({*formulas}) == len(formulas)
    assert not {*formulas} & {*cases.start().formulas}
    assert all("O" not in str(formula) for formula in formulas)


def test_points_that_do_not_decode_count_as_the_invalid_value_or_not_at_all() -> None:
    start = cases.start()
    worst = {"n_round": 2, "n_decoded": 1, "n_suggestion": 3}
    blind = LatentSpace(lambda latents: _nothing(cases.decode(latents)))
    asked: dict[str, list[float]] = {}
    for name in ("paper", "paper_text"):
        settings = _settings(name, kappa=100.0, **worst, invalid_value=-50.0)
        search = LatentSearch(settings, blind, start, 5)
        while not search.finished:
            search.tell(search.ask())
        asked[name] = [s.mean for s, _ in search.rows]
    assert min(asked["paper"][1:]) < start.values.min() - 1.0
    assert min(asked["paper_text"]) > start.values.min() - 1.0


def _nothing(decoded: Decoded) -> Decoded:
    n = len(decoded.formulas)
    return Decoded((None,) * n, ("never",) * n)


def test_labels_may_come_when_the_round_is_over() -> None:
    settings = _settings("paper")
    at_once = cases.searched(settings).rows
    later = LatentSearch(settings, cases.space(), cases.start(), 1)
    while not later.finished:
        while not later.must_label and not later.finished:
            later.tell(later.ask())
        with pytest.raises(UserInputError, match="waits for 4 labels"):
            later.ask()
        with pytest.raises(UserInputError, match="4 suggestions wait for a label, 0 came"):
            later.label([])
        later.label(cases.label([str(s.formula) for s in later.pending]))
    assert [(s.number, value) for s, value in later.rows] == [(s.number, value) for s, value in at_once]
    assert all(_same(one[0], other[0]) for one, other in zip(later.rows, at_once, strict=True))


def test_what_could_not_be_labelled_is_not_registered() -> None:
    settings = _settings("manifold_process", n_round=2)
    search = LatentSearch(settings, cases.space(), cases.start(), 1)
    while search.round_number == 1:
        search.tell(search.ask(), float("nan"))
    assert search.ask().formula not in {s.formula for s, _ in search.rows}
    assert len(search._registered().latents) == len(cases.start().latents)


def test_a_goal_turned_round_asks_for_the_same_points() -> None:
    settings = _settings("manifold_process")
    up = cases.searched(settings).rows
    start = cases.start()
    turned = Start(start.latents, -start.values, start.formulas)
    down = LatentSearch(settings.model_copy(update={"goal": "minimize"}), cases.space(), turned, 1)
    while not down.finished:
        s = down.ask()
        down.tell(s, -cases.label([str(s.formula)])[0])
    for (one, _), (other, _) in zip(up, down.rows, strict=True):
        assert one.latent.tobytes() == other.latent.tobytes()
        assert (one.worth, one.mean) == (other.worth, -other.mean)


def test_the_budget_counts_all_suggestions() -> None:
    search = cases.searched(_settings("paper_text", n_round=50, budget=17))
    assert len(search.rows) == 17
    with pytest.raises(UserInputError, match="finished"):
        search.ask()


def test_a_round_without_proposals_left_ends_and_the_next_begins() -> None:
    only = ("Na1", "Na2", "Na3")
    space = LatentSpace(cases.decode, accepts=lambda formulas: np.array([f in only for f in formulas], dtype=bool))
    start = cases.start()
    keep = [i for i, formula in enumerate(start.formulas) if formula not in only]
    start = Start(start.latents[keep], start.values[keep], tuple(start.formulas[i] for i in keep))
    settings = _settings("manifold_process", n_decoded=20, n_suggestion=20)
    search = LatentSearch(settings, space, start, 1)
    with pytest.raises(UserInputError, match="nothing left to suggest"):
        cases.finish(search)
    assert {s.formula for s, _ in search.rows} <= {*only}
    resumed = LatentSearch.resume(settings, space, start, 1, search.rows)
    assert len(resumed.rows) == len(search.rows) > 0


def test_a_point_beside_one_of_the_batch_is_worth_as_little_as_the_worst() -> None:
    start = cases.start()
    known = Registered(start.latents, start.values, start.formulas, {*start.formulas})
    judge = Judge(_settings("manifold_process", diversity=1.0), cases.space(), known)
    points = judge.proposals(start.latents)
    mean, spread = np.linspace(1.0, 2.0, len(points)), np.zeros(len(points))
    alone = judge.worth(points, mean, spread)
    np.testing.assert_array_equal(alone, mean)
    judge.took(Suggestion(1, 1, start.latents[-1], 2.0, 2.0, 0.0, start.formulas[-1], None))
    beside = judge.worth(points, mean, spread)
    assert beside[-1] == pytest.approx(1.0)
    assert (beside <= alone).all()
    assert (beside >= 1.0).all()


def test_belief_keeps_the_mean_and_takes_the_spread_away() -> None:
    start = cases.start()
    whole = Projection.of(start.latents, None)
    surrogate = ProcessSurrogate(start.latents, start.values, whole, ProcessSettings(refit="round"))
    point = Proposals(start.latents[:1] + np.float32(0.3), cases.decode(start.latents[:1]), np.ones(1))
    mean, spread = surrogate.predict(point)
    surrogate.believe(point.latents[0])
    believed, sure = surrogate.predict(point)
    assert believed[0] == pytest.approx(mean[0], abs=1e-3)
    assert sure[0] < 0.01 * spread[0]


def test_principal_components_are_those_of_scikit_learn() -> None:
    latents = cases.start().latents
    ours, theirs = Projection.of(latents, 3), PCA(3).fit(latents.astype(np.float64))
    np.testing.assert_allclose(np.abs(ours.down(latents)), np.abs(theirs.transform(latents)), atol=1e-5)
    np.testing.assert_allclose(
        ours.up(ours.down(latents)), theirs.inverse_transform(theirs.transform(latents)), atol=1e-5
    )


def test_an_ensemble_that_is_too_sure_has_its_spread_widened() -> None:
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.5, 2.0, size=20_000)
    values = rng.normal(0.0, 3.0 * spread)
    assert spread_factor(values, np.zeros(20_000), spread) == pytest.approx(3.0, rel=0.03)
    assert spread_factor(values, values, spread) == 0.1
    assert spread_factor(values, values + 1e9, spread) == 10.0


def test_the_probability_of_decoding_makes_more_of_them_decode() -> None:
    box = {"n_random": 100, "n_climb": 2, "max_step": 20}
    changes = {"n_round": 2, "n_decoded": 15, "n_suggestion": 15, "invalid": "ignore", "kappa": 100.0, "box": box}
    share = {
        name: np.mean([s.decodes for s, _ in cases.searched(_settings(name, **changes)).rows])
        for name in ("paper", "paper_weighted")
    }
    assert share["paper_weighted"] > share["paper"]


@pytest.mark.parametrize("name", ["manifold_process", "manifold_ensemble"])
def test_search_beyond_the_paper_finds_more_at_the_same_number_of_suggestions(name: str) -> None:
    changes = {"n_round": 50, "n_decoded": 5, "n_suggestion": 200, "budget": 30, "only_acceptable": False}
    paper = cases.searched(_settings("paper", n_round=50, n_decoded=5, n_suggestion=200, budget=30)).rows
    ours = cases.searched(_settings(name, **changes)).rows
    top = cases.start().values.max()
    found = [len({s.formula for s, value in rows if value is not None and value > top}) for rows in (paper, ours)]
    assert found[1] > found[0]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"surrogate": "ensemble"}, "decoded compositions only"),
        ({"surrogate": "ensemble", "proposals": "manifold"}, "cannot register"),
        ({"manifold": {"radius": (1.0, 0.1)}}, "smaller first"),
        ({"ensemble": {"kind": "oracle_of_delphi"}}, "there is no learner"),
        ({"kappa": -1.0}, "greater than or equal"),
        ({"n_rounds": 3}, "Extra inputs"),
    ],
    ids=["box", "register", "radius", "learner", "kappa", "key"],
)
def test_settings_that_contradict_themselves_are_refused(change: dict[str, Any], match: str) -> None:
    with pytest.raises(ValidationError, match=match):
        LatentSearchSettings.model_validate(change)


def test_rows_out_of_order_and_labels_of_nothing_are_refused() -> None:
    search = LatentSearch(_settings("paper"), cases.space(), cases.start(), 1)
    first = search.ask()
    search.tell(first, 1.0 if first.decodes else None)
    with pytest.raises(UserInputError, match="is not the next one"):
        search.tell(first, None)
    lost = Suggestion(1, 2, first.latent, 0.0, 0.0, 0.0, None, "never")
    with pytest.raises(UserInputError, match="can have no label"):
        search.tell(lost, 1.0)


def test_a_search_that_weighs_the_probability_of_decoding_needs_one() -> None:
    search = LatentSearch(_settings("paper_weighted"), LatentSpace(cases.decode), cases.start(), 1)
    with pytest.raises(UserInputError, match="give the space a `confidence`"):
        search.ask()


def test_an_ensemble_needs_descriptors() -> None:
    search = LatentSearch(_settings("manifold_ensemble"), LatentSpace(cases.decode), cases.start(), 1)
    with pytest.raises(UserInputError, match="give `describe`"):
        search.ask()


def test_an_unknown_search_names_those_that_exist() -> None:
    with pytest.raises(UserInputError, match="paper_text"):
        named_search("newton")


def test_a_named_search_keeps_what_a_change_does_not_name() -> None:
    assert named_search("components", process={"components": 4}).process.refit == "round"
    assert LatentSearchSettings() == named_search("paper")


@pytest.mark.parametrize(
    ("n_latent", "n_value", "n_formula"), [(1, 1, 1), (3, 2, 3), (3, 3, 2)], ids=["one", "values", "formulas"]
)
def test_a_start_that_does_not_fit_together_is_refused(n_latent: int, n_value: int, n_formula: int) -> None:
    with pytest.raises(UserInputError):
        Start(np.zeros((n_latent, 4), dtype=np.float32), np.zeros(n_value), ("Na1",) * n_formula)

"""A generative study: networks, a batch, a search that is killed and goes on alike, crystals, a ranking, a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.factories.generative_study import N_CRYSTAL, NAME, write_generative_study
from tests.flows.running import Continued, killed_and_continued, one, ranked, row_counts, rows, run_here
from tests.postgres import PostgresServer

from matsift.generative.formulas import Compositions
from matsift.generative.validity import validity
from matsift_schema import engine
from matsift_schema.store.generated_structures import write_attempts

pytestmark = pytest.mark.slow

_SUGGESTED = """
    SELECT r.number, u.number, u.latent, u.score, u.decodes, u.formula, u.value, u.reason FROM matsift.suggestion u
    JOIN matsift.campaign_round r ON r.id = u.campaign_round_id ORDER BY r.number, u.number
"""
_KEPT = "SELECT formula, rank FROM matsift.generated_composition ORDER BY generation_id, rank"
_CRYSTALS = """
    SELECT DISTINCT ON (formula, template_id, assignment) formula, template_id, assignment, outcome, structure_hash
    FROM analysis.generated_structure ORDER BY formula, template_id, assignment, attempt DESC
"""
_BY_ATTEMPT = "SELECT attempt, outcome, count(*) FROM matsift.generated_structure GROUP BY 1, 2 ORDER BY 1, 2"


@pytest.fixture(scope="module")
def done(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Continued:
    """The small study: killed when two suggestions are there, and continued."""
    folder = tmp_path_factory.mktemp("generation")
    path = write_generative_study(folder / "study")
    return killed_and_continued(path, module_database_url, folder / "home", "suggestion")


@pytest.fixture(scope="module")
def uncrystallised(
    done: Continued, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """Database and home of the same study that was not killed, and made no crystals yet."""
    name, home = postgres_server.create_database(), tmp_path_factory.mktemp("uncrystallised")
    url = postgres_server.url(name)
    engine.upgrade(url)
    run_here(done.path, url, home, overrides=["generative.structures.top=0"])
    yield url, home
    postgres_server.drop_database(name)


def test_a_killed_search_goes_on_as_one_that_was_not(done: Continued, uncrystallised: tuple[str, Path]) -> None:
    assert done.n_before >= 2
    url, _ = uncrystallised
    assert rows(url, _SUGGESTED) == rows(done.url, _SUGGESTED)
    assert rows(url, _KEPT) == rows(done.url, _KEPT)


def test_crystals_that_were_interrupted_or_failed_are_tried_again(
    done: Continued, uncrystallised: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, home = uncrystallised

    def interrupted(session: Any, run_id: int, attempts: Sequence[Any]) -> int:
        if rows(url, "SELECT FROM matsift.generated_structure"):
            raise KeyboardInterrupt
        return write_attempts(session, run_id, attempts)

    with monkeypatch.context() as patch:
        patch.setattr("matsift_flows.generative.crystals.store.write_attempts", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run_here(done.path, url, home, workers=1)
    assert 0 < len(rows(url, _CRYSTALS)) < len(rows(done.url, _CRYSTALS))
    run_here(done.path, url, home, overrides=["generative.structures.time_limit_s=0.001"])
    assert (1, "failed") in [row[:2] for row in rows(url, _BY_ATTEMPT)]

    before = row_counts(url)
    run_here(done.path, url, home)
    assert row_counts(url) == before
    run_here(done.path, url, home, retry_failed=True)
    assert rows(url, _CRYSTALS) == rows(done.url, _CRYSTALS)
    assert {row[0] for row in rows(url, _BY_ATTEMPT)} == {1, 2}


def test_a_second_run_adds_nothing(done: Continued) -> None:
    again = run_here(done.path, done.url, done.home)
    assert again.added == {}
    assert row_counts(done.url) == done.counts
    assert again.generated is not None
    assert not again.generated.is_new


def test_both_networks_are_kept_with_what_they_learned_from(done: Continued) -> None:
    found = rows(done.url, "SELECT kind, n_formula, scores, artifact_sha256 IS NULL FROM analysis.generator ORDER BY 1")
    known = one(done.url, "SELECT count(DISTINCT reduced_formula) FROM matsift.structure WHERE run_id = 1")
    assert [row[:2] for row in found] == [("composition_autoencoder", known), ("composition_gan", known)]
    assert 0 <= found[0][2]["round_trip"] <= 1
    assert not any(row[3] for row in found)
    assert list((done.home / "generators").iterdir()) == []


def test_what_is_kept_is_valid_new_and_ordered_by_the_model(done: Continued) -> None:
    query = """
        SELECT formula, rank, upper, verdicts, nearest_distance FROM analysis.generated_composition
        WHERE origin = 'gan' ORDER BY rank
    """
    found = rows(done.url, query)
    assert 0 < len(found) <= 20
    compositions = Compositions.from_formulas([row[0] for row in found])
    assert validity(compositions).valid.all()
    assert all(row[3]["charge_neutral"] for row in found)
    assert all(row[4] > 0 for row in found)
    uppers = [row[2] for row in found]
    assert uppers == sorted(uppers)
    stored = {row[0] for row in rows(done.url, "SELECT reduced_formula FROM matsift.structure")}
    made = {row[0] for row in rows(done.url, "SELECT formula FROM matsift.generated_structure")}
    assert {row[0] for row in found}.isdisjoint(stored - made)


def test_every_attempt_at_a_crystal_ends_with_one_or_a_reason(done: Continued) -> None:
    found = rows(done.url, "SELECT outcome, structure_hash, reason FROM analysis.generated_structure")
    assert found
    for outcome, structure_hash, reason in found:
        assert (structure_hash is not None) == (outcome in ("relaxed", "rediscovered"))
        assert (reason is None) == (structure_hash is not None)


def test_relaxed_crystals_are_candidates_with_predictions_in_the_ranking(done: Continued) -> None:
    relaxed = {
        row[0]
        for row in rows(
            done.url,
            "SELECT s.content_hash FROM matsift.generated_structure a JOIN matsift.structure s ON s.id = a.structure_id"
            " WHERE a.outcome = 'relaxed' AND NOT 'competitor' = ANY(s.holds)",
        )
    }
    assert relaxed
    assert set(ranked(done.result)) == relaxed
    assert done.result.generated is not None
    page = done.result.generated.report
    assert {c.structure_hash for c in page.candidates if c.rank is not None} == relaxed
    assert all(c.crystal is not None and c.template is not None for c in page.ranked)
    assert done.result.generated.path == done.home / "reports" / NAME / "generated" / "report.html"


def test_the_property_model_never_learns_from_what_the_study_made(done: Continued) -> None:
    assert one(done.url, "SELECT max(n_row) FROM matsift.dataset_snapshot") <= N_CRYSTAL


def test_more_rounds_continue_the_search(done: Continued) -> None:
    before = rows(done.url, _SUGGESTED)
    text = done.path.read_text().replace("n_round = 3", "n_round = 4")
    longer = done.path.with_name("longer.toml")
    longer.write_text(text)
    run_here(longer, done.url, done.home, overrides=["generative.structures.top=0"])
    after = rows(done.url, _SUGGESTED)
    assert after[: len(before)] == before
    assert len(after) > len(before)
    assert one(done.url, "SELECT count(*) FROM matsift.campaign") == 1

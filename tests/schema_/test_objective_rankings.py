"""Rankings by several objectives: written once, seen in the views, the newest told apart."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories import pipeline, rankings

from matsift_schema.store.counts import row_counts
from matsift_schema.store.objective_rankings import find_ranking

_VIEW = text("""
    SELECT layer, pareto_place, chance, utility, utility_place, unknown_objectives, is_newest FROM analysis.ranking
    WHERE ranking_hash = :hash ORDER BY pareto_place NULLS LAST
""")


@pytest.fixture
def study(session: Session) -> pipeline.Study:
    return pipeline.small_study(session)


def test_a_ranking_is_written_once(session: Session, study: pipeline.Study) -> None:
    before = row_counts(session)
    again, _ = rankings.rank(session, study.run, study.screen, study.model, study.structure_ids)
    assert find_ranking(session, "c" * 64) == again
    assert row_counts(session) == before


def test_the_view_shows_places_chances_and_what_is_unknown(session: Session, study: pipeline.Study) -> None:
    *known, last = session.execute(_VIEW, {"hash": "c" * 64}).all()
    n = len(study.structure_ids)
    assert [row.pareto_place for row in known] == list(range(1, n))
    assert {row.layer for row in known} == {1}  # stiffer is farther from the hull: none beats another
    assert [row.chance for row in known] == sorted((row.chance for row in known), reverse=True)
    assert sorted(row.utility_place for row in known) == list(range(1, n))
    assert (last.layer, last.pareto_place, last.chance, last.utility) == (None, None, None, None)
    assert last.unknown_objectives == ["energy_above_hull"]


def test_only_the_last_ranking_of_a_study_is_the_newest(session: Session, study: pipeline.Study) -> None:
    rankings.rank(session, study.run, study.screen, study.model, study.structure_ids, "d" * 64)
    assert {row.is_newest for row in session.execute(_VIEW, {"hash": "c" * 64})} == {False}
    assert {row.is_newest for row in session.execute(_VIEW, {"hash": "d" * 64})} == {True}


def test_each_value_stands_with_its_objective_and_its_model(session: Session, study: pipeline.Study) -> None:
    query = text("""
        SELECT objective, unit, goal, threshold, weight, origin, mean, deviation, model_hash IS NULL
        FROM analysis.ranking_objective WHERE structure_hash = :h ORDER BY position
    """)
    first = session.scalar(
        text("SELECT content_hash FROM matsift.structure WHERE id = :id"), {"id": int(study.structure_ids[0])}
    )
    modulus, hull = session.execute(query, {"h": first}).all()
    assert tuple(modulus) == (
        "k_vrh",
        "GPa",
        "maximize",
        101.0,
        1.0,
        "predicted",
        100.0,
        pytest.approx(5.0 / 1.6448536),
        False,
    )
    assert tuple(hull) == ("energy_above_hull", "eV/atom", "minimize", 0.05, 2.0, "stated", 0.0, 0.0, True)

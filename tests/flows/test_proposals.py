"""`matsift compositions` and `matsift suggestions`: what they print of rows, and what they read from the database."""

from __future__ import annotations

import json

import pytest
from sqlalchemy.orm import Session
from tests.factories import generation as factory
from tests.factories import pipeline

from matsift_flows.cli.proposals import _composition_line, _suggestion_line
from matsift_schema.store.proposals import compositions_of, studies_with_proposals, suggestions_of


@pytest.fixture
def study(session: Session) -> pipeline.Study:
    """A small study, with two compositions, a search of two suggestions, and a crystal."""
    return pipeline.small_study(session, is_diffracted=False)


def test_compositions_come_with_their_crystals_and_reasons(session: Session, study: pipeline.Study) -> None:
    first, second = compositions_of(session, "shelf_study")
    assert (first["formula"], first["outcome"], first["structure_hash"]) == ("KCl", "refused", None)
    assert (second["formula"], second["outcome"], second["template_distance"]) == ("KBr", "relaxed", 0.5)
    assert json.loads(json.dumps(first, default=str))["verdicts"]["charge_neutral"]
    assert compositions_of(session, "shelf_study", origin="rules") == []
    assert studies_with_proposals(session) == ["shelf_study"]
    assert study.model


def test_a_line_says_value_interval_neighbour_and_what_became_of_it(session: Session, study: pipeline.Study) -> None:
    first, second = (_composition_line(row) for row in compositions_of(session, "shelf_study"))
    assert first.startswith("KCl")
    assert "near NaCl (0.50)" in first
    assert first.endswith("refused: no crystal of these amounts is known")
    assert " from " in second
    assert study.model


def test_suggestions_come_in_their_order_with_values_or_reasons(session: Session, study: pipeline.Study) -> None:
    rows = suggestions_of(session, "shelf_study")
    assert [(row["number"], row["decodes"]) for row in rows] == [(1, True), (2, False)]
    good, bad = (_suggestion_line(row) for row in rows)
    assert good.split()[:3] == ["1,", "round", "1:"]
    assert "NaCl" in good
    assert bad.endswith(str(factory.suggestion(2, reason="row of Na holds two ones").reason))
    assert suggestions_of(session, "another") == []
    assert study.model

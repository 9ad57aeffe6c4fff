"""Which model versions are a study's, and what their cards read from the rows."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.factories.runs import run, run_id

from matsift.errors import UserInputError
from matsift_schema.store import model_cards as store
from matsift_schema.store.answers import ask
from matsift_schema.store.models import load_model, write_model

STUDY = "shelf_study"


@pytest.fixture
def study(session: Session) -> pipeline.Study:
    return pipeline.small_study(session, is_diffracted=False)


def train(session: Session, study: pipeline.Study, **rest: str) -> int:
    return write_model(session, study.run, pipeline.model_record(study.snapshot, study.set_id, **rest))


def test_the_newest_model_that_predicts_stands_for_its_property(session: Session, study: pipeline.Study) -> None:
    idle = train(session, study, learner="ridge", purpose="baseline")
    newer = train(session, study, learner="random_forest")
    assert {study.model, idle, newer} <= set(store.study_models(session, STUDY))
    assert store.ranking_models(session, STUDY) == [study.model]
    pipeline.predict(session, study.run, newer, study.structure_ids)
    assert store.ranking_models(session, STUDY) == [newer]


def test_a_study_that_predicts_nothing_has_the_newest_of_each_learner(session: Session, study: pipeline.Study) -> None:
    alone = run("train", study="other").id(session)
    [first, second, ridge] = [
        write_model(
            session, alone, pipeline.model_record(study.snapshot, study.set_id, learner=learner, content_hash=64 * key)
        )
        for learner, key in (("gpr_nn", "1"), ("gpr_nn", "2"), ("ridge", "3"))
    ]
    assert store.study_models(session, "other") == [first, second, ridge]
    assert store.ranking_models(session, "other") == [second, ridge]
    assert store.study_model_hashes(session, "other") == ["1" * 64, "2" * 64, "3" * 64]
    assert store.ranking_models(session, "nobody's") == []


def test_a_model_of_another_study_belongs_to_the_one_that_predicts_with_it(
    session: Session, study: pipeline.Study
) -> None:
    lent = train(session, study, learner="random_forest")
    predicting = run("predict", study="borrower").id(session)
    pipeline.predict(session, predicting, lent, study.structure_ids)
    assert store.study_models(session, "borrower") == store.ranking_models(session, "borrower") == [lent]
    assert store.model_origin(session, lent).study == STUDY


def test_labels_descriptors_and_errors_are_those_of_the_model(session: Session, study: pipeline.Study) -> None:
    origins = store.label_origins(session, study.snapshot)
    assert sum(origin.n_label for origin in origins) == len(study.label_ids)
    assert {origin.method for origin in origins} == {pipeline.METHOD}
    sets, packages = store.model_descriptor_sets(session, study.model)
    assert [(one.name, one.version, one.n_column) for one in sets] == [("mp", "1", len(pipeline.MP_COLUMNS))]
    assert packages == {"numpy": "2"}
    [worst] = store.largest_errors(session, study.model, 5)
    assert (worst.mean, worst.lower, worst.upper) == (30.0, 25.0, 35.0)
    key = load_model(session, study.model).content_hash
    assert store.find_models(session, key[:9].upper()) == [(study.model, key)]


def test_a_question_may_not_write(session: Session) -> None:
    run_id(session)
    with session.begin_nested() as inside:
        with pytest.raises(UserInputError, match="cannot execute DELETE in a read-only transaction"):
            ask(session, "DELETE FROM matsift.failure")
        inside.rollback()

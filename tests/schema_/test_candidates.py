"""The table behind the ranking: filled for what was there before it, and right when two write at once."""

from __future__ import annotations

import threading

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.schema_.test_rewritten_views import check, ranking_model

from matsift_schema import engine

_WAITING = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = :database")
_DATABASE = text("SELECT oid FROM pg_database WHERE datname = current_database()")


def test_what_was_predicted_before_is_ranked_after_the_upgrade(database_url: str) -> None:
    own = engine.make_engine(database_url)
    with Session(own) as session, session.begin():
        pipeline.small_study(session, is_diffracted=False)  # a label of a property refuses to go without it
    engine.downgrade(database_url, "0017")
    engine.upgrade(database_url)
    with Session(own) as session:
        assert session.scalar(text("SELECT count(*) FROM matsift.candidate")) == 6
        assert session.scalar(text("SELECT mean_spread FROM matsift.campaign_round")) == 3.5
        check(session)
    own.dispose()


def test_of_two_models_that_write_at_once_the_newer_shows(database_url: str) -> None:
    own = engine.make_engine(database_url)
    with Session(own) as session, session.begin():
        study = pipeline.small_study(session)
        older, newer = (ranking_model(session, study, name) for name in ("older", "newer"))

    def predict(model: int) -> None:
        with Session(own) as other, other.begin():
            pipeline.predict(other, study.run, model, study.structure_ids)

    with Session(own) as first, first.begin():
        pipeline.predict(first, study.run, newer, study.structure_ids)
        second = threading.Thread(target=predict, args=[older])
        second.start()
        _wait_until_one_waits(own)
    second.join(30)
    with Session(own) as session:
        shown = text(
            "SELECT DISTINCT m.model_version_id FROM analysis.prediction p JOIN analysis.ranking_model m"
            " USING (model_hash)"
        )
        assert session.scalars(shown).all() == [newer]
        check(session)
    own.dispose()


def _wait_until_one_waits(own: Engine) -> None:
    with own.connect() as connection:
        database = connection.scalar(_DATABASE)
        for _ in range(300):
            if connection.scalar(_WAITING, {"database": database}):
                return
            connection.rollback()
            threading.Event().wait(0.1)
    raise AssertionError("nobody waits for the lock")

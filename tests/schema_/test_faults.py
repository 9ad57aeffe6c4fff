"""What a server does in the middle of work is told in one sentence; a fault of ours keeps its traceback."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from matsift.errors import DatabaseError
from matsift_schema.engine import make_engine
from matsift_schema.faults import is_lost_connection, told_plainly
from matsift_schema.store.copying import driver_connection


@pytest.fixture
def own_engine(database_url: str) -> Iterator[Engine]:
    """An engine whose connections a test may break."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def _end_connection(session: Session) -> None:
    pid = session.scalar(text("SELECT pg_backend_pid()"))
    engine = session.get_bind()
    assert isinstance(engine, Engine)
    with engine.begin() as other:
        other.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})


def _work_on_a_lost_connection(session: Session) -> None:
    _end_connection(session)
    session.execute(text("SELECT 1"))


def _work_below_sqlalchemy(session: Session) -> None:
    with driver_connection(session).cursor() as cursor:
        _end_connection(session)
        cursor.execute("SELECT 1")


def _overstep_rights(session: Session) -> None:
    session.execute(text("SET ROLE matsift_analyst"))
    session.execute(text("DELETE FROM matsift.run"))


def _take_too_long(session: Session) -> None:
    session.execute(text("SET LOCAL statement_timeout = '10ms'"))
    session.execute(text("SELECT pg_sleep(5)"))


def _break_a_constraint(session: Session) -> None:
    session.execute(text("INSERT INTO matsift.source (name) VALUES (NULL)"))


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        pytest.param(
            _work_on_a_lost_connection, r"^the connection to the database was lost \(.*\); .* it continues$", id="lost"
        ),
        pytest.param(
            _work_below_sqlalchemy,
            r"^the connection to the database was lost \(.*\); .* it continues$",
            id="lost_below",
        ),
        pytest.param(
            _overstep_rights, r"^the database refused \(permission denied .*\); use a user with the role", id="right"
        ),
        pytest.param(_take_too_long, r"^the database could not go on \(canceling statement .*\); ", id="stopped"),
    ],
)
def test_what_the_server_does_is_one_sentence(
    own_engine: Engine, work: Callable[[Session], None], sentence: str
) -> None:
    with pytest.raises(DatabaseError, match=sentence), told_plainly(), Session(own_engine) as session:
        work(session)


def test_fault_of_ours_keeps_its_traceback(own_engine: Engine) -> None:
    with pytest.raises(IntegrityError) as caught, told_plainly(), Session(own_engine) as session:
        _break_a_constraint(session)
    assert not is_lost_connection(caught.value)


def test_lost_connection_is_known_behind_what_it_led_to(own_engine: Engine) -> None:
    with pytest.raises(DBAPIError) as caught, Session(own_engine) as session:
        _work_on_a_lost_connection(session)
    later = RuntimeError("the clean-up failed too")
    later.__context__ = caught.value
    assert is_lost_connection(later)
    assert not is_lost_connection(RuntimeError("something else"))

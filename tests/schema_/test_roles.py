"""The roles on a real server, with password logins over TCP: analysts read `analysis` and write nowhere."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.factories.crystals import rock_salt
from tests.factories.entries import entry, ingest
from tests.factories.runs import run
from tests.postgres import PostgresServer

from matsift.errors import DatabaseError, MatsiftWarning
from matsift.records import FailureRecord, LabelRecord
from matsift_schema import engine
from matsift_schema.analysis import apply_roles
from matsift_schema.store import acquisitions, settling, syncs
from matsift_schema.store.failures import write_failures
from matsift_schema.store.labels import write_labels
from matsift_schema.tables import metadata

PASSWORD = "correct-horse"
LOGINS = {"alice": "matsift_analyst", "worker_1": "matsift_worker", "operator_1": "matsift_operator"}


@pytest.fixture(scope="module")
def filled(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a database with rows, migrated itself: rights on a database are not copied with its template."""
    name = postgres_server.create_database()
    url = postgres_server.url(name)
    engine.upgrade(url)
    admin = engine.make_engine(url)
    with Session(admin) as session, session.begin():
        pipeline.small_study(session)
        for login, group in LOGINS.items():
            if not session.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :login"), {"login": login}):
                session.execute(text(f"CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' IN ROLE {group}"))
    admin.dispose()
    yield name
    postgres_server.drop_database(name)


@pytest.fixture
def analyst(postgres_server: PostgresServer, filled: str) -> Iterator[psycopg.Connection]:
    """A connection of an analyst, over TCP with a password."""
    with psycopg.connect(postgres_server.tcp_url(filled, "alice", PASSWORD), autocommit=True) as connection:
        yield connection


@contextmanager
def rolled_back(url: str) -> Iterator[Session]:
    own = engine.make_engine(url)
    with Session(own) as session:
        yield session
        session.rollback()
    own.dispose()


@pytest.fixture
def worker(postgres_server: PostgresServer, filled: str) -> Iterator[Session]:
    """A session of a worker, over TCP with a password; rolled back."""
    with rolled_back(postgres_server.tcp_url(filled, "worker_1", PASSWORD)) as session:
        yield session


@pytest.fixture
def operator(postgres_server: PostgresServer, filled: str) -> Iterator[Session]:
    """A session of an operator, over TCP with a password; rolled back."""
    with rolled_back(postgres_server.tcp_url(filled, "operator_1", PASSWORD)) as session:
        yield session


@pytest.mark.parametrize("login", [*LOGINS, "postgres"])
def test_a_wrong_password_is_refused_and_not_told(postgres_server: PostgresServer, filled: str, login: str) -> None:
    url = postgres_server.tcp_url(filled, login, "not-the-horse")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url)
    for look in (engine.require_ready, engine.upgrade):
        with pytest.raises(DatabaseError, match=f'password authentication failed for user "{login}"') as refused:
            look(url)
        assert len(str(refused.value).splitlines()) == 1
        assert "not-the-horse" not in "".join(traceback.format_exception(refused.value))


def test_passwords_are_stored_as_scram(postgres_server: PostgresServer, filled: str) -> None:
    with psycopg.connect(postgres_server.url(filled)) as admin:
        query = "SELECT rolpassword FROM pg_authid WHERE rolname = ANY(%s)"
        stored = [password for (password,) in admin.execute(query, [list(LOGINS)])]
    assert len(stored) == len(LOGINS)
    assert all(password.startswith("SCRAM-SHA-256$") for password in stored)


def test_analyst_reads_every_view_and_finds_rows(analyst: psycopg.Connection) -> None:
    views = [
        name
        for (name,) in analyst.execute(
            "SELECT table_name FROM information_schema.views WHERE table_schema = 'analysis'"
        )
    ]
    assert len(views) >= 20
    empty = [view for view in views if not analyst.execute(f"SELECT count(*) FROM analysis.{view}").fetchone()[0]]  # type: ignore[index]
    assert empty == []


@pytest.mark.parametrize("table", [*sorted(table.name for table in metadata.tables.values()), "alembic_version"])
def test_analyst_cannot_read_a_table(analyst: psycopg.Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute(f"SELECT * FROM matsift.{table}")


WRITES = {
    "insert into a simple view": "INSERT INTO analysis.property (property_name) VALUES ('x')",
    "update a simple view": "UPDATE analysis.run SET message = 'x'",
    "delete from a simple view": "DELETE FROM analysis.element",
    "insert into a table": "INSERT INTO matsift.property (name, unit, definition) VALUES ('x', 'y', 'z')",
    "delete from a table": "DELETE FROM matsift.prediction",
    "truncate": "TRUNCATE matsift.run CASCADE",
    "table in analysis": "CREATE TABLE analysis.mine (a int)",
    "view in analysis": "CREATE VIEW analysis.mine AS SELECT 1",
    "table in matsift": "CREATE TABLE matsift.mine (a int)",
    "table in public": "CREATE TABLE public.mine (a int)",
    "function in public": "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "temporary table": "CREATE TEMPORARY TABLE mine (a int)",
    "schema": "CREATE SCHEMA mine",
    "database": "CREATE DATABASE mine",
    "role": "CREATE ROLE mine",
    "become worker": "SET ROLE matsift_worker",
    "become operator": "SET ROLE matsift_operator",
    "become superuser": "SET ROLE postgres",
    "large object": "SELECT lo_create(0)",
    "large object from bytes": "SELECT lo_from_bytea(0, 'x')",
    "file on the server": "COPY (SELECT 1) TO '/tmp/matsift-analyst'",
    "program on the server": "COPY (SELECT 1) TO PROGRAM 'true'",
    "drop a view": "DROP VIEW analysis.run",
    "comment": "COMMENT ON VIEW analysis.run IS 'x'",
    "extension": "DROP EXTENSION vector",
    "grant": "GRANT SELECT ON analysis.run TO PUBLIC WITH GRANT OPTION",
}


@pytest.mark.parametrize("statement", WRITES.values(), ids=WRITES)
def test_analyst_writes_nowhere(analyst: psycopg.Connection, statement: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        analyst.execute(statement)
    assert isinstance(refused.value, psycopg.errors.InsufficientPrivilege | psycopg.errors.InvalidGrantOperation)


def _campaign(session: Session) -> int:
    return int(session.scalar(text("SELECT id FROM matsift.campaign WHERE strategy_kind <> 'latent_search'")) or 0)


def test_operator_does_what_flows_do(operator: Session) -> None:
    flow = run("label")
    counts = ingest(operator, flow.id(operator), [entry("new", rock_salt("K", "Br"))])
    assert counts.inserted == 1
    syncs.withdraw_missing(operator, "shelf", ["new"])
    [claimed] = acquisitions.claim_acquisitions(operator, _campaign(operator), worker="o", limit=1, lease_s=60)
    assert acquisitions.release(operator, claimed.id, worker="o")
    model = operator.execute(
        text("SELECT id FROM matsift.model_version WHERE learner = 'lightgbm_ensemble'")
    ).scalar_one()
    key = operator.execute(text("SELECT id FROM matsift.structure WHERE reduced_formula = 'KBr'")).scalar_one()
    assert pipeline.predict(operator, flow.id(operator), model, np.array([key])) == 1
    flow.finish(operator)


def test_worker_claims_answers_and_settles(worker: Session) -> None:
    flow, campaign = run("label"), _campaign(worker)
    first, second = acquisitions.claim_acquisitions(worker, campaign, worker="w", limit=2, lease_s=60)
    assert acquisitions.renew_leases(worker, [first.id], worker="w", lease_s=90) == {first.id}
    label = LabelRecord(first.property_name, 1.0, first.oracle_method, "oracle:ase")
    write_labels(worker, flow.id(worker), [(first.structure_hash, label, None)])
    settling.write_result(worker, flow.id(worker), first.structure_id, first.oracle_method, detail={}, worker="w")
    failure = FailureRecord(settling.STAGE, second.structure_hash, "OracleError", "no", 1.0, second.oracle_method)
    write_failures(worker, flow.id(worker), [failure])
    for row in (first, second):
        answered = {"structure_id": row.structure_id, "method": row.oracle_method}
        assert settling.settle_answered(worker, worker="w", **answered) == 1
    states = {row.id: row.status for row in acquisitions.load_acquisitions(worker, campaign)}
    assert (states[first.id], states[second.id]) == ("labelled", "failed")
    told = text("SELECT status FROM matsift.acquisition_event WHERE acquisition_id = :id ORDER BY id DESC LIMIT 2")
    assert worker.scalars(told, {"id": second.id}).all() == ["failed", "claimed"]
    flow.finish(worker)


def test_worker_takes_in_no_entry(worker: Session) -> None:
    flow = run("ingest")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ingest(worker, flow.id(worker), [entry("new", rock_salt("K", "Br"))])


@pytest.mark.parametrize("login", ["worker_1", "operator_1"])
def test_worker_and_operator_are_ready(postgres_server: PostgresServer, filled: str, login: str) -> None:
    engine.require_ready(postgres_server.tcp_url(filled, login, PASSWORD))


def test_analyst_is_told_that_the_database_is_not_for_flows(postgres_server: PostgresServer, filled: str) -> None:
    with pytest.raises(DatabaseError, match="may not read"):
        engine.require_ready(postgres_server.tcp_url(filled, "alice", PASSWORD))


def test_roles_can_be_applied_again(postgres_server: PostgresServer, filled: str) -> None:
    admin = engine.make_engine(postgres_server.url(filled))
    with admin.begin() as connection:
        apply_roles(connection)
        apply_roles(connection)
    admin.dispose()


def _database_of(server: PostgresServer, role: str) -> str:
    """Return the name of a new database of a new role that may log in and create no roles."""
    name = server.create_database()
    with psycopg.connect(server.url(name), autocommit=True) as admin:
        admin.execute("CREATE EXTENSION vector")
        admin.execute(f"CREATE ROLE {role} LOGIN")
        admin.execute(f"ALTER DATABASE {name} OWNER TO {role}")
    return name


def test_a_migrating_user_without_createrole_is_warned(postgres_server: PostgresServer) -> None:
    name = _database_of(postgres_server, "modest")
    with psycopg.connect(postgres_server.url(name), autocommit=True) as admin:
        for role in ("matsift_analyst", "matsift_worker"):
            admin.execute(f"ALTER ROLE {role} RENAME TO {role}_away")
    try:
        with pytest.warns(MatsiftWarning, match="may not create matsift_analyst, matsift_worker; let an administrator"):
            engine.upgrade(postgres_server.url(name, "modest"))
        engine.require_ready(postgres_server.url(name, "modest"))
    finally:
        with psycopg.connect(postgres_server.url(name), autocommit=True) as admin:
            for role in ("matsift_analyst", "matsift_worker"):
                admin.execute(f"ALTER ROLE {role}_away RENAME TO {role}")
        postgres_server.drop_database(name)


def test_a_migrating_user_without_createrole_grants_to_roles_that_exist(
    postgres_server: PostgresServer, filled: str
) -> None:
    name = _database_of(postgres_server, "modest_2")
    with warnings.catch_warnings():
        warnings.simplefilter("error", MatsiftWarning)
        engine.upgrade(postgres_server.url(name, "modest_2"))
    with psycopg.connect(postgres_server.tcp_url(name, "alice", PASSWORD)) as analyst:
        assert analyst.execute("SELECT count(*) FROM analysis.element").fetchone() == (118,)
    postgres_server.drop_database(name)


def test_an_older_installation_without_operators_is_migrated_by_a_user_without_createrole(
    postgres_server: PostgresServer, filled: str
) -> None:
    name = _database_of(postgres_server, "modest_3")
    with psycopg.connect(postgres_server.url(name), autocommit=True) as admin:
        admin.execute("ALTER ROLE matsift_operator RENAME TO matsift_operator_away")
    try:
        with pytest.warns(
            MatsiftWarning, match="may not create matsift_operator; let an administrator run CREATE ROLE"
        ):
            engine.upgrade(postgres_server.url(name, "modest_3"))
        with psycopg.connect(postgres_server.tcp_url(name, "alice", PASSWORD)) as analyst:
            assert analyst.execute("SELECT count(*) FROM analysis.element").fetchone() == (118,)
    finally:
        with psycopg.connect(postgres_server.url(name), autocommit=True) as admin:
            admin.execute("ALTER ROLE matsift_operator_away RENAME TO matsift_operator")
    with warnings.catch_warnings():  # now it is there, and the same command lets it in
        warnings.simplefilter("error", MatsiftWarning)
        engine.upgrade(postgres_server.url(name, "modest_3"))
    with psycopg.connect(postgres_server.tcp_url(name, "operator_1", PASSWORD)) as operator:
        assert operator.execute("SELECT count(*) FROM matsift.element").fetchone() == (118,)
    postgres_server.drop_database(name)

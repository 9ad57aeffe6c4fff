"""Fixtures that every wing's tests share: a real PostgreSQL and databases built by the migrations."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from tests.postgres import PostgresServer

from matsift.execution.kept import kept_processes
from matsift_schema.engine import make_engine, upgrade

settings.register_profile("busy", deadline=None)  # a loaded machine is no reason to fail
settings.load_profile("busy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that hold slow tests, so that two processes end at about the same time."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _processes_are_kept() -> Iterator[None]:
    """Let idle processes of pools wait for the next test, not only for the next step of a study."""
    with kept_processes(4):
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running PostgreSQL 18 with pgvector, one a test process."""
    server = PostgresServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template_database(postgres_server: PostgresServer) -> str:
    """The name of a database at the newest schema; copied, never written to."""
    name = postgres_server.create_database()
    upgrade(postgres_server.url(name))
    return name


@pytest.fixture
def empty_database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of a fresh database without our schema."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture
def database_url(postgres_server: PostgresServer, template_database: str) -> Iterator[str]:
    """The address of a fresh database at the newest schema, for one test."""
    name = postgres_server.create_database(template_database)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="module")
def module_database_url(postgres_server: PostgresServer, template_database: str) -> Iterator[str]:
    """The address of a fresh database at the newest schema, for one test module."""
    name = postgres_server.create_database(template_database)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(scope="session")
def shared_engine(postgres_server: PostgresServer, template_database: str) -> Iterator[Engine]:
    """An engine on the database whose tests roll everything back."""
    engine = make_engine(postgres_server.url(postgres_server.create_database(template_database)))
    yield engine
    engine.dispose()


@pytest.fixture
def session(shared_engine: Engine) -> Iterator[Session]:
    """A session whose commits end in a savepoint; the test leaves no row behind."""
    with shared_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        outer.rollback()

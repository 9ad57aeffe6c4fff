"""What is said of a PostgreSQL that matsift does not run."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest

from matsift.errors import DatabaseError
from matsift_adapters.embedded_postgres import EmbeddedPostgres, check_server
from matsift_adapters.embedded_postgres.outside import ServerFacts, problem


@pytest.fixture(scope="module")
def owner_url(embedded_server: EmbeddedPostgres) -> str:
    url = embedded_server.url()
    assert url is not None
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE plain LOGIN")
    return url


def test_the_owner_of_a_new_database_is_welcome(owner_url: str) -> None:
    facts = check_server(owner_url)
    assert facts.version // 10_000 == 18
    assert (facts.role, facts.database, facts.encoding) == ("matsift_owner", "matsift", "UTF8")
    assert (facts.has_vector, facts.vector_is_available, facts.has_schema) == (False, True, False)


def test_rights_are_asked_for_one_after_the_other(owner_url: str) -> None:
    plain_url = owner_url.replace("matsift_owner@", "plain@")
    with psycopg.connect(owner_url, autocommit=True) as owner:
        with pytest.raises(
            DatabaseError, match="let an administrator run CREATE EXTENSION vector in the database matsift"
        ):
            check_server(plain_url)
        owner.execute("CREATE EXTENSION vector")
        with pytest.raises(DatabaseError, match="let an administrator run GRANT CREATE ON DATABASE matsift TO plain"):
            check_server(plain_url)
        owner.execute("CREATE SCHEMA matsift")
        with pytest.raises(
            DatabaseError, match="may not use the schema matsift; use a user with the role matsift_operator"
        ):
            check_server(plain_url)
        owner.execute("GRANT USAGE ON SCHEMA matsift TO plain")
        assert check_server(plain_url).may_use_schema


def test_an_encoding_that_cannot_hold_a_formula(owner_url: str) -> None:
    with psycopg.connect(owner_url, autocommit=True) as owner:
        owner.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0")
    with pytest.raises(DatabaseError, match="its encoding is LATIN1"):
        check_server(owner_url.replace("/matsift?", "/latin?"))


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql://me:s3cret@127.0.0.1:1/matsift", id="nobody_listens"),
        pytest.param("postgresql://me:s3cret@host:port/matsift", id="not_an_address"),
    ],
)
def test_an_unreachable_server_is_told_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseError, match="the PostgreSQL of MATSIFT_DATABASE_URL cannot be used") as caught:
        check_server(url)
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


GOOD = ServerFacts(
    version=150004,
    role="me",
    database="db",
    encoding="UTF8",
    is_replica=False,
    has_vector=True,
    vector_is_available=True,
    vector_is_trusted=False,
    is_superuser=False,
    may_create=True,
    has_schema=False,
    may_use_schema=False,
)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        pytest.param(GOOD, None, id="oldest_that_will_do"),
        pytest.param(replace(GOOD, version=140011), "it is PostgreSQL 14 and matsift needs 15 or newer", id="too_old"),
        pytest.param(replace(GOOD, is_replica=True), "it is a read-only replica", id="replica"),
        pytest.param(
            replace(GOOD, has_vector=False, vector_is_available=False, is_superuser=True),
            "install the package pgvector on the server",
            id="vector_missing",
        ),
        pytest.param(replace(GOOD, has_vector=False, vector_is_trusted=True), None, id="vector_trusted"),
        pytest.param(replace(GOOD, has_vector=False, is_superuser=True), None, id="vector_by_superuser"),
        pytest.param(replace(GOOD, has_vector=False), "CREATE EXTENSION vector", id="vector_not_allowed"),
        pytest.param(replace(GOOD, may_create=False, has_schema=True, may_use_schema=True), None, id="schema_made"),
    ],
)
def test_problems_by_their_facts(facts: ServerFacts, said: str | None) -> None:
    found = problem(facts)
    assert found is None if said is None else found is not None and said in found

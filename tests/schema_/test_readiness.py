"""Whether a database can be used: one sentence with the remedy where not."""

from __future__ import annotations

import psycopg
import pytest
from tests.postgres import PostgresServer

from matsift.errors import DatabaseError
from matsift_schema import engine


def test_migrated_database_is_ready(database_url: str) -> None:
    engine.require_ready(database_url)
    assert engine.current(database_url) == engine.head()


@pytest.mark.parametrize("prefix", ["postgresql://", "postgres://", "postgresql+psycopg://"])
def test_all_spellings_of_an_address_use_psycopg_3(database_url: str, prefix: str) -> None:
    own = engine.make_engine(database_url.replace("postgresql://", prefix))
    with own.connect() as connection:
        assert isinstance(connection.connection.driver_connection, psycopg.Connection)
    own.dispose()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite:///x.db", "matsift needs PostgreSQL, not sqlite; set MATSIFT_DATABASE_URL to postgresql://"),
        ("not an address", "the database address cannot be read; write it as postgresql://"),
    ],
    ids=["sqlite", "nonsense"],
)
def test_another_database_is_refused(url: str, sentence: str) -> None:
    with pytest.raises(DatabaseError) as refused:
        engine.make_engine(url)
    assert str(refused.value).startswith(sentence)


def test_nobody_answers() -> None:
    with pytest.raises(DatabaseError) as refused:
        engine.require_ready("postgresql://me:secret@127.0.0.1:1/x")
    assert str(refused.value).startswith("no PostgreSQL can be used at postgresql+psycopg://me:***@127.0.0.1:1/x (")
    assert "matsift db start" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_unknown_database(postgres_server: PostgresServer) -> None:
    with pytest.raises(DatabaseError, match='database "nowhere" does not exist'):
        engine.require_ready(postgres_server.url("nowhere"))


def test_empty_database_is_to_be_upgraded(empty_database_url: str) -> None:
    with pytest.raises(DatabaseError, match=r"holds no matsift schema yet; run `matsift db upgrade`"):
        engine.require_ready(empty_database_url)


def test_older_schema_is_to_be_upgraded(empty_database_url: str) -> None:
    engine.upgrade(empty_database_url, "0005")
    with pytest.raises(DatabaseError, match=rf"at schema revision 0005 of {engine.head()}; run `matsift db upgrade`"):
        engine.require_ready(empty_database_url)


def test_newer_schema_asks_for_a_newer_matsift(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE matsift.alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseError, match=r"migrated by a newer matsift \(revision 9999\); install that version"):
        engine.require_ready(database_url)
    with pytest.raises(DatabaseError, match="newer matsift"):
        engine.upgrade(database_url)


def test_a_user_without_rights_is_told_who_can_migrate(
    postgres_server: PostgresServer, empty_database_url: str
) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as admin:
        admin.execute("CREATE ROLE nobody_special LOGIN")
        name = admin.info.dbname
    with pytest.raises(DatabaseError) as refused:
        engine.upgrade(postgres_server.url(name, "nobody_special"))
    assert str(refused.value).startswith(f"the user 'nobody_special' may not migrate the database '{name}' (permission")
    assert "CREATE EXTENSION vector" in str(refused.value)


def test_a_server_that_is_too_old_is_named(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "OLDEST_POSTGRESQL", 99)
    with pytest.raises(DatabaseError, match="matsift needs PostgreSQL 99 or newer, this is 18; use another server"):
        engine.require_ready(database_url)


@pytest.mark.parametrize("url", ["database_url", "empty_database_url"], ids=["created", "ready to be created"])
def test_a_pgvector_that_is_too_old_is_named(
    url: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "OLDEST_PGVECTOR", (9, 10))
    with pytest.raises(
        DatabaseError, match=r"matsift needs pgvector 9.10 or newer, this is 0.\d+.\d+; install a newer"
    ):
        engine.require_ready(request.getfixturevalue(url))


def test_a_server_without_pgvector_is_named(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url, autocommit=True) as admin:  # PostgreSQL 18 looks nowhere for extensions
        admin.execute(f"ALTER DATABASE {admin.info.dbname} SET extension_control_path = '/nowhere'")
    with pytest.raises(DatabaseError, match="the server has no pgvector; install its package there"):
        engine.upgrade(empty_database_url)
    assert engine.current(empty_database_url) is None


def test_views_that_others_built_on_ours_are_not_dropped(database_url: str) -> None:
    with psycopg.connect(database_url) as other:
        other.execute("CREATE SCHEMA theirs")
        other.execute("CREATE VIEW theirs.runs AS SELECT * FROM analysis.run")
        other.execute("COMMENT ON SCHEMA analysis IS 'older (0000)'")
    with pytest.raises(DatabaseError, match="another version of matsift; run `matsift db upgrade`"):
        engine.require_ready(database_url)
    with pytest.raises(DatabaseError, match=r"view theirs.runs depends on view analysis.run.*and create it again"):
        engine.upgrade(database_url)


def test_a_migration_does_not_wait_long_for_a_flow(database_url: str) -> None:
    with psycopg.connect(database_url) as flow:
        flow.execute("LOCK TABLE matsift.study_report IN ACCESS SHARE MODE")
        with pytest.raises(DatabaseError, match="somebody works on the database"):
            engine.downgrade(database_url, "0010")

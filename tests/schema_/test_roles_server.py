"""What no role may do to the server, to the database around its tables, or by tricks with names and triggers."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql
from tests.postgres import PostgresServer
from tests.schema_.role_logins import MEMBERS, PASSWORD, ROLES, Logins, logins, outcome, values


@pytest.fixture(scope="module")
def place(postgres_server: PostgresServer) -> Iterator[Logins]:
    with logins(postgres_server, "server") as found:
        yield found


@pytest.fixture
def database(place: Logins) -> str:
    return place.database


@pytest.fixture
def connections(place: Logins) -> dict[str, psycopg.Connection]:
    return place.of


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


#: What nobody may, the owner of the database included.
ON_THE_SERVER = {
    "become superuser": "SET ROLE postgres",
    "be authorized as superuser": "SET SESSION AUTHORIZATION postgres",
    "make a superuser": "CREATE ROLE mine SUPERUSER",
    "be a superuser": "ALTER ROLE CURRENT_USER SUPERUSER",
    "read files by a role": "GRANT pg_read_server_files TO CURRENT_USER",
    "run programs by a role": "GRANT pg_execute_server_program TO CURRENT_USER",
    "password of a superuser": "ALTER ROLE postgres PASSWORD 'mine'",
    "hashes of passwords": "SELECT rolpassword FROM pg_authid",
    "hashes of passwords by a view": "SELECT passwd FROM pg_shadow",
    "program": "COPY (SELECT 1) TO PROGRAM 'true'",
    "rows from a program": "COPY pg_temp.x FROM PROGRAM 'true'",
    "file to write": "COPY (SELECT 1) TO '/tmp/matsift-rights'",
    "file to read": "SELECT pg_read_file('PG_VERSION')",
    "folder": "SELECT pg_ls_dir('.')",
    "file as a large object": "SELECT lo_import('/etc/passwd')",
    "triggers off": "SET session_replication_role = replica",
    "setting of the server": "ALTER SYSTEM SET log_statement = 'all'",
    "reload": "SELECT pg_reload_conf()",
    "library": "LOAD '/tmp/mine.so'",
    "function in C": "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE c AS '/tmp/mine.so', 'mine'",
    "function inside": "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE internal AS 'pg_backend_pid'",
    "database": "CREATE DATABASE mine",
    "row of the catalogue": "UPDATE pg_class SET relname = relname WHERE false",
    "log of all statements": "SET log_statement = 'all'",
}


#: What members may not, and the owner may.
IN_THE_DATABASE = {
    "role": "CREATE ROLE mine",
    "become owner": "SET ROLE server_owner",
    "group of others": "GRANT matsift_operator TO CURRENT_USER",
    "another's password": "ALTER ROLE server_owner PASSWORD 'mine'",
    "another's settings": "ALTER ROLE server_owner IN DATABASE {} SET statement_timeout = 0",
    "settings of the database": "ALTER DATABASE {} SET statement_timeout = 0",
    "drop the database": "DROP DATABASE {}",
    "schema": "CREATE SCHEMA mine",
    "table": "CREATE TABLE matsift.mine (a int)",
    "table in analysis": "CREATE TABLE analysis.mine (a int)",
    "table in public": "CREATE TABLE public.mine (a int)",
    "function": "CREATE FUNCTION analysis.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "function in public": "CREATE FUNCTION public.lower(text) RETURNS text LANGUAGE sql AS 'SELECT 1'",
    "operator in public": "CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)",
    "drop the schema": "DROP SCHEMA matsift CASCADE",
    "drop pgvector": "DROP EXTENSION vector CASCADE",
    "replace the trigger": "CREATE OR REPLACE FUNCTION matsift.forbid_change() RETURNS trigger LANGUAGE plpgsql AS ''",
    "default privileges": "ALTER DEFAULT PRIVILEGES FOR ROLE server_owner GRANT ALL ON TABLES TO PUBLIC",
    "event trigger": "CREATE EVENT TRIGGER mine ON sql_drop EXECUTE FUNCTION matsift.forbid_change()",
    "security label": "ALTER FUNCTION matsift.forbid_change() SECURITY DEFINER",
}


@pytest.mark.parametrize("statement", ON_THE_SERVER.values(), ids=ON_THE_SERVER)
def test_nobody_reaches_the_server(connections: dict[str, psycopg.Connection], role: str, statement: str) -> None:
    assert outcome(connections[role], statement) == "refused"


@pytest.mark.parametrize("role", MEMBERS)
@pytest.mark.parametrize("statement", IN_THE_DATABASE.values(), ids=IN_THE_DATABASE)
def test_members_change_nothing_of_the_database(
    connections: dict[str, psycopg.Connection], database: str, role: str, statement: str
) -> None:
    assert outcome(connections[role], statement.format(database)) == "refused"


@pytest.mark.parametrize("role", ["worker", "operator"])
def test_what_is_granted_is_not_handed_on(
    connections: dict[str, psycopg.Connection], postgres_server: PostgresServer, database: str, role: str
) -> None:
    """PostgreSQL does not refuse it: it warns, and grants nothing."""
    for statement in ("GRANT USAGE ON SCHEMA matsift TO PUBLIC", "GRANT SELECT, INSERT ON matsift.run TO PUBLIC"):
        connections[role].execute(statement.encode())
    connections[role].commit()
    with psycopg.connect(postgres_server.url(database)) as admin:
        to_public = "SELECT count(*)::text FROM pg_class, aclexplode(relacl) WHERE grantee = 0 AND oid = '{}'::regclass"
        assert values(admin, to_public.format("matsift.run")) == ["0"]
    assert outcome(connections["analyst"], "SELECT FROM matsift.run") == "refused"


def test_nobody_ends_the_session_of_another(
    connections: dict[str, psycopg.Connection], postgres_server: PostgresServer, database: str, role: str
) -> None:
    with psycopg.connect(postgres_server.url(database)) as admin:
        ending = f"SELECT pg_terminate_backend({admin.info.backend_pid})"
        assert outcome(connections[role], ending) == "refused"
        assert admin.execute("SELECT 1").fetchone() == (1,)


def test_analyst_makes_nothing_even_for_a_moment(connections: dict[str, psycopg.Connection]) -> None:
    for statement in ("CREATE TEMPORARY TABLE mine (a int)", "CREATE FUNCTION pg_temp.mine() RETURNS int RETURN 1"):
        assert outcome(connections["analyst"], statement) == "refused"
        assert outcome(connections["worker"], statement) == "allowed"


@pytest.mark.parametrize("role", ["worker", "operator"])
@pytest.mark.parametrize("function", ["record_acquisition_event", "candidates_after_prediction", "forbid_change"])
def test_no_trigger_of_ours_hangs_on_a_table_of_theirs(
    connections: dict[str, psycopg.Connection], role: str, function: str
) -> None:
    connections[role].execute("CREATE TEMPORARY TABLE mine (id bigint, status text, claimed_by text, reason text)")
    hanging = f"CREATE TRIGGER mine AFTER INSERT ON mine FOR EACH ROW EXECUTE FUNCTION matsift.{function}()"
    assert outcome(connections[role], hanging) == "refused"


def test_others_questions_are_not_seen(connections: dict[str, psycopg.Connection], role: str) -> None:
    other = connections["worker" if role == "analyst" else "analyst"]
    other.execute("SELECT 'between us'")
    seen = values(
        connections[role], "SELECT coalesce(query, '') FROM pg_stat_activity WHERE datname = current_database()"
    )
    other.rollback()
    assert "<insufficient privilege>" in seen
    assert not [query for query in seen if "between us" in query]


def test_a_time_limit_of_a_login_is_a_courtesy(
    postgres_server: PostgresServer, database: str, connections: dict[str, psycopg.Connection]
) -> None:
    """It ends long questions of whoever leaves it; PostgreSQL lets everybody set their own."""
    with psycopg.connect(postgres_server.url(database), autocommit=True) as admin:
        limit = sql.SQL("ALTER ROLE server_analyst IN DATABASE {} SET statement_timeout = '50ms'")
        admin.execute(limit.format(sql.Identifier(database)))
    with psycopg.connect(postgres_server.tcp_url(database, "server_analyst", PASSWORD), autocommit=True) as limited:
        with pytest.raises(psycopg.errors.QueryCanceled):
            limited.execute("SELECT pg_sleep(5)")
        limited.execute("SET statement_timeout = 0")
        limited.execute("SELECT pg_sleep(0.1)")
    assert outcome(connections["analyst"], "SELECT pg_sleep(0.1)") == "allowed"


def test_no_function_with_its_owners_rights_is_led_astray(connections: dict[str, psycopg.Connection]) -> None:
    """Each names where it looks, temporary objects last, and nobody else may create anything there."""
    query = """
        SELECT oid::regprocedure::text || '|' || coalesce(array_to_string(proconfig, ';'), '') FROM pg_proc
        WHERE prosecdef AND pronamespace::regnamespace::text IN ('matsift', 'analysis')
    """
    for said in values(connections["owner"], query):
        function, _, settings = said.partition("|")
        (path,) = [s.partition("=")[2] for s in settings.split(";") if s.startswith("search_path=")]
        schemas = [name.strip() for name in path.split(",")]
        assert (schemas[0], schemas[-1]) == ("pg_catalog", "pg_temp"), function
        for schema in schemas[:-1]:
            for role in MEMBERS:
                creating = f"CREATE FUNCTION {schema}.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"
                assert outcome(connections[role], creating) == "refused", (function, schema)

"""What owner, operator, worker and analyst may do to tables and views: every statement is tried on all of them.

What is allowed stands in the tables below; whatever else there is, or comes to be, has to be refused.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from tests.postgres import PostgresServer
from tests.schema_.role_logins import MEMBERS, ROLES, logins, outcome, relations, values

_RUN = {"status", "ended_at", "counts", "message"}
_CLAIM = {"status", "claimed_by", "lease_expires_at", "heartbeat_at", "external_job", "label_id", "failure_id"}
_CLAIM |= {"reason", "updated_at"}
_WRITTEN_BY_OTHERS = {"acquisition_event", "alembic_version", "candidate", "element", "property"}
#: What workers append to; operators append to all tables but those that migrations and triggers write.
RESULTS = {"run", "label", "oracle_result", "failure"}
#: Table -> columns that may change after a row was written.
CHANGED: dict[str, dict[str, set[str]]] = {
    "analyst": {},
    "worker": {"run": _RUN, "acquisition": _CLAIM},
    "operator": {
        "run": _RUN,
        "acquisition": _CLAIM,
        "source": {"description", "licence"},
        "source_entry": {"withdrawn_at", "withdrawn_reason", "revision"},
    },
}
CHANGED["owner"] = {**CHANGED["operator"], "alembic_version": {"version_num"}}


@pytest.fixture(scope="module")
def connections(postgres_server: PostgresServer) -> Iterator[dict[str, psycopg.Connection]]:
    """A connection a role."""
    with logins(postgres_server, "rights") as found:
        yield found.of


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tables(connections: dict[str, psycopg.Connection]) -> set[str]:
    return set(relations(connections["owner"], "matsift", "rp"))


@pytest.fixture(scope="module")
def columns(connections: dict[str, psycopg.Connection], tables: set[str]) -> dict[str, list[str]]:
    """Table -> its columns."""
    query = (
        "SELECT attname FROM pg_attribute WHERE attrelid = 'matsift.{}'::regclass AND attnum > 0 AND NOT attisdropped"
    )
    return {table: values(connections["owner"], query.format(table)) for table in tables}


def may(connection: psycopg.Connection, statement: str, role: str) -> bool:
    """Return whether a statement is allowed; what only a trigger stops counts too, but for the owner, who has all."""
    what = outcome(connection, statement)
    assert what != "no way", statement
    return what == "allowed" or (what == "kept" and role != "owner")


def allowed(connection: psycopg.Connection, tables: set[str], statement: str, role: str) -> set[str]:
    """Return the tables on which a statement with a gap for the table is allowed."""
    return {table for table in tables if may(connection, statement.format(f"matsift.{table}"), role)}


def test_who_reads_which_table(connections: dict[str, psycopg.Connection], tables: set[str], role: str) -> None:
    read = allowed(connections[role], tables, "SELECT * FROM {} LIMIT 1", role)
    assert read == (set() if role == "analyst" else tables)


def test_who_appends_to_which_table(
    connections: dict[str, psycopg.Connection], tables: set[str], columns: dict[str, list[str]], role: str
) -> None:
    expected = {"analyst": set(), "worker": RESULTS, "operator": tables - _WRITTEN_BY_OTHERS, "owner": tables}
    written = set()
    for table in tables:
        nothing = f"INSERT INTO matsift.{table} ({columns[table][-1]}) SELECT NULL WHERE false"
        what = outcome(
            connections[role], nothing.replace("NULL", _null(connections["owner"], table, columns[table][-1]))
        )
        written |= {table} if what == "allowed" else set()
    assert written == expected[role]


def _null(connection: psycopg.Connection, table: str, column: str) -> str:
    (kind,) = values(
        connection,
        "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
        f" WHERE attrelid = 'matsift.{table}'::regclass AND attname = '{column}'",
    )
    return f"CAST(NULL AS {kind})"


def test_who_changes_which_column(
    connections: dict[str, psycopg.Connection], columns: dict[str, list[str]], role: str
) -> None:
    changed: dict[str, set[str]] = {}
    for table, listed in columns.items():
        for column in listed:
            if may(connections[role], f"UPDATE matsift.{table} SET {column} = DEFAULT WHERE false", role):
                changed.setdefault(table, set()).add(column)
    assert changed == CHANGED[role]


@pytest.mark.parametrize("statement", ["DELETE FROM {} WHERE false", "TRUNCATE {} CASCADE"], ids=["delete", "truncate"])
def test_nobody_takes_a_row_away(
    connections: dict[str, psycopg.Connection], tables: set[str], role: str, statement: str
) -> None:
    assert allowed(connections[role], tables, statement, role) == ({"alembic_version"} if role == "owner" else set())


@pytest.mark.parametrize("role", MEMBERS)
@pytest.mark.parametrize("privilege", ["REFERENCES", "TRIGGER", "MAINTAIN"])
def test_nobody_holds_a_right_that_no_statement_above_needs(
    connections: dict[str, psycopg.Connection], tables: set[str], role: str, privilege: str
) -> None:
    query = f"SELECT has_table_privilege('matsift.{{}}', '{privilege}')::text"
    # Whoever may not even name the schema is refused the question.
    assert {outcome(connections[role], query.format(table)) for table in tables} <= {"allowed", "refused"}
    if role != "analyst":
        assert {values(connections[role], query.format(table))[0] for table in tables} == {"false"}


ON_A_TABLE = {
    "drop": "DROP TABLE {} CASCADE",
    "rename": "ALTER TABLE {} RENAME TO other",
    "column": "ALTER TABLE {} ADD COLUMN mine integer",
    "triggers": "ALTER TABLE {} DISABLE TRIGGER ALL",
    "owner": "ALTER TABLE {} OWNER TO CURRENT_USER",
    "row security": "ALTER TABLE {} DISABLE ROW LEVEL SECURITY",
    "index": "CREATE INDEX ON {} ((1))",
    "trigger": "CREATE TRIGGER mine BEFORE INSERT ON {} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "rule": "CREATE RULE mine AS ON INSERT TO {} DO INSTEAD NOTHING",
    "comment": "COMMENT ON TABLE {} IS 'mine'",
    "lock": "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
    "share lock": "LOCK TABLE {} IN SHARE MODE",
}


@pytest.mark.parametrize("role", MEMBERS)
@pytest.mark.parametrize("statement", ON_A_TABLE.values(), ids=ON_A_TABLE)
def test_no_table_is_altered_or_locked(
    connections: dict[str, psycopg.Connection], tables: set[str], role: str, statement: str
) -> None:
    assert allowed(connections[role], tables, statement, role) == set()


ON_A_VIEW = ["INSERT INTO {0} DEFAULT VALUES", "DELETE FROM {0} WHERE false", "DROP VIEW {0} CASCADE"]
ON_A_VIEW += ["ALTER VIEW {0} SET (security_invoker = true)", "CREATE OR REPLACE VIEW {0} AS SELECT 1", "TRUNCATE {0}"]
ON_A_VIEW += ["COMMENT ON VIEW {0} IS 'mine'"]


@pytest.mark.parametrize("role", MEMBERS)
def test_views_are_read_by_all_and_changed_by_nobody(connections: dict[str, psycopg.Connection], role: str) -> None:
    views = [f"analysis.{name}" for name in relations(connections["owner"], "analysis", "vmr")]
    assert {outcome(connections[role], f"SELECT * FROM {view} LIMIT 1") for view in views} == {"allowed"}
    for statement in ON_A_VIEW:
        assert {outcome(connections[role], statement.format(view)) for view in views} <= {"refused", "no way"}, (
            statement
        )


@pytest.mark.parametrize("role", MEMBERS)
@pytest.mark.parametrize("statement", ["SELECT nextval('{}')", "SELECT setval('{}', 1)", "ALTER SEQUENCE {} RESTART"])
def test_nobody_turns_a_counter(connections: dict[str, psycopg.Connection], role: str, statement: str) -> None:
    counters = relations(connections["owner"], "matsift", "S")
    said = {outcome(connections[role], statement.format(f"matsift.{name}")) for name in counters}
    assert said == {"refused"}


@pytest.mark.parametrize("role", MEMBERS)
def test_functions_of_analysis_are_called_by_all_and_those_of_triggers_by_nobody(
    connections: dict[str, psycopg.Connection], role: str
) -> None:
    query = """
        SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace::regnamespace::text IN ('matsift', 'analysis')
        AND has_function_privilege('rights_{}', oid, 'EXECUTE') ORDER BY 1
    """
    callable_by_owner = values(connections["owner"], query.format("owner"))
    expected = [name for name in callable_by_owner if name.startswith("analysis.")]
    assert values(connections["owner"], query.format(role)) == expected

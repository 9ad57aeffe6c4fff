"""A database of the first whole schema with a study in it becomes what a database of today holds of the same study.

The rows are those that today's code writes, as far as the first schema can hold them: columns and tables that it knows,
rows that its checks admit and whose parents are there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.orm import Session
from tests.factories.pipeline import small_study
from tests.postgres import PostgresServer

from matsift.errors import DatabaseError
from matsift_schema import engine

FIRST = "0011"
#: Written by the migrations themselves, the same in every database.
SEEDED = {"alembic_version", "element", "property"}
#: What later schemas keep ready beside the facts, and compute when they come.
DERIVED_TABLES = {"candidate", "campaign_plan"}
DERIVED_COLUMNS = {
    "acquisition": {"oracle_method"},
    "campaign": {"strategy_kind", "oracle_method"},
    "campaign_round": {"mean_spread"},
}
#: Of tables that migrations fill: keys and times are theirs.
OWN = {"campaign_plan": {"id", "created_at"}, "property": {"id"}}
#: Rules that end a campaign; searches for compositions, and a table of that name that nothing wrote to before.
LATER_COLUMNS = {"stop"}
LATER_ORACLE, LATER_TABLE = "model", "generated_composition"

Rows = dict[str, list[dict[str, Any]]]


def tables(connection: psycopg.Connection) -> list[str]:
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = to_regnamespace('matsift')"
    )
    return sorted(name for (name,) in found)


def read(url: str) -> Rows:
    """Return every row of every table."""
    with psycopg.connect(url) as connection:
        asked = sql.SQL("SELECT to_jsonb(t) FROM matsift.{} AS t")
        return {
            name: [row for (row,) in connection.execute(asked.format(sql.Identifier(name)))]
            for name in tables(connection)
        }


def views(url: str) -> dict[str, list[str]]:
    """Return what every view says."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = to_regnamespace('analysis')"
        ).fetchall()
        asked = sql.SQL("SELECT to_jsonb(v)::text FROM analysis.{} AS v")
        return {
            name: sorted(row for (row,) in connection.execute(asked.format(sql.Identifier(name)))) for (name,) in found
        }


def columns(rows: Rows) -> dict[str, set[str]]:
    return {name: set(found[0]) if found else set() for name, found in rows.items()}


@contextmanager
def without_triggers(url: str) -> Iterator[psycopg.Connection]:
    """Yield a connection that is obeyed: no trigger fires, and foreign keys are such."""
    with psycopg.connect(url) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def write(url: str, rows: Rows, only: dict[str, set[str]] | None = None) -> None:
    """Write the rows that a schema can hold, in the columns that it has, or in those of them that are named."""
    with without_triggers(url) as connection:
        for name in tables(connection):
            if name in SEEDED or (only is not None and name not in only):
                continue
            kept = writable(connection, name) & (only[name] if only else writable(connection, name))
            for row in rows.get(name, []):
                insert(connection, name, sorted(kept & set(row)), row)
        while any(remove_orphans(connection)):
            pass


def writable(connection: psycopg.Connection, name: str) -> set[str]:
    found = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped"
        " AND attgenerated = ''",
        [f"matsift.{name}"],
    )
    return {column for (column,) in found}


def insert(connection: psycopg.Connection, name: str, kept: list[str], row: dict[str, Any]) -> None:
    listed = sql.SQL(", ").join(map(sql.Identifier, kept))
    statement = sql.SQL(
        "INSERT INTO matsift.{0} ({1}) OVERRIDING SYSTEM VALUE"
        " SELECT {1} FROM jsonb_populate_record(NULL::matsift.{0}, %s::jsonb)"
    )
    try:
        with connection.transaction():
            connection.execute(statement.format(sql.Identifier(name), listed), [json.dumps(row)])
    except psycopg.errors.CheckViolation:
        assert name in {"failure", "run"}, (name, row)


def remove_orphans(connection: psycopg.Connection) -> Iterator[int]:
    """Remove rows whose parent is not there; yield how many, foreign key by foreign key."""
    keys = connection.execute("""
        SELECT conrelid::regclass::text, confrelid::regclass::text,
               ARRAY(SELECT attname FROM unnest(conkey) WITH ORDINALITY AS k (n, i) JOIN pg_attribute
                     ON attrelid = conrelid AND attnum = n ORDER BY i),
               ARRAY(SELECT attname FROM unnest(confkey) WITH ORDINALITY AS k (n, i) JOIN pg_attribute
                     ON attrelid = confrelid AND attnum = n ORDER BY i)
        FROM pg_constraint WHERE contype = 'f' AND connamespace = to_regnamespace('matsift')
    """).fetchall()
    for child, parent, own, theirs in keys:
        same = " AND ".join(f"c.{one} = p.{other}" for one, other in zip(own, theirs, strict=True))
        known = " AND ".join(f"c.{one} IS NOT NULL" for one in own)
        done = connection.execute(
            f"DELETE FROM {child} c WHERE {known} AND NOT EXISTS (SELECT FROM {parent} p WHERE {same})".encode()
        )
        yield done.rowcount


def as_first(rows: Rows) -> Rows:
    """Return rows of today as the first schema said the same: without what no matsift of that time could write."""
    planned = {plan["campaign_id"]: plan["n_round"] for plan in rows["campaign_plan"]}
    campaigns = [{**row, "n_round": planned[row["id"]]} for row in rows["campaign"] if row["oracle"] != LATER_ORACLE]
    assert rows[LATER_TABLE]
    return {**rows, LATER_TABLE: [], "campaign": campaigns}


def comparable(rows: Rows) -> dict[str, list[str]]:
    """Return rows as sorted texts, without what each database makes up for itself."""
    return {
        name: sorted(
            json.dumps({key: value for key, value in row.items() if key not in OWN.get(name, ())}, sort_keys=True)
            for row in found
        )
        for name, found in rows.items()
    }


@dataclass(frozen=True)
class Story:
    """Addresses of databases and what they held: today's, the first as it was, it upgraded, and one made today."""

    today: str
    first: Rows
    upgraded: str
    made_today: str


@pytest.fixture(scope="module")
def story(postgres_server: PostgresServer, template_database: str) -> Iterator[Story]:
    """The same study on three ways."""
    names = [postgres_server.create_database(template) for template in (template_database, "template0")]
    today, upgraded = map(postgres_server.url, names)
    own = engine.make_engine(today)
    with Session(own) as session:
        small_study(session)
        session.commit()
    own.dispose()
    rows = read(today)

    engine.upgrade(upgraded, FIRST)
    write(upgraded, as_first(rows))
    first = read(upgraded)
    engine.upgrade(upgraded)

    names.append(postgres_server.create_database(template_database))
    made_today = postgres_server.url(names[-1])
    held = {name: {json.dumps(key(name, row)) for row in found} for name, found in first.items()}
    same = {
        name: [row for row in found if json.dumps(key(name, row)) in held.get(name, ())] for name, found in rows.items()
    }
    known = {name: found | DERIVED_COLUMNS.get(name, set()) for name, found in columns(first).items()}
    derived = {name: rows[name] for name in DERIVED_TABLES}
    write(
        made_today,
        {**same, **derived},
        known | {name: set(found[0]) - LATER_COLUMNS for name, found in derived.items()},
    )
    yield Story(today, first, upgraded, made_today)
    for name in names:
        postgres_server.drop_database(name)


def key(name: str, row: dict[str, Any]) -> Any:
    """Return what identifies a row in every schema: its surrogate key, or all that the first schema knows of it."""
    if "id" in row:
        return row["id"]
    return [row[column] for column in sorted(row) if column.endswith("_id") or column in {"column_name", "position"}]


def test_the_first_schema_holds_the_study(story: Story) -> None:
    filled = {name for name, rows in story.first.items() if rows}
    assert filled == set(story.first) - {LATER_TABLE}
    assert len(story.first["structure"]) == 6
    assert {row["version_num"] for row in story.first["alembic_version"]} == {FIRST}


def test_an_upgrade_gives_what_a_database_of_today_holds(story: Story) -> None:
    upgraded, made_today = comparable(read(story.upgraded)), comparable(read(story.made_today))
    assert set(upgraded) == set(made_today)
    for name, rows in upgraded.items():
        assert rows == made_today[name], name
    assert upgraded["candidate"]
    engine.require_ready(story.upgraded)
    assert engine.check(story.upgraded) == []


def test_all_views_answer_and_say_the_same(story: Story) -> None:
    upgraded, made_today = views(story.upgraded), views(story.made_today)
    assert len(upgraded) > 40
    for name, rows in upgraded.items():
        assert rows == made_today[name], name
    assert sum(bool(rows) for rows in upgraded.values()) > 25


def test_down_and_up_again_loses_nothing_that_the_first_schema_can_hold(story: Story) -> None:
    before, said = comparable(read(story.upgraded)), views(story.upgraded)
    engine.downgrade(story.upgraded, FIRST)
    assert comparable(read(story.upgraded)) == comparable(story.first)
    engine.upgrade(story.upgraded)
    again = comparable(read(story.upgraded))
    for name, rows in before.items():
        assert again[name] == rows, name
    assert views(story.upgraded) == said


def test_a_way_down_on_which_labels_would_be_lost_is_refused(story: Story) -> None:
    before = comparable(read(story.today))
    with pytest.raises(DatabaseError, match=r"still referenced from table .* restore a backup of before$"):
        engine.downgrade(story.today, FIRST)
    assert comparable(read(story.today)) == before
    engine.require_ready(story.today)

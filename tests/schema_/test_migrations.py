"""The migrations on a real PostgreSQL: one line of them, up and down, equal to the tables, as committed.

After a change that is meant, write the catalogue anew:
MATSIFT_WRITE_CATALOGUE=1 python -m pytest tests/schema_/test_migrations.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Connection, text
from tests.postgres import PostgresServer
from tests.schema_ import catalogue

from matsift.screening.elements import NOBLE_GASES, RADIOACTIVE
from matsift.units import PROPERTIES
from matsift_schema import analysis, engine
from matsift_schema.tables import metadata

COMMITTED = Path(__file__).with_name("catalogue.txt")


def revisions() -> list[str]:
    """Return all revisions, oldest first."""
    return [script.revision for script in reversed(list(engine.scripts().walk_revisions()))]


def connect(url: str) -> Connection:
    return engine.make_engine(url).connect()


def read(url: str, *kinds: str) -> set[str]:
    with connect(url) as connection:
        lines = catalogue.read(connection, *kinds)
        connection.engine.dispose()
    return lines


def test_there_is_one_head() -> None:
    assert len(engine.scripts().get_heads()) == 1


def test_file_names_open_with_the_date() -> None:
    names = [Path(script.path).name for script in engine.scripts().walk_revisions()]
    assert all(name[:10].replace("_", "").isdigit() for name in names)
    assert sorted(names) == names[::-1]


def test_models_match_head(database_url: str) -> None:
    assert engine.check(database_url) == []


def test_a_difference_is_found(database_url: str) -> None:
    with connect(database_url) as connection:
        connection.execute(text("ALTER TABLE matsift.label ALTER COLUMN uncertainty SET NOT NULL"))
        connection.commit()
        connection.engine.dispose()
    assert "uncertainty" in engine.check(database_url)[0]


@pytest.fixture(scope="module")
def steps(postgres_server: PostgresServer) -> list[tuple[str, list[str]]]:
    """Return what each revision adds and takes, on the way up; on the way down each must restore what was there."""
    name = postgres_server.create_database()
    url = postgres_server.url(name)
    engine.upgrade(url, revisions()[0])
    engine.downgrade(url, "base")
    before = [read(url)]
    found = []
    for revision in revisions():
        engine.upgrade(url, revision)
        now = read(url)
        lines = [f"- {line}" for line in sorted(before[-1] - now)] + [f"+ {line}" for line in sorted(now - before[-1])]
        found.append((revision, lines))
        before.append(now)
    for i in range(len(revisions()) - 1, -1, -1):
        engine.downgrade(url, revisions()[i - 1] if i else "base")
        left = read(url)
        expected = before[i]
        if i < len(revisions()):  # the views and grants come with the newest revision and go with it
            left, expected = (
                {x for x in lines if not x.startswith(("schema analysis", "grant", "column grant"))}
                for lines in (left, expected)
            )
        assert left == expected, f"downgrade to before {revisions()[i]}"
    postgres_server.drop_database(name)
    return found


def test_each_step_is_as_committed_and_is_taken_back(steps: list[tuple[str, list[str]]]) -> None:
    written = "\n".join(f"== {revision}\n" + "\n".join(lines) for revision, lines in steps) + "\n"
    if os.environ.get("MATSIFT_WRITE_CATALOGUE"):
        COMMITTED.write_text(written, encoding="utf-8")
    assert written == COMMITTED.read_text(encoding="utf-8")


def test_head_equals_create_all(database_url: str, empty_database_url: str) -> None:
    with connect(empty_database_url) as connection:
        connection.execute(text("CREATE EXTENSION vector"))
        connection.execute(text("CREATE SCHEMA matsift"))
        metadata.create_all(connection)
        connection.commit()
        connection.engine.dispose()
    kinds = ("table", "column", "constraint", "index", "enum")
    migrated = read(database_url, *kinds)
    not_of_models = ("alembic_version", "analysis.", "matsift.ranking_model")
    ours = {line for line in migrated if not any(name in line for name in not_of_models)}
    assert read(empty_database_url, *kinds) == ours


def test_upgrade_at_head_changes_nothing(database_url: str) -> None:
    before = read(database_url)
    engine.upgrade(database_url)
    assert read(database_url) == before


def test_views_of_another_version_are_replaced(database_url: str) -> None:
    with connect(database_url) as connection:
        before = catalogue.read(connection, "view")
        connection.execute(text("DROP VIEW analysis.candidate_ranking"))
        connection.execute(text("COMMENT ON SCHEMA analysis IS 'older (0000)'"))
        connection.execute(text("CREATE VIEW analysis.of_yesterday AS SELECT 1 AS one"))
        connection.commit()
        assert analysis.refresh(connection)
        assert not analysis.refresh(connection)
        assert catalogue.read(connection, "view") == before
        connection.engine.dispose()


def test_properties_are_those_of_the_platform(module_database_url: str) -> None:
    with connect(module_database_url) as connection:
        rows = connection.execute(text("SELECT name, unit, definition, lower_bound, upper_bound FROM matsift.property"))
        stored = {row.name: tuple(row) for row in rows}
        connection.engine.dispose()
    expected = {p.name: (p.name, p.unit, p.definition, p.lower_bound, p.upper_bound) for p in PROPERTIES.values()}
    assert stored == expected


def test_elements_are_those_of_pymatgen_and_of_the_quality_rules(module_database_url: str) -> None:
    from pymatgen.core import Element

    with connect(module_database_url) as connection:
        rows = connection.execute(text("SELECT * FROM matsift.element ORDER BY atomic_number")).all()
        connection.engine.dispose()
    assert [row.atomic_number for row in rows] == list(range(1, 119))
    for row in rows:
        assert row.atomic_number == Element(row.symbol).Z
        assert row.atomic_mass_u == pytest.approx(float(Element(row.symbol).atomic_mass))
    assert {row.symbol for row in rows if row.is_radioactive} == set(RADIOACTIVE)
    assert {row.symbol for row in rows if row.is_noble_gas} - {"Og"} == set(NOBLE_GASES) - {"Og"}


def test_two_upgrades_at_once_wait_for_each_other(empty_database_url: str) -> None:
    command = [sys.executable, "-c", "import sys; from matsift_schema.engine import upgrade; upgrade(sys.argv[1])"]
    both = [subprocess.Popen([*command, empty_database_url]) for _ in range(2)]
    assert [process.wait(240) for process in both] == [0, 0]
    assert engine.check(empty_database_url) == []


def _with_comments(kind: str) -> list[tuple[str, str, object]]:
    if kind == "table":
        return [(t.name, t.comment or "", None) for t in metadata.tables.values()]
    return [(f"{t.name}.{c.name}", c.comment or "", c.type) for t in metadata.tables.values() for c in t.columns]


UNITS = (
    "property's unit", "angstrom", "g/cm3", "degree", " eV", "GPa", ", s", "unit", "fraction", "count", "0 to 1",
    "electron",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["table", "column"])
def test_everything_has_a_comment(kind: str) -> None:
    assert [name for name, comment, _ in _with_comments(kind) if not comment] == []


def test_every_number_says_its_unit() -> None:
    floats = [(n, c) for n, c, kind in _with_comments("column") if "DOUBLE" in str(kind).upper()]
    assert len(floats) > 25
    assert [name for name, comment in floats if not any(unit in comment for unit in UNITS)] == []


def test_every_unknown_is_explained() -> None:
    unexplained = [
        f"{t.name}.{c.name}"
        for t in metadata.tables.values()
        for c in t.columns
        if c.nullable and "NULL" not in (c.comment or "")
    ]
    assert unexplained == []


def test_every_view_and_its_columns_have_comments_with_units(module_database_url: str) -> None:
    lines = read(module_database_url, "view", "column")
    assert [line for line in lines if line.endswith("-- -") and "alembic_version" not in line] == []
    floats = [line for line in lines if line.startswith("column analysis.") and ": double precision" in line]
    assert len(floats) > 40
    assert [line for line in floats if not any(unit in line for unit in UNITS)] == []


def test_constraint_names_follow_the_convention(module_database_url: str) -> None:
    with connect(module_database_url) as connection:
        names = connection.scalars(
            text(
                "SELECT conname FROM pg_constraint WHERE connamespace = 'matsift'::regnamespace AND contype <> 'n'"
                " AND conrelid <> 'matsift.alembic_version'::regclass"
            )
        ).all()
        connection.engine.dispose()
    assert [name for name in names if not name.startswith(("pk_", "uq_", "fk_", "ck_"))] == []
    assert all("__" in name for name in names if not name.startswith("pk_"))
    assert max(len(name) for name in names) <= 63


def test_every_foreign_key_to_a_big_table_is_indexed() -> None:
    unindexed = []
    for table in metadata.tables.values():
        leading = {next(iter(index.columns)).name for index in table.indexes if len(index.columns)}
        leading |= {next(iter(c.columns)).name for c in table.constraints if isinstance(c, sa.UniqueConstraint)}
        leading |= {column.name for column in list(table.primary_key.columns)[:1]}
        unindexed += [
            f"{table.name}.{key.parent.name}"
            for key in table.foreign_keys
            if key.column.table.name in {"structure", "label", "run"} and key.parent.name not in leading
        ]
    assert unindexed == []

"""Migration 0024 makes a table anew that nothing ever wrote; rows of somebody's own in it are not lost silently."""

from __future__ import annotations

import psycopg
import pytest

from matsift.errors import DatabaseError
from matsift_schema import engine

ROW = """
    INSERT INTO matsift.run (flow, code_version, environment_hash) VALUES ('study', '0.1.0', 'e');
    INSERT INTO matsift.generated_composition (formula, run_id) VALUES ('NaCl', 1);
"""


def test_rows_of_before_are_not_dropped(empty_database_url: str) -> None:
    engine.upgrade(empty_database_url, "0023")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(ROW.encode())
    with pytest.raises(DatabaseError, match=r"generated_composition holds rows .*; save and remove them first"):
        engine.upgrade(empty_database_url)
    assert engine.current(empty_database_url) == "0023"
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT formula FROM matsift.generated_composition").fetchall() == [("NaCl",)]

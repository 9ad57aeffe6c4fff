"""Migration 0013 marks earlier states of entries as withdrawn, and touches nothing else."""

from __future__ import annotations

import psycopg

from matsift_schema import engine

ROWS = """
    INSERT INTO matsift.run (flow, code_version, environment_hash) VALUES ('ingest', '0.1.0', 'e');
    INSERT INTO matsift.source (name, kind, licence) VALUES ('shelf', 'files', 'CC0');
    INSERT INTO matsift.source_entry (source_id, external_id, version, content_hash, licence, run_id, withdrawn_at)
    SELECT s.id, given.external_id, given.version, repeat(given.digit, 64), 'CC0', r.id, given.withdrawn_at
    FROM matsift.source s CROSS JOIN matsift.run r CROSS JOIN (VALUES
        ('revised', '1', 'a', NULL::timestamptz), ('revised', '2', 'b', NULL), ('revised', '3', 'c', NULL),
        ('alone', '1', 'd', NULL),
        ('gone', '1', 'e', '2999-01-01'),
        ('returned', '1', 'f', NULL), ('returned', '2', '0', '2999-01-01')
    ) AS given (external_id, version, digit, withdrawn_at)
"""


def test_earlier_states_are_marked_and_the_rest_is_left(empty_database_url: str) -> None:
    engine.upgrade(empty_database_url, "0012")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(ROWS)
    engine.upgrade(empty_database_url, "0013")
    with psycopg.connect(empty_database_url) as connection:
        rows = connection.execute(
            "SELECT external_id || version, withdrawn_at IS NULL,"
            " coalesce(extract(year FROM withdrawn_at) = 2999, false) FROM matsift.source_entry"
        ).fetchall()
    assert {name for name, is_current, _ in rows if is_current} == {"revised3", "alone1", "returned1"}
    assert {name for name, _, is_old_mark in rows if is_old_mark} == {"gone1", "returned2"}
    assert len(rows) == 7

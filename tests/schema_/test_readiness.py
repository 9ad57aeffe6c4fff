"""Whether a database can be used: one sentence with the remedy where not."""

from __future__ import annotations

from matsift_schema import engine


def test_migrated_database_is_ready(database_url: str) -> None:
    assert engine.current(database_url) == engine.head()

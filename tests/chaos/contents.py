"""All rows of a database by what they say: ids, times and runs left out, references replaced by the row that is meant.

Two databases that hold the same have the same contents, however often the work on one of them was interrupted.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

#: What tells how the work went, not what came of it.
_STORY = {"run", "acquisition_event", "study_report", "alembic_version"}
_VOLATILE = {
    *("seconds", "run_id", "lease_expires_at", "claimed_by", "artifact_uri"),
    *("n_new", "n_changed", "n_unchanged", "n_withdrawn"),  # of the reading that came to its end
}
_LONGEST = 120
#: Table -> what its rows say, and how often.
Contents = dict[str, Counter[str]]
_COLUMNS = """
    SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relnamespace = 'matsift'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid <> 'timestamptz'::regtype
    ORDER BY 1, a.attnum
"""
_KEYS = """
    SELECT a.conrelid::regclass::text, f.attname, a.confrelid::regclass::text FROM pg_constraint a
    JOIN pg_attribute f ON f.attrelid = a.conrelid AND f.attnum = a.conkey[1]
    JOIN pg_attribute t ON t.attrelid = a.confrelid AND t.attnum = a.confkey[1]
    WHERE a.contype = 'f' AND cardinality(a.conkey) = 1 AND t.attname = 'id'
      AND a.connamespace = 'matsift'::regnamespace
"""


@dataclass(frozen=True)
class _Table:
    columns: tuple[str, ...]
    keys: dict[str, str]
    rows: list[tuple[Any, ...]]


class _Reader:
    """What rows say, a digest in place of each row that one refers to."""

    def __init__(self, tables: dict[str, _Table]) -> None:
        self._tables = tables
        self._by_id: dict[str, dict[int, tuple[Any, ...]]] = {}
        self._known: dict[tuple[str, int], str] = {}

    def told(self, name: str) -> Counter[str]:
        return Counter(self._told(name, row) for row in self._tables[name].rows)

    def _told(self, name: str, row: tuple[Any, ...]) -> str:
        table, words = self._tables[name], []
        for column, value in zip(table.columns, row, strict=True):
            target = table.keys.get(column)
            if column == "id" or column in _VOLATILE or target in _STORY:
                continue
            said = _short(repr(value)) if target is None or value is None else self._meant(target, value)
            words.append(f"{column}={said}")
        return " ".join(words)

    def _meant(self, name: str, key: int) -> str:
        if (name, key) not in self._known:
            if name not in self._by_id:
                place = self._tables[name].columns.index("id")
                self._by_id[name] = {row[place]: row for row in self._tables[name].rows}
            self._known[name, key] = _digest(self._told(name, self._by_id[name][key]))
        return self._known[name, key]


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _short(text: str) -> str:
    """Return a text, its digest in place of most of it where it is long."""
    return text if len(text) <= _LONGEST else f"{text[:20]}...{_digest(text)}"


def contents(url: str) -> Contents:
    """Return table -> what its rows say, for all tables but those of the story."""
    with psycopg.connect(url) as connection:
        connection.execute("SET search_path TO matsift, public")
        columns: dict[str, list[str]] = {}
        for table, column in connection.execute(_COLUMNS.encode()):
            columns.setdefault(table, []).append(column)
        keys: dict[str, dict[str, str]] = {}
        for table, column, target in connection.execute(_KEYS.encode()):
            keys.setdefault(table, {})[column] = target
        tables = {name: _read(connection, name, found, keys.get(name, {})) for name, found in columns.items()}
    reader = _Reader(tables)
    return {name: reader.told(name) for name in sorted(tables) if name not in _STORY}


def _read(connection: psycopg.Connection[Any], name: str, columns: list[str], keys: dict[str, str]) -> _Table:
    wanted = sql.SQL(", ").join(map(sql.Identifier, columns))
    found = connection.execute(sql.SQL("SELECT {} FROM {}").format(wanted, sql.Identifier(name)))
    return _Table(tuple(columns), keys, found.fetchall())


def differences(calm: Contents, stormy: Contents) -> list[str]:
    """Return a line a table that differs: rows that are lost, rows that should not be, and one of each."""
    pairs = {name: (calm[name] - stormy[name], stormy[name] - calm[name]) for name in calm}
    return [
        f"{name}: {lost.total()} lost, {spare.total()} new; {next(iter(lost), None)} | {next(iter(spare), None)}"
        for name, (lost, spare) in pairs.items()
        if lost or spare
    ]

"""The views of `analysis` as they leave the database: by validated names, in chunks, with licences."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.errors import UserInputError
from matsift.exchange.columns import LICENCES, Column, Kind
from matsift.exchange.conditions import Condition, OrderBy
from matsift_schema.base import ANALYSIS
from matsift_schema.store.conditions import order_by, where
from matsift_schema.store.streaming import stream

#: Type of PostgreSQL -> what the column holds, and how it is asked for; others leave as texts.
_KINDS: dict[str, tuple[Kind, str]] = {
    "text": ("text", "{}"),
    "smallint": ("integer", "{}"),
    "integer": ("integer", "{}"),
    "bigint": ("integer", "{}"),
    "numeric": ("number", "CAST({} AS float8)"),
    "real": ("number", "CAST({} AS float8)"),
    "double precision": ("number", "{}"),
    "boolean": ("boolean", "{}"),
    "timestamp with time zone": ("moment", "{}"),
    "jsonb": ("json", "{}"),
    "text[]": ("texts", "{}"),
    "integer[]": ("integers", "CAST({} AS int8[])"),
    "bigint[]": ("integers", "{}"),
    "real[]": ("numbers", "CAST({} AS float8[])"),
    "double precision[]": ("numbers", "{}"),
}
_LICENCES_COMMENT = "licences of the entries that state it now; any of them may be relied on"
_OF_STRUCTURE = """
    ARRAY(SELECT DISTINCT e.licence FROM matsift.source_entry e JOIN matsift.structure s ON s.id = e.structure_id
          WHERE s.content_hash = v.structure_hash AND e.withdrawn_at IS NULL ORDER BY 1)
"""
_OF_ENTRY = """
    ARRAY(SELECT DISTINCT e.licence FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
          WHERE o.name = v.source AND e.external_id = v.external_id AND e.withdrawn_at IS NULL ORDER BY 1)
"""


@dataclass(frozen=True)
class View:
    """A view of `analysis`: its name, what a row is, its columns, and how PostgreSQL calls their types."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    types: tuple[str, ...]

    @property
    def licences(self) -> str | None:
        """SQL of the licences of a row, ``v``; None where the view has its own, or none can be told."""
        names = {column.name for column in self.columns}
        if names & {"licence", LICENCES}:
            return None
        if {"source", "external_id", "structure_hash"} <= names:  # a value that an oracle gave is of the structure
            return f"CASE WHEN v.source IS NULL THEN {_OF_STRUCTURE} ELSE {_OF_ENTRY} END"
        return _OF_STRUCTURE if "structure_hash" in names else None

    @property
    def exported(self) -> tuple[Column, ...]:
        """The columns that are exported: the view's own, and the licences."""
        return self.columns if self.licences is None else (*self.columns, Column(LICENCES, "texts", _LICENCES_COMMENT))


def list_views(session: Session) -> list[tuple[str, str]]:
    """Return name and comment of every view of `analysis`, by name."""
    query = text("""
        SELECT c.relname, coalesce(obj_description(c.oid, 'pg_class'), '') FROM pg_class c
        WHERE c.relnamespace = to_regnamespace(:schema) AND c.relkind = 'v' ORDER BY c.relname COLLATE "C"
    """)
    return [(name, comment) for name, comment in session.execute(query, {"schema": ANALYSIS})]


def find_view(session: Session, name: str) -> View:
    """Return a view of `analysis`.

    Raises
    ------
    UserInputError
        If there is none of this name; the sentence names those that are spelt alike.
    """
    known = dict(list_views(session))
    if name not in known:
        near = difflib.get_close_matches(name, known, n=3) or sorted(known)
        raise UserInputError(f"there is no view {name!r}; `matsift export views` lists them, for example {near[0]}")
    query = text("""
        SELECT a.attname, format_type(a.atttypid, NULL), coalesce(col_description(a.attrelid, a.attnum), '')
        FROM pg_attribute a WHERE a.attrelid = to_regclass(:view) AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
    """)
    rows = session.execute(query, {"view": f"{ANALYSIS}.{name}"}).all()
    columns = tuple(Column(column, _KINDS.get(kind, ("text", ""))[0], comment) for column, kind, comment in rows)
    return View(name, known[name], columns, tuple(kind for _, kind, _ in rows))


def read_view(
    session: Session,
    view: View,
    *,
    conditions: Sequence[Condition] = (),
    licences: Sequence[str] = (),
    order: OrderBy | None = None,
    limit: int | None = None,
) -> Iterator[list[tuple[Any, ...]]]:
    """Return the rows of a view in chunks, a value for each of its `exported` columns.

    Parameters
    ----------
    session
        Where to read.
    view
        What `find_view` returns.
    conditions
        What each row must meet.
    licences
        Licences of which a row must have one; none means any.
    order, limit
        By which column, and how many rows at most.

    Raises
    ------
    UserInputError
        If a condition or the order does not fit the view, or licences are asked of a view that names none.
    """
    parts, parameters = where(conditions, view.columns, f"the view {view.name}")
    fields = [_field(column, kind) for column, kind in zip(view.columns, view.types, strict=True)]
    of_row = view.licences
    if of_row is not None:
        fields.append(_sql(of_row))
    if licences:
        parts.append(_allowed(view, of_row))
        parameters["licences"] = list(licences)
    query = sql.SQL("SELECT {fields} FROM {view} v{conditions}{order}{limit}").format(
        fields=sql.SQL(", ").join(fields),
        view=sql.Identifier(ANALYSIS, view.name),
        conditions=sql.SQL(" WHERE ") + sql.SQL(" AND ").join(parts) if parts else sql.SQL(""),
        order=order_by(order, view.columns, f"the view {view.name}"),
        limit=sql.SQL("") if limit is None else sql.SQL(" LIMIT {}").format(sql.Literal(limit)),
    )
    return stream(session, query, parameters)


def _field(column: Column, kind: str) -> sql.Composable:
    name = sql.Identifier("v", column.name)
    return _sql(_KINDS.get(kind, ("text", "CAST({} AS text)"))[1]).format(name)


def _allowed(view: View, of_row: str | None) -> sql.Composed:
    names = {column.name for column in view.columns}
    given = sql.SQL("CAST({} AS text[])").format(sql.Placeholder("licences"))
    if "licence" in names:
        return sql.SQL("v.licence = ANY ({})").format(given)
    if of_row is None and LICENCES not in names:
        raise UserInputError(
            f"the rows of {view.name} have no licence of their own; export it without --licence, or choose a view with "
            "structure_hash"
        )
    return sql.SQL("({}) && {}").format(sql.SQL("v.licences") if of_row is None else _sql(of_row), given)


def _sql(constant: str) -> sql.SQL:
    """Return a constant of this module as SQL."""
    return sql.SQL(cast("Any", constant))

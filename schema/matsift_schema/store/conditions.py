"""Conditions of `matsift.exchange.conditions` as SQL: columns as identifiers, values as parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg import sql

from matsift.exchange.columns import Column
from matsift.exchange.conditions import Condition, OrderBy, column_of, value_of

_OPERATORS = {
    "=": sql.SQL(" = "),
    "!=": sql.SQL(" IS DISTINCT FROM "),
    "<": sql.SQL(" < "),
    "<=": sql.SQL(" <= "),
    ">": sql.SQL(" > "),
    ">=": sql.SQL(" >= "),
}
_TYPES = {
    "text": "text",
    "integer": "int8",
    "number": "float8",
    "boolean": "boolean",
    "moment": "timestamptz",
    "texts": "text",
    "integers": "int8",
    "numbers": "float8",
}


def where(
    conditions: Sequence[Condition], columns: Sequence[Column], table: str
) -> tuple[list[sql.Composed], dict[str, Any]]:
    """Return the conditions on a table of the alias ``v``, and their parameters.

    Raises
    ------
    UserInputError
        If the table has no such column, or the column holds nothing of the kind.
    """
    parts, parameters = [], {}
    for i, condition in enumerate(conditions):
        column = column_of(columns, condition.column, table)
        value, name = value_of(condition, column), sql.Identifier("v", column.name)
        if value is None:
            absent = sql.SQL(" IS NULL" if condition.operator == "=" else " IS NOT NULL")
            parts.append(sql.Composed([name, absent]))
            continue
        key = f"condition_{i}"
        given = sql.SQL("CAST({} AS {})").format(sql.Placeholder(key), sql.SQL(_TYPES[column.kind]))
        parameters[key] = value
        if condition.operator == "has":
            parts.append(sql.SQL("{} = ANY ({})").format(given, name))
        else:
            parts.append(sql.Composed([name, _OPERATORS[condition.operator], given]))
    return parts, parameters


def order_by(order: OrderBy | None, columns: Sequence[Column], table: str) -> sql.Composable:
    """Return the end of a query that orders it, unknown values last; nothing where no order is asked.

    Raises
    ------
    UserInputError
        If the table has no such column.
    """
    if order is None:
        return sql.SQL("")
    column = column_of(columns, order.column, table)
    direction = sql.SQL("DESC" if order.descending else "ASC")
    return sql.SQL(" ORDER BY {} {} NULLS LAST").format(sql.Identifier("v", column.name), direction)

"""Conditions on columns as a person writes them: ``n_site<=20``, ``formula=NaCl``, ``elements has Na``."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from matsift.errors import UserInputError
from matsift.exchange.columns import Column

Operator = Literal["<=", ">=", "!=", "=", "<", ">", "has"]

_WRITTEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(<=|>=|!=|=|<|>|\shas\s)\s*(.*?)\s*", re.DOTALL)
_LISTS = ("texts", "integers", "numbers")
_ITEM = {"texts": "text", "integers": "integer", "numbers": "number"}
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


@dataclass(frozen=True)
class Condition:
    """A column, an operator, and the value as it was written; ``null`` asks for what is unknown."""

    column: str
    operator: Operator
    value: str

    @classmethod
    def parse(cls, written: str) -> Condition:
        """Return the condition that a person wrote.

        Raises
        ------
        UserInputError
            If it is none.
        """
        found = _WRITTEN.fullmatch(written)
        if found is None:
            raise UserInputError(
                f"{written!r} is no condition; write COLUMN=VALUE, or with != < <= > >= or has, for example n_site<=20"
            )
        return cls(found[1], cast("Operator", found[2].strip()), found[3])


@dataclass(frozen=True)
class OrderBy:
    """A column to order by."""

    column: str
    descending: bool = False

    @classmethod
    def parse(cls, written: str) -> OrderBy:
        """Return the order that a person wrote: a column, and ``desc`` after it for the largest first.

        Raises
        ------
        UserInputError
            If it is none.
        """
        words = written.split()
        if len(words) not in (1, 2) or (len(words) == 2 and words[1].lower() not in ("asc", "desc")):
            raise UserInputError(f"{written!r} is no order; write a column, and desc after it for the largest first")
        return cls(words[0], descending=len(words) == 2 and words[1].lower() == "desc")


def column_of(columns: Sequence[Column], name: str, table: str) -> Column:
    """Return the column of a name.

    Raises
    ------
    UserInputError
        If the table has none; the sentence names those that are spelt alike.
    """
    by_name = {column.name: column for column in columns}
    if name not in by_name:
        near = difflib.get_close_matches(name, by_name, n=3) or sorted(by_name)
        raise UserInputError(f"{table} has no column {name!r}; it has {', '.join(near)}")
    return by_name[name]


def value_of(condition: Condition, column: Column) -> Any:
    """Return the value of a condition as its column holds it, None for ``null``.

    Raises
    ------
    UserInputError
        If the column holds nothing of the kind, or the operator does not go with it.
    """
    is_list = column.kind in _LISTS
    if condition.operator == "has" and not is_list:
        raise UserInputError(f"{column.name} is no list; compare it by = != < <= > or >=")
    if condition.value.lower() == "null" and condition.operator in ("=", "!="):
        return None
    if (is_list and condition.operator != "has") or column.kind == "json":
        asked = "ask whether it has a value" if is_list else "ask for null, or for another column"
        raise UserInputError(f"{column.name} cannot be compared by {condition.operator}; {asked}")
    return _read(condition.value, column.name, _ITEM.get(column.kind, column.kind))


def _read(written: str, name: str, kind: str) -> Any:
    try:
        if kind == "integer":
            return int(written)
        if kind == "number":
            return _finite(written)
        if kind == "moment":
            return datetime.fromisoformat(written)
    except ValueError:
        example = {"integer": "a whole number", "number": "a number", "moment": "a moment such as 2026-11-22"}
        raise UserInputError(f"{name} holds {example[kind]}, not {written!r}") from None
    if kind == "boolean":
        if written.lower() not in (*_TRUE, *_FALSE):
            raise UserInputError(f"{name} is true or false, not {written!r}")
        return written.lower() in _TRUE
    return written


def _finite(written: str) -> float:
    number = float(written)
    if not math.isfinite(number):
        raise ValueError(written)
    return number

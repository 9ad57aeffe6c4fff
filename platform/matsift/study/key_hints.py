"""Keys of a study file that are nearly right, or right in another table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

from matsift.suggestions import closest

_Schema = dict[str, Any]


def key_hint(kind: type[BaseModel], where: Sequence[str | int]) -> str:
    """Return what to say after an unknown key: the one that was probably meant, or the tables that know it.

    Parameters
    ----------
    kind
        Model of the whole file.
    where
        Names and positions that lead to the key, as pydantic tells them, the key last.

    Returns
    -------
    str
        `` (did you mean 'rounds'?)``, `` (it belongs in [ranking])``, or nothing.
    """
    schema, key = _schema_of(kind), str(where[-1])
    found = closest(key, _keys(schema, where[:-1]))
    if found is not None:
        return f" (did you mean {found!r}?)"
    tables = [f"[{table}]" for table in schema.get("properties", {}) if key in _keys(schema, [table])]
    return f" (it belongs in {' or '.join(tables)})" if tables else ""


@cache
def _schema_of(kind: type[BaseModel]) -> _Schema:
    return kind.model_json_schema()  # takes some 0.2 s


def _keys(schema: _Schema, where: Sequence[str | int]) -> list[str]:
    """Return the keys that are known at a place of a file, of all forms that it may have there."""
    nodes = [schema]
    for part in where:
        nodes = [below for node in nodes for below in _below(schema, node, part)]
    return [key for node in nodes for form in _forms(schema, node) for key in form.get("properties", {})]


def _below(schema: _Schema, node: _Schema, part: str | int) -> Iterator[_Schema]:
    """Yield what a name or a position leads to; a name that only tells forms apart leads to that form, or nowhere."""
    forms = list(_forms(schema, node))
    if isinstance(part, int):
        yield from (form["items"] for form in forms if "items" in form)
        return
    named = [form["properties"][part] for form in forms if part in form.get("properties", {})]
    yield from named or [form for form in forms if part in (form.get("title"), _kind(form))] or forms


def _forms(schema: _Schema, node: _Schema) -> Iterator[_Schema]:
    """Yield the forms that a place may have: references followed, alternatives one by one."""
    if "$ref" in node:
        yield from _forms(schema, schema["$defs"][node["$ref"].rpartition("/")[2]])
        return
    alternatives = [one for word in ("anyOf", "oneOf", "allOf") for one in node.get(word, ())]
    if not alternatives:
        yield node
    for one in alternatives:
        yield from _forms(schema, one)


def _kind(form: _Schema) -> Any:
    return form.get("properties", {}).get("kind", {}).get("const")

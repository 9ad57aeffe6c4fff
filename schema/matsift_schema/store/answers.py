"""What notebooks and scripts ask: any query, answered by columns and read only, and the few that are asked often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

import psycopg
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.errors import UserInputError
from matsift_schema.faults import is_lost_connection
from matsift_schema.store.copying import driver_connection

Kind = Literal["integer", "number", "truth", "text", "time", "other"]

_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("int2", "int4", "int8"), "integer"),
    **dict.fromkeys(("float4", "float8", "numeric"), "number"),
    **dict.fromkeys(("text", "varchar", "bpchar", "name"), "text"),
    **dict.fromkeys(("timestamp", "timestamptz"), "time"),
    "bool": "truth",
}
_STRUCTURES = """
    SELECT s.* FROM analysis.structure s
    WHERE s.elements @> %(elements)s::text[]
      AND (%(formula)s::text IS NULL OR s.formula = %(formula)s)
      AND (cardinality(%(sources)s::text[]) = 0 OR EXISTS (
          SELECT FROM analysis.source_entry e
          WHERE e.structure_hash = s.structure_hash AND e.source = ANY(%(sources)s::text[])))
    ORDER BY s.structure_hash COLLATE "C" LIMIT %(limit)s
"""
_LABELS = """
    SELECT l.* FROM analysis.label l JOIN analysis.structure s USING (structure_hash)
    WHERE s.elements @> %(elements)s::text[]
      AND (%(property)s::text IS NULL OR l.property_name = %(property)s)
      AND (%(verdict)s::text IS NULL OR l.verdict = %(verdict)s)
    ORDER BY l.property_name, l.structure_hash COLLATE "C", l.method, l.origin LIMIT %(limit)s
"""
_PREDICTIONS = """
    SELECT p.* FROM analysis.prediction p JOIN analysis.structure s USING (structure_hash)
    WHERE s.elements @> %(elements)s::text[]
      AND (%(property)s::text IS NULL OR p.property_name = %(property)s)
    ORDER BY p.property_name, p.structure_hash COLLATE "C" LIMIT %(limit)s
"""
_PREDICTIONS_OF_MODEL = """
    SELECT s.content_hash AS structure_hash, s.reduced_formula AS formula, t.name AS property_name, t.unit, p.mean,
           p.spread, p.lower, p.upper, p.coverage, cardinality(p.members) AS n_member,
           m.content_hash AS model_hash, m.learner, m.created_at AS model_trained_at, p.run_id
    FROM matsift.prediction p
    JOIN matsift.model_version m ON m.id = p.model_version_id
    JOIN matsift.property t ON t.id = m.property_id
    JOIN matsift.structure s ON s.id = p.structure_id
    WHERE m.id = %(model_id)s AND s.elements @> %(elements)s::text[]
    ORDER BY s.content_hash COLLATE "C" LIMIT %(limit)s
"""
_MODELS = """
    SELECT m.* FROM analysis.model m
    WHERE coalesce(m.subset, 'test') = 'test' AND (%(hashes)s::text[] IS NULL OR m.model_hash = ANY(%(hashes)s::text[]))
    ORDER BY m.trained_at, m.model_hash COLLATE "C"
"""


@dataclass(frozen=True)
class Answer:
    """The answer to a query: a name, a kind and a list of values a column, all of the same length."""

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    columns: tuple[list[Any], ...]


def ask(session: Session, query: str, values: Mapping[str, Any] | None = None) -> Answer:
    """Return the answer to a query of one statement; it may read, not write.

    Parameters
    ----------
    session
        Whose transaction is made read only.
    query
        SQL of psycopg: with `values`, ``%(name)s`` stands for one of them and ``%%`` for a per cent sign.
    values
        Name -> value.

    Raises
    ------
    UserInputError
        If PostgreSQL refuses it, or it answers with no table.
    """
    session.execute(text("SET TRANSACTION READ ONLY"))
    connection = driver_connection(session)
    try:
        with connection.cursor() as cursor:
            cursor.execute(query.encode(), values)
            if cursor.description is None:
                raise UserInputError("the query answers with no table; give one SELECT")
            names = tuple(column.name for column in cursor.description)
            kinds = tuple(_kind(connection, column.type_code) for column in cursor.description)
            rows = cursor.fetchall()
    except psycopg.Error as error:
        if is_lost_connection(error):
            raise
        reason = error.diag.message_primary or str(error).split("\n", 1)[0]
        raise UserInputError(f"PostgreSQL does not answer the query: {reason}") from error
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return Answer(names, kinds, tuple(_plain(column, kind) for column, kind in zip(columns, kinds, strict=True)))


def structures(
    session: Session, *, elements: Sequence[str], formula: str | None, sources: Sequence[str], limit: int | None
) -> Answer:
    """Return rows of `analysis.structure`: with all these elements, of this formula, that one of the sources states."""
    values = {"elements": list(elements), "formula": formula, "sources": list(sources), "limit": limit}
    return ask(session, _STRUCTURES, values)


def labels(
    session: Session, *, property_name: str | None, elements: Sequence[str], verdict: str | None, limit: int | None
) -> Answer:
    """Return rows of `analysis.label`, those that count now."""
    values = {"elements": list(elements), "property": property_name, "verdict": verdict, "limit": limit}
    return ask(session, _LABELS, values)


def predictions(session: Session, *, property_name: str | None, elements: Sequence[str], limit: int | None) -> Answer:
    """Return rows of `analysis.prediction`: the newest of each structure and property."""
    return ask(session, _PREDICTIONS, {"elements": list(elements), "property": property_name, "limit": limit})


def predictions_of_model(session: Session, model_id: int, *, elements: Sequence[str], limit: int | None) -> Answer:
    """Return the predictions of one model version in the columns of `analysis.prediction`."""
    return ask(session, _PREDICTIONS_OF_MODEL, {"elements": list(elements), "model_id": model_id, "limit": limit})


def models(session: Session, hashes: Sequence[str] | None = None) -> Answer:
    """Return rows of `analysis.model` over the test labels, all or those of some content hashes, oldest first."""
    return ask(session, _MODELS, {"hashes": None if hashes is None else list(hashes)})


def _kind(connection: psycopg.Connection[Any], oid: int) -> Kind:
    known = connection.adapters.types.get(oid)
    return "other" if known is None or known.array_oid == oid else _KINDS.get(known.name, "other")


def _plain(values: Sequence[Any], kind: Kind) -> list[Any]:
    """Return the values as a list, exact decimals as the floats that a frame computes with."""
    if kind != "number":
        return list(values)
    return [float(value) if isinstance(value, Decimal) else value for value in values]

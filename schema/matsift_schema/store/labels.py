"""Labels and the verdicts on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.records import LabelRecord
from matsift_schema.store.arrays import Flags, Floats, Ids
from matsift_schema.store.copying import copy_into, incoming, server_time
from matsift_schema.store.label_rows import (
    COLUMNS,
    NOTHING_NEW,
    LabelCounts,
    compare,
    first_and_others,
    packed_labels,
)
from matsift_schema.store.lookups import property_ids

_VERDICT_COLUMNS = {
    "label_id": "int8",
    "verdict": "text",
    "rule": "text",
    "value_seen": "float8",
}
_INSERT_VERDICTS = text("""
    INSERT INTO matsift.label_verdict (label_id, rule_set, verdict, rule, value_seen, run_id)
    SELECT label_id, :rule_set, verdict, rule, value_seen, :run_id FROM incoming ORDER BY label_id
    ON CONFLICT (label_id, rule_set) DO NOTHING RETURNING label_id
""")


@dataclass(frozen=True, eq=False)
class LabelColumns:
    """n current labels, ordered by structure content hash, property, method and origin.

    Parameters
    ----------
    label_ids, structure_ids
        (n,) database ids, for joins in this database only.
    structure_hashes, property_names, methods, origins
        (n,) texts.
    values
        (n,) in the unit of the property.
    elements
        (n,) sorted element symbols of the structure.
    holds
        (n,) named reservations about the structure, for example ``not_born_stable``.
    verdicts, rules
        (n,) "accepted", "rejected" or None where the rule set did not judge it, and the rule that rejected it.
    """

    label_ids: NDArray[np.int64]
    structure_ids: NDArray[np.int64]
    structure_hashes: tuple[str, ...]
    property_names: tuple[str, ...]
    values: NDArray[np.float64]
    methods: tuple[str, ...]
    origins: tuple[str, ...]
    elements: tuple[tuple[str, ...], ...]
    holds: tuple[frozenset[str], ...]
    verdicts: tuple[str | None, ...]
    rules: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.values)


def write_labels(
    session: Session,
    run_id: int,
    labels: Sequence[tuple[str, LabelRecord, int | None]],
    *,
    new: Mapping[str, int] = NOTHING_NEW,
) -> LabelCounts:
    """Write labels as (structure content hash, label, source entry id or None); flushed, not committed.

    The same label twice adds no row. Another value from a later state of the same entry is the next revision, which
    counts from then on. Another value from another entry of the same origin does not count: it becomes a failure
    ``ConflictingLabel``. What an oracle said first stays.

    Parameters
    ----------
    session, run_id, labels
        Where, by which run, and what.
    new
        Content hash -> id of structures that this transaction stored and that no label can describe yet: their labels
        need not be compared with others.

    Raises
    ------
    KeyError
        If a property does not exist.
    """
    if not labels:
        return LabelCounts(0, 0)
    ids = property_ids(session)
    first, others = first_and_others(labels, ids, new)
    if first:
        copy_into(session, "label", COLUMNS, packed_labels(first, ids, new, run_id, server_time(session)))
    compared = compare(session, run_id, others, ids) if others else LabelCounts(0, 0)
    return LabelCounts(len(first) + compared.inserted, compared.conflicts)


def label_id(session: Session, structure_id: int, property_name: str, method: str) -> int | None:
    """Return the id of the newest label of a structure by a method, None where there is none."""
    query = text("""
        SELECT l.id FROM matsift.label l JOIN matsift.property p ON p.id = l.property_id
        WHERE l.structure_id = :structure_id AND p.name = :name AND l.method = :method
        ORDER BY l.revision DESC, l.id DESC LIMIT 1
    """)
    values = {"structure_id": structure_id, "name": property_name, "method": method}
    return session.execute(query, values).scalar_one_or_none()


def label_table(
    session: Session,
    properties: Sequence[str],
    *,
    rule_set: str = "",
    methods: Sequence[str] = (),
    structure_ids: Ids | None = None,
) -> LabelColumns:
    """Return the current labels of properties, ordered by structure content hash.

    A label of a source counts as long as the source describes the structure by some entry.

    Parameters
    ----------
    session
        Where to read.
    properties
        Names of properties.
    rule_set
        Hash of the quality rules whose verdicts are wanted.
    methods
        Only labels by these methods; none means any.
    structure_ids
        Only labels of these structures; None means all.
    """
    query = text("""
        SELECT * FROM (
            SELECT DISTINCT ON (l.structure_id, l.property_id, l.method, l.origin)
                   l.id, s.id, s.content_hash COLLATE "C" AS content_hash, p.name COLLATE "C" AS property_name,
                   l.value, l.method COLLATE "C" AS method, l.origin COLLATE "C" AS origin, s.elements, s.holds,
                   v.verdict, v.rule
            FROM matsift.label l
            JOIN matsift.property p ON p.id = l.property_id
            JOIN matsift.structure s ON s.id = l.structure_id
            LEFT JOIN matsift.source_entry e ON e.id = l.source_entry_id
            LEFT JOIN matsift.label_verdict v ON v.label_id = l.id AND v.rule_set = :rule_set
            WHERE p.name = ANY(:properties)
              AND (cardinality(CAST(:methods AS text[])) = 0 OR l.method = ANY(CAST(:methods AS text[])))
              AND (CAST(:ids AS int8[]) IS NULL OR l.structure_id = ANY(CAST(:ids AS int8[])))
              AND (l.source_entry_id IS NULL OR EXISTS (
                  SELECT FROM matsift.source_entry n WHERE n.structure_id = l.structure_id
                  AND n.source_id = e.source_id AND n.withdrawn_at IS NULL))
            ORDER BY l.structure_id, l.property_id, l.method, l.origin, l.revision DESC
        ) AS current ORDER BY content_hash, property_name, method, origin
    """)
    wanted = None if structure_ids is None else [int(key) for key in structure_ids]
    values = {"properties": list(properties), "methods": list(methods), "ids": wanted, "rule_set": rule_set}
    rows = session.execute(query, values).all()
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [()] * 11
    return LabelColumns(
        np.array(columns[0], dtype=np.int64),
        np.array(columns[1], dtype=np.int64),
        columns[2],
        columns[3],
        np.array(columns[4], dtype=np.float64),
        columns[5],
        columns[6],
        tuple(tuple(symbols) for symbols in columns[7]),
        tuple(frozenset(names) for names in columns[8]),
        columns[9],
        columns[10],
    )


def property_values(
    session: Session,
    property_name: str,
    structure_ids: Ids,
    *,
    methods: Sequence[str] = (),
) -> NDArray[np.float64]:
    """Return the (n,) value of a property of each structure, NaN where unknown, in the order of the ids.

    Where several methods know it, the first of `methods` counts, or the first by name where none is given.
    """
    ids = [int(key) for key in structure_ids]
    table = label_table(session, [property_name], methods=methods, structure_ids=ids)
    order = {method: i for i, method in enumerate(methods)}
    found: dict[int, tuple[int, float]] = {}
    for key, value, method in zip(table.structure_ids.tolist(), table.values.tolist(), table.methods, strict=True):
        place = order.get(method, len(order))
        if key not in found or place < found[key][0]:
            found[key] = (place, value)
    return np.array([found[key][1] if key in found else math.nan for key in ids], dtype=np.float64)


def labels_without_verdict(session: Session, rule_set: str, label_ids: Ids) -> set[int]:
    """Return those of the labels that a rule set has not judged yet."""
    query = text(
        "SELECT id FROM unnest(CAST(:ids AS int8[])) AS wanted (id) WHERE NOT EXISTS"
        " (SELECT FROM matsift.label_verdict v WHERE v.label_id = wanted.id AND v.rule_set = :rule_set)"
    )
    return set(session.scalars(query, {"ids": [int(key) for key in label_ids], "rule_set": rule_set}))


def write_verdicts(
    session: Session,
    run_id: int,
    rule_set: str,
    label_ids: Ids,
    *,
    accepted: Flags,
    rules: Sequence[str | None],
    values_seen: Floats,
) -> int:
    """Write what a rule set says of n labels; return how many verdicts are new. Flushed, not committed.

    `rules` names the rule that rejected a label, None where it is accepted; `values_seen` is NaN where there is none.
    """
    rows = [
        (int(key), "accepted" if good else "rejected", rule, None if math.isnan(seen) else float(seen))
        for key, good, rule, seen in zip(label_ids, accepted, rules, values_seen, strict=True)
    ]
    if not rows:
        return 0
    with incoming(session, _VERDICT_COLUMNS, rows):
        return len(session.execute(_INSERT_VERDICTS, {"run_id": run_id, "rule_set": rule_set}).all())

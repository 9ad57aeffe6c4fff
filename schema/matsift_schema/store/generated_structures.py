"""Attempts at crystals of compositions, and the stored crystals that can be templates."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.arrays import Ids
from matsift_schema.store.copying import incoming
from matsift_schema.store.structures import STATED_NOW

Outcome = Literal["relaxed", "rediscovered", "refused", "failed"]

_COLUMNS = {
    "formula": "text",
    "template_entry_id": "int8",
    "template_distance": "float8",
    "assignment": "int4",
    "mapping": "text",
    "method": "text",
    "outcome": "text",
    "structure_id": "int8",
    "reason": "text",
    "seconds": "float8",
    "attempt": "int4",
}
_INSERT = text("""
    INSERT INTO matsift.generated_structure (formula, template_entry_id, template_distance, assignment, mapping, method,
                                             outcome, structure_id, reason, seconds, attempt, run_id)
    SELECT formula, template_entry_id, template_distance, assignment, CAST(mapping AS jsonb), method, outcome,
           structure_id, reason, seconds, attempt, :run_id
    FROM incoming ORDER BY formula, template_distance, assignment
    ON CONFLICT (formula, template_entry_id, assignment, method, attempt) DO NOTHING RETURNING id
""")


@dataclass(frozen=True)
class AttemptRow:
    """One attempt at a crystal of a formula; without a `structure_id` there is a `reason`.

    `mapping` leads from each element of the template to the one that takes its sites; `template_distance` is on the
    modified Pettifor scale; `seconds` is the wall-clock time; `attempt` is 1 for the first try.
    """

    formula: str
    template_entry_id: int | None
    template_distance: float | None
    assignment: int
    mapping: Mapping[str, str]
    method: str
    outcome: Outcome
    structure_id: int | None
    reason: str | None
    seconds: float = 0.0
    attempt: int = 1


@dataclass(frozen=True, eq=False)
class TemplateTable:
    """n stored crystals that can be templates, ordered by structure content hash: ordered ones, of small cells.

    `entry_ids`, `structure_ids` (n,) for joins; n `structure_hashes`, reduced `formulae`, `space_groups`,
    `external_ids`.
    """

    entry_ids: NDArray[np.int64]
    structure_ids: NDArray[np.int64]
    structure_hashes: tuple[str, ...]
    formulae: tuple[str, ...]
    space_groups: tuple[str, ...]
    external_ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.entry_ids)


def load_templates(session: Session, sources: Sequence[str], *, max_sites: int) -> TemplateTable:
    """Return the crystals that sources state now, without disorder, of at most so many sites; one entry a crystal."""
    query = text(f"""
        SELECT DISTINCT ON (s.content_hash COLLATE "C") e.id, s.id, s.content_hash, s.reduced_formula,
               coalesce(s.space_group_symbol, ''), e.external_id
        FROM matsift.structure s
        JOIN matsift.source_entry e ON e.structure_id = s.id AND e.withdrawn_at IS NULL
        JOIN matsift.source o ON o.id = e.source_id AND o.name = ANY(CAST(:sources AS text[]))
        WHERE s.is_ordered AND s.n_site <= :max_sites AND {STATED_NOW}
        ORDER BY s.content_hash COLLATE "C", o.name, e.external_id, e.id
    """)  # noqa: S608  a constant
    rows = session.execute(query, {"sources": list(sources), "max_sites": max_sites}).all()
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [()] * 6
    entries, structures = (np.array(column, dtype=np.int64) for column in columns[:2])
    return TemplateTable(entries, structures, *columns[2:])


def write_attempts(session: Session, run_id: int, rows: Sequence[AttemptRow]) -> int:
    """Write attempts at crystals; return how many are new. Flushed, not committed."""
    values = (
        (
            row.formula,
            row.template_entry_id,
            row.template_distance,
            row.assignment,
            json.dumps(dict(row.mapping), sort_keys=True),
            row.method,
            row.outcome,
            row.structure_id,
            row.reason,
            float(row.seconds),
            row.attempt,
        )
        for row in rows
    )
    with incoming(session, _COLUMNS, values):
        return len(session.execute(_INSERT, {"run_id": run_id}).all())


def load_attempts(session: Session, formulas: Sequence[str], method: str) -> list[AttemptRow]:
    """Return the last attempts at crystals of some formulas by a method, by formula, nearest template first."""
    query = text("""
        SELECT formula, template_entry_id, template_distance, assignment, mapping, method, outcome, structure_id,
               reason, seconds, attempt
        FROM (SELECT DISTINCT ON (formula, template_entry_id, assignment) * FROM matsift.generated_structure
              WHERE formula = ANY(CAST(:formulas AS text[])) AND method = :method
              ORDER BY formula, template_entry_id, assignment, attempt DESC) AS latest
        ORDER BY formula COLLATE "C", template_distance NULLS FIRST, assignment, id
    """)
    rows = session.execute(query, {"formulas": list(formulas), "method": method})
    return [AttemptRow(*row) for row in rows.tuples()]


def template_names(session: Session, entry_ids: Ids) -> dict[int, tuple[str, str, str, str]]:
    """Return entry id -> source, external id, reduced formula and space group of templates."""
    query = text("""
        SELECT e.id, o.name, e.external_id, s.reduced_formula, coalesce(s.space_group_symbol, '')
        FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
        JOIN matsift.structure s ON s.id = e.structure_id WHERE e.id = ANY(CAST(:ids AS int8[]))
    """)
    rows = session.execute(query, {"ids": [int(key) for key in entry_ids]})
    return {int(row[0]): (row[1], row[2], row[3], row[4]) for row in rows}


def missing_phases(session: Session, source: str, structure_ids: Ids) -> dict[int, tuple[str, ...]]:
    """Return structure id -> the salts that its hull lacked, for crystals that a study keeps under a source."""
    query = text("""
        SELECT e.structure_id, e.payload -> 'missing_phases'
        FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
        WHERE o.name = :source AND e.structure_id = ANY(CAST(:ids AS int8[])) ORDER BY e.id
    """)
    rows = session.execute(query, {"source": source, "ids": [int(key) for key in structure_ids]})
    return {int(key): tuple(names or ()) for key, names in rows.tuples()}

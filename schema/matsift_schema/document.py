"""Writes docs/schema.md from tables and functions: ``python -m matsift_schema.document [FILE]``."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Table, UniqueConstraint
from sqlalchemy.dialects import postgresql

from matsift_schema.analysis import view_files
from matsift_schema.tables import metadata

#: Aggregates in reading order: module of `matsift_schema.tables` and the names of its tables.
AGGREGATES: dict[str, tuple[str, ...]] = {
    "provenance": ("run", "failure"),
    "catalogue": ("source", "source_snapshot", "source_entry", "structure", "element"),
    "groups": ("grouping_rule", "structure_group", "structure_group_member"),
    "descriptors": ("descriptor_set", "descriptor"),
    "labels": ("property", "label", "label_verdict"),
    "bond_valence": ("bond_valence_variant", "bond_valence_relaxation"),
    "datasets": ("dataset_snapshot", "dataset_row"),
    "models": ("model_version", "model_descriptor_set", "evaluation", "held_out_prediction", "feature_importance"),
    "predictions": ("prediction",),
    "screening": ("screen", "screen_outcome"),
    "ranking": ("candidate",),
    "objective_rankings": ("ranking", "ranking_objective", "ranking_place", "ranking_value"),
    "campaigns": ("campaign", "campaign_plan", "campaign_round", "campaign_stop", "candidate_score"),
    "acquisitions": ("acquisition", "acquisition_event", "oracle_result"),
    "generation": (
        "generator_version",
        "generation",
        "generated_composition",
        "composition_prediction",
        "suggestion",
        "generated_structure",
    ),
    "diffraction": (
        "structure_type",
        "diffraction_profile",
        "held_out_space_group",
        "measured_pattern",
        "pattern_identification",
        "pattern_space_group",
        "pattern_phase",
    ),
    "fields": ("volumetric_field",),
    "reports": ("study_report",),
}

_HEAD = """\
# The schema

Written by `python -m matsift_schema.document` from `tables` and `views` of `schema/matsift_schema`; a test holds it
up to date.

The tables live in the PostgreSQL schema `matsift`. Analysts read the views of `analysis` (see [sql.md](sql.md)) and
call its [functions](#functions) with the role `matsift_analyst`; flows run with the role `matsift_operator`, and what
only computes labels with `matsift_worker`. Rows are facts: triggers refuse UPDATE, DELETE and TRUNCATE, but for the few
columns that may change (the end of a run, the status of an acquisition, the withdrawal of an entry, the description of
a source). Every computed row names its `run`, or belongs to a row that does. Only `candidate` says what other tables
say already: triggers keep it in step with them.

The diagram leaves out the `run_id` that leads from nearly every table to `run`.
"""
_FUNCTION = re.compile(r"^CREATE FUNCTION ([\w.]+)\((.*?)\)\nRETURNS TABLE \((.*?)\)\n", re.MULTILINE | re.DOTALL)
_FUNCTION_COMMENT = re.compile(r"^COMMENT ON FUNCTION ([\w.]+)\(.*?\) IS\s+'((?:[^']|'')*)';", re.MULTILINE)
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def render() -> str:
    """Return the whole page."""
    parts = [_HEAD, "```mermaid", "erDiagram", *_relations(), "```", ""]
    for module, names in AGGREGATES.items():
        parts += [f"## {module.replace('_', ' ').capitalize()}", "", _aim(module), ""]
        for name in names:
            parts += list(_section(_table(name)))
    return "\n".join([*parts, *_functions()])


def _functions() -> Iterator[str]:
    """Yield the functions of `analysis`, as the files that create them describe them."""
    yield "## Functions"
    yield ""
    yield "For analysts, beside the views."
    yield ""
    for _, script in view_files():
        for name, arguments, columns in _FUNCTION.findall(script):
            comment = next(about for said, about in _FUNCTION_COMMENT.findall(script) if said == name)
            yield f"### {name}"
            yield ""
            yield comment.replace("''", "'")
            yield ""
            yield f"    {name}({arguments})"
            yield f"    -> {' '.join(columns.split())}"
            yield ""


def _aim(module: str) -> str:
    return str(import_module(f"matsift_schema.tables.{module}").__doc__).strip()


def _relations() -> Iterator[str]:
    """Yield one line a foreign key; ``o|`` marks one that may be NULL."""
    for table in (_table(name) for names in AGGREGATES.values() for name in names):
        for constraint in sorted(table.foreign_key_constraints, key=lambda c: str(c.name)):
            columns = list(constraint.columns)
            if [column.name for column in columns] == ["run_id"] or _is_part_of_another(constraint):
                continue
            end = "o|" if any(column.nullable for column in columns) else "||"
            names = ", ".join(column.name for column in columns)
            yield f'    {constraint.referred_table.name} {end}--o{{ {table.name} : "{names}"'


def _is_part_of_another(constraint: ForeignKeyConstraint) -> bool:
    """Return whether a composite key to the same table says more."""
    own = set(constraint.column_keys)
    rivals = (c for c in constraint.table.foreign_key_constraints if c.referred_table is constraint.referred_table)
    return any(own < set(rival.column_keys) for rival in rivals)


def _section(table: Table) -> Iterator[str]:
    yield f"### {table.name}"
    yield ""
    yield f"{table.comment}"
    yield ""
    yield "| column | type | | meaning |"
    yield "|---|---|---|---|"
    for column in table.columns:
        kind = column.type.compile(_DIALECT).lower()
        yield f"| `{column.name}` | {kind} | {_marks(column)} | {_cell(column.comment)} |"
    yield ""
    uniques = sorted(
        ", ".join(f"`{c.name}`" for c in x.columns) for x in table.constraints if isinstance(x, UniqueConstraint)
    )
    checks = sorted(str(x.sqltext) for x in table.constraints if isinstance(x, CheckConstraint))
    if uniques:
        yield f"Unique: {'; '.join(uniques)}."
        yield ""
    if checks:
        yield f"Holds: {'; '.join(f'`{_cell(check)}`' for check in checks)}."
        yield ""


def _marks(column: Column[object]) -> str:
    marks = ["key"] if column.primary_key else []
    marks += [f"→ {key.column.table.name}" for key in sorted(column.foreign_keys, key=lambda k: k.target_fullname)]
    marks += ["may be NULL"] if column.nullable else []
    return ", ".join(dict.fromkeys(marks))


def _cell(value: str | None) -> str:
    return (value or "").replace("|", "\\|")


def _table(name: str) -> Table:
    return metadata.tables[f"matsift.{name}"]


def main(arguments: list[str]) -> None:
    """Write the page to the file named, docs/schema.md unless told."""
    Path(arguments[0] if arguments else "docs/schema.md").write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])

"""What migrations make tables of: keys, runs, time stamps, checks and references under the names of the conventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine


def create_table(
    table: str,
    comment: str,
    columns: Sequence[sa.Column[Any]],
    conditions: Mapping[str, str],
    *,
    unique: Mapping[str, list[str]],
    nulls_not_distinct: bool | None = None,
    references: Mapping[str, str] | None = None,
    indexes: Sequence[list[str]] = (),
) -> None:
    """Create a table with a surrogate key, a run and a time stamp; but for the index on the run, all its indexes."""
    op.create_table(
        table,
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        *columns,
        column("run_id", sa.BigInteger(), "run that wrote this row"),
        created_at(),
        *checks(table, conditions),
        *foreign_keys(table, {**(references or {}), "run_id": "run"}),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        *(
            sa.UniqueConstraint(
                *names,
                name=op.f(f"uq_{table}__{said}"),
                postgresql_nulls_not_distinct=nulls_not_distinct,
            )
            for said, names in unique.items()
        ),
        schema="matsift",
        comment=comment,
    )
    for names in indexes:
        create_index(table, names)


def create_index(table: str, columns: list[str]) -> None:
    """Create an index that allows doubles."""
    op.create_index(op.f(f"ix_{table}__{'_'.join(columns)}"), table, columns, unique=False, schema="matsift")


def checks(table: str, conditions: Mapping[str, str]) -> list[sa.CheckConstraint]:
    """Return the conditions that every row meets, by the ends of their names."""
    return [sa.CheckConstraint(said, name=op.f(f"ck_{table}__{name}")) for name, said in conditions.items()]


def foreign_keys(table: str, references: Mapping[str, str]) -> list[sa.ForeignKeyConstraint]:
    """Return references to the surrogate keys of tables, by column."""
    return [
        sa.ForeignKeyConstraint([name], [f"matsift.{referred}.id"], name=op.f(f"fk_{table}__{name}__{referred}"))
        for name, referred in references.items()
    ]


def column(name: str, kind: TypeEngine[Any], comment: str, *, nullable: bool = False) -> sa.Column[Any]:
    """Return a column with the comment that tells its meaning and unit."""
    return sa.Column(name, kind, nullable=nullable, comment=comment)


def json_object(name: str, comment: str) -> sa.Column[Any]:
    """Return a column of JSON that is empty by default."""
    return sa.Column(
        name,
        postgresql.JSONB(astext_type=sa.Text()),
        server_default=sa.text("'{}'::jsonb"),
        nullable=False,
        comment=comment,
    )


def created_at() -> sa.Column[Any]:
    """Return the column of the moment when a row was written."""
    return sa.Column(
        "created_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
        comment="when the row was written",
    )

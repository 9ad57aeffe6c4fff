"""A crystal that could not be relaxed may be tried again: the attempt that failed stays, the next one has a number.

WHY: a relaxation that ran out of time on a busy machine was never tried again, whatever was asked for, because its row
stood for it. Rows do not change, so the next attempt is a row of its own.

Revision ID: 0030
Revises: 0029
Create Date: 2026-11-22
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matsift.errors import DatabaseError
from matsift_schema.migrations.helpers import drop_functions, drop_views

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_TABLE = "generated_structure"
_UNIQUE = "uq_generated_structure__attempt"
_CHECK = "ck_generated_structure__attempt_counts_from_one"
_KEY = ["formula", "template_entry_id", "assignment", "method"]


def upgrade() -> None:
    """Apply."""
    drop_functions()
    drop_views()
    attempt = sa.Column(
        "attempt",
        sa.Integer(),
        server_default=sa.text("1"),
        nullable=False,
        comment="1 for the first try, 2 for the first retry",
    )
    op.add_column(_TABLE, attempt, schema="matsift")
    op.create_check_constraint(op.f(_CHECK), _TABLE, "attempt >= 1", schema="matsift")
    _unique_by([*_KEY, "attempt"])


def downgrade() -> None:
    """Take back; refused where something was tried again."""
    if op.get_bind().scalar(sa.text(f"SELECT EXISTS (SELECT FROM matsift.{_TABLE} WHERE attempt > 1)")):  # noqa: S608  a constant
        raise DatabaseError(
            f"matsift.{_TABLE} holds attempts that were made again, which the schema of before cannot; keep the schema"
        )
    drop_functions()
    drop_views()
    _unique_by(_KEY)
    op.drop_constraint(op.f(_CHECK), _TABLE, schema="matsift", type_="check")
    op.drop_column(_TABLE, "attempt", schema="matsift")


def _unique_by(columns: list[str]) -> None:
    op.drop_constraint(op.f(_UNIQUE), _TABLE, schema="matsift", type_="unique")
    op.create_unique_constraint(op.f(_UNIQUE), _TABLE, columns, schema="matsift", postgresql_nulls_not_distinct=True)

"""One state of an entry is current, and the database sees to it.

WHY: a revised entry left its earlier state without a mark, so every query for "what the source states now" had to look
for the newest state; one that forgot counted a structure that no source describes any more.

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matsift_schema.migrations.helpers import drop_views

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_OLD_COMMENT = "when the source no longer stated it; NULL = it still does"
_NEW_COMMENT = "when its source no longer stated it, or stated something else; NULL = it is current"
_OLD_TABLE_COMMENT = "One state of one entry of a source; the newest one not withdrawn is current."
_NEW_TABLE_COMMENT = "One state of one entry of a source; the one that is not withdrawn is current."


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.execute("""
        UPDATE matsift.source_entry e SET withdrawn_at = clock_timestamp()
        WHERE e.withdrawn_at IS NULL AND EXISTS (
            SELECT FROM matsift.source_entry n
            WHERE (n.source_id, n.external_id) = (e.source_id, e.external_id) AND n.id > e.id
              AND n.withdrawn_at IS NULL)
    """)
    op.create_index(
        "ix_source_entry__current",
        "source_entry",
        ["source_id", "external_id"],
        unique=True,
        schema="matsift",
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    _comment(_NEW_COMMENT, _NEW_TABLE_COMMENT)


def downgrade() -> None:
    """Take back; the marks stay, they do no harm."""
    drop_views()
    op.drop_index("ix_source_entry__current", table_name="source_entry", schema="matsift")
    _comment(_OLD_COMMENT, _OLD_TABLE_COMMENT)


def _comment(column: str, table: str) -> None:
    op.alter_column("source_entry", "withdrawn_at", comment=column, schema="matsift")
    op.create_table_comment("source_entry", table, schema="matsift")

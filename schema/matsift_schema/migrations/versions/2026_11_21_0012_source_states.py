"""A source that returns to an earlier state takes a row of its own, so that the newest row says what it states now.

Revision ID: 0012
Revises: 0011
Create Date: 2026-11-21
"""

from __future__ import annotations

from alembic import op

from matsift_schema.migrations.helpers import drop_views

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_COLUMNS = ["source_id", "content_hash"]
_UNIQUE = "uq_source_snapshot__source_id_content_hash"
_INDEX = "ix_source_snapshot__source_id_content_hash"
_DELETE_RETURNS = """
    ALTER TABLE matsift.source_snapshot DISABLE TRIGGER source_snapshot_keeps_rows;
    DELETE FROM matsift.source_snapshot later USING matsift.source_snapshot first
    WHERE (later.source_id, later.content_hash) = (first.source_id, first.content_hash) AND later.id > first.id;
    ALTER TABLE matsift.source_snapshot ENABLE TRIGGER source_snapshot_keeps_rows;
"""


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.drop_constraint(op.f(_UNIQUE), "source_snapshot", schema="matsift", type_="unique")
    op.create_index(op.f(_INDEX), "source_snapshot", _COLUMNS, unique=False, schema="matsift")


def downgrade() -> None:
    """Take back; the rows of returns to an earlier state are lost."""
    drop_views()
    op.execute(_DELETE_RETURNS)
    op.drop_index(op.f(_INDEX), "source_snapshot", schema="matsift")
    op.create_unique_constraint(op.f(_UNIQUE), "source_snapshot", _COLUMNS, schema="matsift")

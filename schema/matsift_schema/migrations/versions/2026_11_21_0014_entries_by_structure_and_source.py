"""Entries are found by structure and source together.

WHY: "does this source still describe the structure" is asked for every label; with the structure alone a structure that
many sources describe is looked through entry by entry, and without statistics (right after the first ingestion) the
planner took the index of the source, that is all its entries, instead.

Revision ID: 0014
Revises: 0013
Create Date: 2026-11-21
"""

from __future__ import annotations

from alembic import op

from matsift_schema.migrations.helpers import drop_views

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_OLD = "ix_source_entry__structure_id"
_NEW = "ix_source_entry__structure_id_source_id"


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_index(op.f(_NEW), "source_entry", ["structure_id", "source_id"], unique=False, schema="matsift")
    op.drop_index(op.f(_OLD), "source_entry", schema="matsift")


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.create_index(op.f(_OLD), "source_entry", ["structure_id"], unique=False, schema="matsift")
    op.drop_index(op.f(_NEW), "source_entry", schema="matsift")

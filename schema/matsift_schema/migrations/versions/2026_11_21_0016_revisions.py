"""Entries know the revision that they were read under, tombstones their reason, snapshots what came of a reading.

WHY: a source of a million entries is kept in step by reading what changed. The revision tells that from the rest
without parsing or fetching; it moves on where a source states the same content under a new one, so it is bookkeeping
like `withdrawn_at`, not a fact.

Revision ID: 0016
Revises: 0015
Create Date: 2026-11-21
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matsift_schema.migrations.helpers import drop_functions, drop_views

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_COUNTS = {
    "n_stated": "the source's own count of what was asked for; NULL = it gives none",
    "n_new": "entries under an id that the source had not stated before; NULL = stored before this was counted",
    "n_changed": "entries with other content than before, or stated again; NULL = stored before this was counted",
    "n_unchanged": "entries as before; NULL = stored before this was counted",
    "n_withdrawn": "entries no longer stated; NULL = stored before this was counted",
}


def upgrade() -> None:
    """Apply."""
    drop_functions()
    drop_views()
    op.add_column(
        "source_entry",
        sa.Column(
            "revision",
            sa.Text(),
            nullable=True,
            comment="mark of what was read: the source's own, or a hash of the file; NULL = it is read anew each time",
        ),
        schema="matsift",
    )
    op.add_column(
        "source_entry",
        sa.Column(
            "withdrawn_reason",
            sa.Text(),
            nullable=True,
            comment="why it is withdrawn: not_stated, superseded, or the source's own word; NULL = it is current",
        ),
        schema="matsift",
    )
    for name, comment in _COUNTS.items():
        op.add_column(
            "source_snapshot", sa.Column(name, sa.Integer(), nullable=True, comment=comment), schema="matsift"
        )


def downgrade() -> None:
    """Take back; revisions and reasons are lost, and the next reading of every source is a full one."""
    drop_functions()
    drop_views()
    for name in reversed(_COUNTS):
        op.drop_column("source_snapshot", name, schema="matsift")
    op.drop_column("source_entry", "withdrawn_reason", schema="matsift")
    op.drop_column("source_entry", "revision", schema="matsift")

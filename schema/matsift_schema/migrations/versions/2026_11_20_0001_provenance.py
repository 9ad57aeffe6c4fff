"""Runs, the trigger that keeps rows, and pgvector: what every later table stands on.

Revision ID: 0001
Revises: -
Create Date: 2026-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import create_forbid_change, drop_views, forbid_change

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    create_forbid_change()
    op.create_table(
        "run",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("flow", sa.Text(), nullable=False, comment="name of the flow, for example ingest or train"),
        sa.Column("study", sa.Text(), nullable=True, comment="name of the study; NULL = run outside a study"),
        sa.Column(
            "parameters",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="arguments of the flow",
        ),
        sa.Column("code_version", sa.Text(), nullable=False, comment="version of matsift, with the commit where known"),
        sa.Column(
            "environment_hash", sa.Text(), nullable=False, comment="SHA-256 of the versions of all installed packages"
        ),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the flow started",
        ),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when it ended; NULL = running, or killed without notice",
        ),
        sa.Column(
            "status",
            sa.Text(),
            server_default=sa.text("'running'"),
            nullable=False,
            comment="running, completed, failed or interrupted",
        ),
        sa.Column(
            "counts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="rows written and seen, by name, at the end of the run",
        ),
        sa.Column("message", sa.Text(), nullable=True, comment="why it failed or was interrupted; NULL = it was not"),
        sa.CheckConstraint("(status = 'running') = (ended_at IS NULL)", name=op.f("ck_run__ended_unless_running")),
        sa.CheckConstraint("code_version <> ''", name=op.f("ck_run__code_version_is_not_empty")),
        sa.CheckConstraint("flow <> ''", name=op.f("ck_run__flow_is_not_empty")),
        sa.CheckConstraint(
            "status IN ('running', 'completed', 'failed', 'interrupted')", name=op.f("ck_run__status_is_known")
        ),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_run__ends_after_start")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        schema="matsift",
        comment="One execution of one flow; inserted with the first row that it writes.",
    )
    op.create_index(op.f("ix_run__study_flow"), "run", ["study", "flow"], unique=False, schema="matsift")
    forbid_change("run", except_columns=("status", "ended_at", "counts", "message"))


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.drop_table("run", schema="matsift")
    op.execute("DROP FUNCTION matsift.forbid_change()")

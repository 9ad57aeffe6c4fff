"""Screens and their outcomes.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import drop_views, forbid_change

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_table(
        "screen",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="name of the screen"),
        sa.Column("study", sa.Text(), nullable=False, comment="study that asks for it"),
        sa.Column(
            "criteria",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="the criteria, in order, with their settings and units",
        ),
        sa.Column("content_hash", sa.Text(), nullable=False, comment="SHA-256 of study and criteria"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_screen__content_hash_is_sha256")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_screen__name_is_not_empty")),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_screen__run_id__run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screen")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_screen__content_hash")),
        schema="matsift",
        comment="A list of named screening criteria with their settings.",
    )
    op.create_index(op.f("ix_screen__run_id"), "screen", ["run_id"], unique=False, schema="matsift")
    op.create_index(op.f("ix_screen__study"), "screen", ["study"], unique=False, schema="matsift")
    op.create_table(
        "screen_outcome",
        sa.Column("screen_id", sa.BigInteger(), nullable=False, comment="the screen"),
        sa.Column("structure_id", sa.BigInteger(), nullable=False, comment="the structure"),
        sa.Column("criterion", sa.Text(), nullable=False, comment="name of the criterion"),
        sa.Column("outcome", sa.Text(), nullable=False, comment="passed, failed or unknown"),
        sa.Column(
            "value_seen",
            sa.Double(),
            nullable=True,
            comment="value that decided, unit as the criterion says; NULL = none was known or it is not a number",
        ),
        sa.Column("detail", sa.Text(), nullable=True, comment="what decided, in words; NULL = nothing to add"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.CheckConstraint("criterion <> ''", name=op.f("ck_screen_outcome__criterion_is_not_empty")),
        sa.CheckConstraint(
            "outcome IN ('passed', 'failed', 'unknown')", name=op.f("ck_screen_outcome__outcome_is_known")
        ),
        sa.CheckConstraint(
            "value_seen > '-Infinity' AND value_seen < 'Infinity'", name=op.f("ck_screen_outcome__value_seen_is_finite")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_screen_outcome__run_id__run")),
        sa.ForeignKeyConstraint(
            ["screen_id"], ["matsift.screen.id"], name=op.f("fk_screen_outcome__screen_id__screen")
        ),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["matsift.structure.id"], name=op.f("fk_screen_outcome__structure_id__structure")
        ),
        sa.PrimaryKeyConstraint("screen_id", "structure_id", "criterion", name=op.f("pk_screen_outcome")),
        schema="matsift",
        comment="What one criterion says of one structure; unknown is an outcome of its own.",
    )
    op.create_index(op.f("ix_screen_outcome__run_id"), "screen_outcome", ["run_id"], unique=False, schema="matsift")
    op.create_index(
        op.f("ix_screen_outcome__structure_id"), "screen_outcome", ["structure_id"], unique=False, schema="matsift"
    )
    forbid_change("screen")
    forbid_change("screen_outcome")


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.drop_table("screen_outcome", schema="matsift")
    op.drop_table("screen", schema="matsift")

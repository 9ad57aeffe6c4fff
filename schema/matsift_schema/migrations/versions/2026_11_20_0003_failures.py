"""Failures, which name runs, structures and entries.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matsift_schema.migrations.helpers import drop_views, forbid_change

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_table(
        "failure",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "stage", sa.Text(), nullable=False, comment="parse, label_value, descriptor, relax, label, predict, ..."
        ),
        sa.Column(
            "subject",
            sa.Text(),
            nullable=False,
            comment="what failed: a file and row, an external id, a structure hash",
        ),
        sa.Column(
            "detail",
            sa.Text(),
            server_default=sa.text("''"),
            nullable=False,
            comment="which of several attempts on the subject: a descriptor set, a property",
        ),
        sa.Column(
            "structure_id", sa.BigInteger(), nullable=True, comment="structure that failed; NULL = none was read"
        ),
        sa.Column("source_entry_id", sa.BigInteger(), nullable=True, comment="entry that failed; NULL = not an entry"),
        sa.Column(
            "error_class", sa.Text(), nullable=False, comment="class of the error, for example TimeLimitExceeded"
        ),
        sa.Column("message", sa.Text(), nullable=False, comment="one sentence that says what went wrong"),
        sa.Column(
            "seconds",
            sa.Double(),
            server_default=sa.text("0"),
            nullable=False,
            comment="time spent before it failed, s",
        ),
        sa.Column(
            "attempt",
            sa.Integer(),
            server_default=sa.text("1"),
            nullable=False,
            comment="1 for the first try, 2 for the first retry",
        ),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when it failed",
        ),
        sa.CheckConstraint("error_class <> ''", name=op.f("ck_failure__error_class_is_not_empty")),
        sa.CheckConstraint("seconds >= 0 AND seconds < 'Infinity'", name=op.f("ck_failure__seconds_is_a_duration")),
        sa.CheckConstraint("stage <> ''", name=op.f("ck_failure__stage_is_not_empty")),
        sa.CheckConstraint("subject <> ''", name=op.f("ck_failure__subject_is_not_empty")),
        sa.CheckConstraint("attempt >= 1", name=op.f("ck_failure__attempt_counts_from_one")),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_failure__run_id__run")),
        sa.ForeignKeyConstraint(
            ["source_entry_id"], ["matsift.source_entry.id"], name=op.f("fk_failure__source_entry_id__source_entry")
        ),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["matsift.structure.id"], name=op.f("fk_failure__structure_id__structure")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failure")),
        sa.UniqueConstraint(
            "stage", "subject", "detail", "attempt", name=op.f("uq_failure__stage_subject_detail_attempt")
        ),
        schema="matsift",
        comment="One thing that could not be parsed, featurized, labelled or predicted, with the reason.",
    )
    op.create_index(op.f("ix_failure__run_id"), "failure", ["run_id"], unique=False, schema="matsift")
    op.create_index(op.f("ix_failure__source_entry_id"), "failure", ["source_entry_id"], unique=False, schema="matsift")
    op.create_index(
        op.f("ix_failure__structure_id_stage_detail"),
        "failure",
        ["structure_id", "stage", "detail"],
        unique=False,
        schema="matsift",
    )
    forbid_change("failure")


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.drop_table("failure", schema="matsift")

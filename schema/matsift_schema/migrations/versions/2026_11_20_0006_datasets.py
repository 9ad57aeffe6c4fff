"""Dataset snapshots: the exact labels of a model.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import drop_views, forbid_change

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_table(
        "dataset_snapshot",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column(
            "content_hash",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of property, structures, values, methods and roles",
        ),
        sa.Column("property_id", sa.BigInteger(), nullable=False, comment="property of all the labels"),
        sa.Column(
            "strategy",
            sa.Text(),
            nullable=False,
            comment="sampling strategy that assigned the roles, for example model_3",
        ),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="settings of the strategy; thresholds in the property's unit",
        ),
        sa.Column("seed", sa.BigInteger(), nullable=False, comment="seed of the random draws"),
        sa.Column("n_row", sa.Integer(), nullable=False, comment="labels, count"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_dataset_snapshot__content_hash_is_sha256")),
        sa.CheckConstraint("strategy <> ''", name=op.f("ck_dataset_snapshot__strategy_is_not_empty")),
        sa.CheckConstraint("n_row > 0", name=op.f("ck_dataset_snapshot__has_rows")),
        sa.ForeignKeyConstraint(
            ["property_id"], ["matsift.property.id"], name=op.f("fk_dataset_snapshot__property_id__property")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_dataset_snapshot__run_id__run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_snapshot")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_dataset_snapshot__content_hash")),
        schema="matsift",
        comment="The exact labels, with their roles, that models are trained on.",
    )
    op.create_index(
        op.f("ix_dataset_snapshot__property_id"), "dataset_snapshot", ["property_id"], unique=False, schema="matsift"
    )
    op.create_index(op.f("ix_dataset_snapshot__run_id"), "dataset_snapshot", ["run_id"], unique=False, schema="matsift")
    op.create_table(
        "dataset_row",
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False, comment="the snapshot"),
        sa.Column("label_id", sa.BigInteger(), nullable=False, comment="the label"),
        sa.Column("role", sa.Text(), nullable=False, comment="train, validation (calibrates intervals) or test"),
        sa.Column(
            "fold", sa.Integer(), nullable=True, comment="number of the fold, from 0; NULL = no cross-validation"
        ),
        sa.CheckConstraint("role IN ('train', 'validation', 'test')", name=op.f("ck_dataset_row__role_is_known")),
        sa.CheckConstraint("fold >= 0", name=op.f("ck_dataset_row__fold_is_not_negative")),
        sa.ForeignKeyConstraint(["label_id"], ["matsift.label.id"], name=op.f("fk_dataset_row__label_id__label")),
        sa.ForeignKeyConstraint(
            ["snapshot_id"], ["matsift.dataset_snapshot.id"], name=op.f("fk_dataset_row__snapshot_id__dataset_snapshot")
        ),
        sa.PrimaryKeyConstraint("snapshot_id", "label_id", name=op.f("pk_dataset_row")),
        schema="matsift",
        comment="One label in one snapshot, with its role.",
    )
    op.create_index(op.f("ix_dataset_row__label_id"), "dataset_row", ["label_id"], unique=False, schema="matsift")
    forbid_change("dataset_snapshot")
    forbid_change("dataset_row")


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.drop_table("dataset_row", schema="matsift")
    op.drop_table("dataset_snapshot", schema="matsift")

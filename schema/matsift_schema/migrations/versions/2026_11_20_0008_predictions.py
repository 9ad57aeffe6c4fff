"""Predictions of models on structures.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matsift_schema.migrations.helpers import drop_views, forbid_change

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_table(
        "prediction",
        sa.Column("model_version_id", sa.BigInteger(), nullable=False, comment="the model"),
        sa.Column("structure_id", sa.BigInteger(), nullable=False, comment="the structure"),
        sa.Column("property_id", sa.BigInteger(), nullable=False, comment="the property, which names the unit"),
        sa.Column("mean", sa.Double(), nullable=False, comment="predicted value, in the property's unit"),
        sa.Column(
            "spread", sa.Double(), nullable=False, comment="standard deviation over members, in the property's unit"
        ),
        sa.Column(
            "lower", sa.Double(), nullable=False, comment="lower end of the calibrated interval, in the property's unit"
        ),
        sa.Column(
            "upper", sa.Double(), nullable=False, comment="upper end of the calibrated interval, in the property's unit"
        ),
        sa.Column(
            "coverage",
            sa.Double(),
            nullable=False,
            comment="share of true values the interval is calibrated to hold, 0 to 1",
        ),
        sa.Column(
            "members",
            sa.ARRAY(sa.Double()),
            server_default=sa.text("'{}'::float8[]"),
            nullable=False,
            comment="value of each member, in the property's unit; empty = not kept",
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.CheckConstraint("lower > '-Infinity' AND lower < 'Infinity'", name=op.f("ck_prediction__lower_is_finite")),
        sa.CheckConstraint("mean > '-Infinity' AND mean < 'Infinity'", name=op.f("ck_prediction__mean_is_finite")),
        sa.CheckConstraint("spread >= 0 AND spread < 'Infinity'", name=op.f("ck_prediction__spread_is_not_negative")),
        sa.CheckConstraint("upper > '-Infinity' AND upper < 'Infinity'", name=op.f("ck_prediction__upper_is_finite")),
        sa.CheckConstraint("coverage > 0 AND coverage < 1", name=op.f("ck_prediction__coverage_is_a_fraction")),
        sa.CheckConstraint("lower <= upper", name=op.f("ck_prediction__interval_is_ordered")),
        sa.ForeignKeyConstraint(
            ["model_version_id", "property_id"],
            ["matsift.model_version.id", "matsift.model_version.property_id"],
            name=op.f("fk_prediction__model_version_id_property_id__model_version"),
        ),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["matsift.model_version.id"],
            name=op.f("fk_prediction__model_version_id__model_version"),
        ),
        sa.ForeignKeyConstraint(
            ["property_id"], ["matsift.property.id"], name=op.f("fk_prediction__property_id__property")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_prediction__run_id__run")),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["matsift.structure.id"], name=op.f("fk_prediction__structure_id__structure")
        ),
        sa.PrimaryKeyConstraint("model_version_id", "structure_id", name=op.f("pk_prediction")),
        schema="matsift",
        comment="What one model says of one structure.",
    )
    op.create_index(op.f("ix_prediction__property_id"), "prediction", ["property_id"], unique=False, schema="matsift")
    op.create_index(op.f("ix_prediction__run_id"), "prediction", ["run_id"], unique=False, schema="matsift")
    op.create_index(op.f("ix_prediction__structure_id"), "prediction", ["structure_id"], unique=False, schema="matsift")
    forbid_change("prediction")


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.drop_table("prediction", schema="matsift")

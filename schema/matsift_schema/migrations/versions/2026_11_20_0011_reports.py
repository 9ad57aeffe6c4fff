"""Reports, generated compositions and measured patterns.

Revision ID: 0011
Revises: 0010
Create Date: 2026-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import drop_views, forbid_change

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_table(
        "measured_pattern",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("content_hash", sa.Text(), nullable=False, comment="SHA-256 of wavelength, angles and intensities"),
        sa.Column("name", sa.Text(), nullable=False, comment="name that the experimentalist gave it"),
        sa.Column("wavelength_angstrom", sa.Double(), nullable=False, comment="wavelength of the radiation, angstrom"),
        sa.Column("two_theta_deg", sa.ARRAY(sa.Double()), nullable=False, comment="diffraction angles 2 theta, degree"),
        sa.Column(
            "intensity",
            sa.ARRAY(sa.Double()),
            nullable=False,
            comment="measured intensity at each angle, arbitrary unit",
        ),
        sa.Column(
            "peaks",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="peaks that were found: positions in degree, heights in arbitrary unit",
        ),
        sa.Column(
            "predictions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="predicted space groups with probabilities, cell volume in cubic angstrom",
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_measured_pattern__content_hash_is_sha256")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_measured_pattern__name_is_not_empty")),
        sa.CheckConstraint(
            "wavelength_angstrom > 0 AND wavelength_angstrom < 'Infinity'",
            name=op.f("ck_measured_pattern__wavelength_is_positive"),
        ),
        sa.CheckConstraint(
            "cardinality(two_theta_deg) = cardinality(intensity) AND cardinality(intensity) > 0",
            name=op.f("ck_measured_pattern__arrays_agree"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_measured_pattern__run_id__run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measured_pattern")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_measured_pattern__content_hash")),
        schema="matsift",
        comment="A powder diffraction pattern that somebody measured, with the predictions made for it.",
    )
    op.create_index(op.f("ix_measured_pattern__run_id"), "measured_pattern", ["run_id"], unique=False, schema="matsift")
    op.create_table(
        "study_report",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("study", sa.Text(), nullable=False, comment="the study"),
        sa.Column("content_hash", sa.Text(), nullable=False, comment="SHA-256 of the data that the report shows"),
        sa.Column("uri", sa.Text(), nullable=False, comment="address of the report"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_study_report__content_hash_is_sha256")),
        sa.CheckConstraint("study <> ''", name=op.f("ck_study_report__study_is_not_empty")),
        sa.CheckConstraint("uri <> ''", name=op.f("ck_study_report__uri_is_not_empty")),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_study_report__run_id__run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study_report")),
        sa.UniqueConstraint("study", "content_hash", name=op.f("uq_study_report__study_content_hash")),
        schema="matsift",
        comment="One report of one study.",
    )
    op.create_index(op.f("ix_study_report__run_id"), "study_report", ["run_id"], unique=False, schema="matsift")
    op.create_table(
        "generated_composition",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column(
            "model_version_id",
            sa.BigInteger(),
            nullable=True,
            comment="generator version; NULL = rules, not a trained model",
        ),
        sa.Column("formula", sa.Text(), nullable=False, comment="reduced formula that was proposed"),
        sa.Column(
            "verdicts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="validity verdicts by rule, for example charge_neutral",
        ),
        sa.Column(
            "template_entry_id",
            sa.BigInteger(),
            nullable=True,
            comment="entry whose crystal was the template; NULL = none was found",
        ),
        sa.Column("structure_id", sa.BigInteger(), nullable=True, comment="crystal that was built; NULL = none was"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint("formula <> ''", name=op.f("ck_generated_composition__formula_is_not_empty")),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["matsift.model_version.id"],
            name=op.f("fk_generated_composition__model_version_id__model_version"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_generated_composition__run_id__run")),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["matsift.structure.id"], name=op.f("fk_generated_composition__structure_id__structure")
        ),
        sa.ForeignKeyConstraint(
            ["template_entry_id"],
            ["matsift.source_entry.id"],
            name=op.f("fk_generated_composition__template_entry_id__source_entry"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generated_composition")),
        sa.UniqueConstraint(
            "model_version_id",
            "formula",
            name=op.f("uq_generated_composition__model_version_id_formula"),
            postgresql_nulls_not_distinct=True,
        ),
        schema="matsift",
        comment="A composition that a generator proposed, with the verdicts of the chemistry rules.",
    )
    op.create_index(
        op.f("ix_generated_composition__run_id"), "generated_composition", ["run_id"], unique=False, schema="matsift"
    )
    op.create_index(
        op.f("ix_generated_composition__structure_id"),
        "generated_composition",
        ["structure_id"],
        unique=False,
        schema="matsift",
    )
    op.create_index(
        op.f("ix_generated_composition__template_entry_id"),
        "generated_composition",
        ["template_entry_id"],
        unique=False,
        schema="matsift",
    )
    forbid_change("study_report")
    forbid_change("generated_composition")
    forbid_change("measured_pattern")


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.drop_table("generated_composition", schema="matsift")
    op.drop_table("study_report", schema="matsift")
    op.drop_table("measured_pattern", schema="matsift")

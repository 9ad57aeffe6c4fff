"""Descriptor sets and vectors.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from pgvector.sqlalchemy import VECTOR
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import drop_views, forbid_change

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_table(
        "descriptor_set",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="name, for example magpie"),
        sa.Column("version", sa.Text(), nullable=False, comment="version of the computation"),
        sa.Column(
            "column_names",
            sa.ARRAY(sa.Text()),
            nullable=False,
            comment="names of the columns, in the order of the vector",
        ),
        sa.Column("n_column", sa.Integer(), nullable=False, comment="columns, count"),
        sa.Column("description", sa.Text(), nullable=False, comment="what the columns describe, with their units"),
        sa.Column(
            "package_versions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="versions of the packages that compute it",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint("name <> ''", name=op.f("ck_descriptor_set__name_is_not_empty")),
        sa.CheckConstraint("version <> ''", name=op.f("ck_descriptor_set__version_is_not_empty")),
        sa.CheckConstraint(
            "n_column > 0 AND n_column = cardinality(column_names)", name=op.f("ck_descriptor_set__columns_are_counted")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_descriptor_set")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_descriptor_set__name_version")),
        schema="matsift",
        comment="A named, versioned list of descriptor columns; another code version is another row.",
    )
    op.create_table(
        "descriptor",
        sa.Column("structure_id", sa.BigInteger(), nullable=False, comment="the structure"),
        sa.Column("descriptor_set_id", sa.BigInteger(), nullable=False, comment="the descriptor set"),
        sa.Column(
            "vector",
            VECTOR(),
            nullable=False,
            comment="values in the order of descriptor_set.column_names, units as described there",
        ),
        sa.Column(
            "missing_columns",
            sa.ARRAY(sa.SmallInteger()),
            server_default=sa.text("'{}'::smallint[]"),
            nullable=False,
            comment="positions, from 0, of values that are unknown: they hold 0 in the vector and mean NULL",
        ),
        sa.Column("seconds", sa.Double(), nullable=False, comment="time that the computation took, s"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.CheckConstraint("seconds >= 0 AND seconds < 'Infinity'", name=op.f("ck_descriptor__seconds_is_a_duration")),
        sa.CheckConstraint(
            "0 <= ALL (missing_columns) AND vector_dims(vector) > ALL (missing_columns)",
            name=op.f("ck_descriptor__missing_columns_exist"),
        ),
        sa.ForeignKeyConstraint(
            ["descriptor_set_id"],
            ["matsift.descriptor_set.id"],
            name=op.f("fk_descriptor__descriptor_set_id__descriptor_set"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_descriptor__run_id__run")),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["matsift.structure.id"], name=op.f("fk_descriptor__structure_id__structure")
        ),
        sa.PrimaryKeyConstraint("structure_id", "descriptor_set_id", name=op.f("pk_descriptor")),
        schema="matsift",
        comment="The vector of one structure in one descriptor set, in single precision.",
    )
    op.create_index(
        op.f("ix_descriptor__descriptor_set_id_structure_id"),
        "descriptor",
        ["descriptor_set_id", "structure_id"],
        unique=False,
        schema="matsift",
    )
    op.create_index(op.f("ix_descriptor__run_id"), "descriptor", ["run_id"], unique=False, schema="matsift")
    forbid_change("descriptor_set")
    forbid_change("descriptor")


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.drop_table("descriptor", schema="matsift")
    op.drop_table("descriptor_set", schema="matsift")

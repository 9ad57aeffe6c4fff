"""Structures that are the same crystal share a group, and the rule that linked them is stored.

WHY: sources overlap, and a source may hold one crystal twice in two cells. Whoever counts materials, or splits them in
training and test sets, has to know; but what is the same depends on tolerances, so nothing is merged.

Revision ID: 0017
Revises: 0016
Create Date: 2026-11-21
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import drop_functions, drop_views, forbid_change

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    drop_functions()
    drop_views()
    _create_rules()
    _create_groups()
    _create_members()
    for table in ("grouping_rule", "structure_group", "structure_group_member"):
        op.create_index(op.f(f"ix_{table}__run_id"), table, ["run_id"], unique=False, schema="matsift")
        forbid_change(table)


def downgrade() -> None:
    """Take back."""
    drop_functions()
    drop_views()
    for table in ("structure_group_member", "structure_group", "grouping_rule"):
        op.drop_table(table, schema="matsift")


def _create_rules() -> None:
    op.create_table(
        "grouping_rule",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column(
            "name",
            sa.Text(),
            nullable=False,
            comment="algorithm and its version, for example structure_matcher-1",
        ),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="tolerances of the rule, with their units",
        ),
        sa.Column("content_hash", sa.Text(), nullable=False, comment="SHA-256 of name and settings"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        _created_at(),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_grouping_rule__content_hash_is_sha256")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_grouping_rule__name_is_not_empty")),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_grouping_rule__run_id__run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grouping_rule")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_grouping_rule__content_hash")),
        schema="matsift",
        comment="A rule that says which structures are the same crystal, with its settings.",
    )


def _create_groups() -> None:
    op.create_table(
        "structure_group",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("grouping_rule_id", sa.BigInteger(), nullable=False, comment="the rule"),
        sa.Column(
            "representative_id",
            sa.BigInteger(),
            nullable=False,
            comment="the structure that the others of the group were compared with",
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        _created_at(),
        sa.ForeignKeyConstraint(
            ["grouping_rule_id"],
            ["matsift.grouping_rule.id"],
            name=op.f("fk_structure_group__grouping_rule_id__grouping_rule"),
        ),
        sa.ForeignKeyConstraint(
            ["representative_id"],
            ["matsift.structure.id"],
            name=op.f("fk_structure_group__representative_id__structure"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_structure_group__run_id__run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_structure_group")),
        sa.UniqueConstraint(
            "grouping_rule_id",
            "representative_id",
            name=op.f("uq_structure_group__grouping_rule_id_representative_id"),
        ),
        sa.UniqueConstraint("id", "grouping_rule_id", name=op.f("uq_structure_group__id_grouping_rule_id")),
        schema="matsift",
        comment="Structures that are the same crystal under one rule; a structure alone is a group of one.",
    )
    op.create_index(
        op.f("ix_structure_group__representative_id"),
        "structure_group",
        ["representative_id"],
        unique=False,
        schema="matsift",
    )


def _create_members() -> None:
    op.create_table(
        "structure_group_member",
        sa.Column("grouping_rule_id", sa.BigInteger(), nullable=False, comment="the rule"),
        sa.Column("structure_id", sa.BigInteger(), nullable=False, comment="the structure"),
        sa.Column("structure_group_id", sa.BigInteger(), nullable=False, comment="its group"),
        sa.Column(
            "rms_displacement",
            sa.Double(),
            nullable=True,
            comment="root mean square distance of matched sites to those of the representative, as a fraction of the "
            "cube root of the volume per site; NULL = it is the representative",
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.CheckConstraint(
            "rms_displacement >= 0 AND rms_displacement < 'Infinity'",
            name=op.f("ck_structure_group_member__rms_is_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["grouping_rule_id"],
            ["matsift.grouping_rule.id"],
            name=op.f("fk_structure_group_member__grouping_rule_id__grouping_rule"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_structure_group_member__run_id__run")),
        sa.ForeignKeyConstraint(
            ["structure_group_id", "grouping_rule_id"],
            ["matsift.structure_group.id", "matsift.structure_group.grouping_rule_id"],
            name=op.f("fk_structure_group_member__group_of_the_rule"),
        ),
        sa.ForeignKeyConstraint(
            ["structure_id"],
            ["matsift.structure.id"],
            name=op.f("fk_structure_group_member__structure_id__structure"),
        ),
        sa.PrimaryKeyConstraint("grouping_rule_id", "structure_id", name=op.f("pk_structure_group_member")),
        schema="matsift",
        comment="One structure in one group; nothing is merged, every structure keeps its own row and labels.",
    )
    for column in ("structure_group_id", "structure_id"):
        op.create_index(
            op.f(f"ix_structure_group_member__{column}"),
            "structure_group_member",
            [column],
            unique=False,
            schema="matsift",
        )


def _created_at() -> sa.Column[Any]:
    return sa.Column(
        "created_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
        comment="when the row was written",
    )

"""Properties, labels and the verdicts of quality rules.

Revision ID: 0005
Revises: 0004
Create Date: 2026-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from matsift_schema.migrations.helpers import drop_views, forbid_change, frozen_rows

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_table(
        "property",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="short name, for example k_vrh"),
        sa.Column("unit", sa.Text(), nullable=False, comment="unit of every value of this property"),
        sa.Column("definition", sa.Text(), nullable=False, comment="what it means"),
        sa.Column(
            "lower_bound",
            sa.Double(),
            nullable=True,
            comment="no physical value lies below, in the property's unit; NULL = no bound",
        ),
        sa.Column(
            "upper_bound",
            sa.Double(),
            nullable=True,
            comment="no physical value lies above, in the property's unit; NULL = no bound",
        ),
        sa.CheckConstraint("name <> ''", name=op.f("ck_property__name_is_not_empty")),
        sa.CheckConstraint("unit <> ''", name=op.f("ck_property__unit_is_not_empty")),
        sa.CheckConstraint("lower_bound < upper_bound", name=op.f("ck_property__bounds_are_ordered")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_property")),
        sa.UniqueConstraint("name", name=op.f("uq_property__name")),
        schema="matsift",
        comment="A property that labels and predictions may carry.",
    )
    op.create_table(
        "label",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("structure_id", sa.BigInteger(), nullable=False, comment="the structure"),
        sa.Column("property_id", sa.BigInteger(), nullable=False, comment="the property, which names the unit"),
        sa.Column("method", sa.Text(), nullable=False, comment="how it was computed or measured"),
        sa.Column("origin", sa.Text(), nullable=False, comment="source:NAME or oracle:NAME"),
        sa.Column(
            "revision",
            sa.Integer(),
            server_default=sa.text("1"),
            nullable=False,
            comment="1, or more where the same entry later stated another value; newest counts",
        ),
        sa.Column("value", sa.Double(), nullable=False, comment="the value, in the property's unit"),
        sa.Column(
            "uncertainty",
            sa.Double(),
            nullable=True,
            comment="standard uncertainty, in the property's unit; NULL = not stated",
        ),
        sa.Column(
            "source_entry_id", sa.BigInteger(), nullable=True, comment="entry that stated it; NULL = an oracle did"
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint("method <> ''", name=op.f("ck_label__method_is_not_empty")),
        sa.CheckConstraint("origin ~ '^(source|oracle):.'", name=op.f("ck_label__origin_names_source_or_oracle")),
        sa.CheckConstraint(
            "uncertainty >= 0 AND uncertainty < 'Infinity'", name=op.f("ck_label__uncertainty_is_not_negative")
        ),
        sa.CheckConstraint("value > '-Infinity' AND value < 'Infinity'", name=op.f("ck_label__value_is_finite")),
        sa.CheckConstraint("revision >= 1", name=op.f("ck_label__revision_counts_from_one")),
        sa.ForeignKeyConstraint(["property_id"], ["matsift.property.id"], name=op.f("fk_label__property_id__property")),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_label__run_id__run")),
        sa.ForeignKeyConstraint(
            ["source_entry_id"], ["matsift.source_entry.id"], name=op.f("fk_label__source_entry_id__source_entry")
        ),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["matsift.structure.id"], name=op.f("fk_label__structure_id__structure")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
        sa.UniqueConstraint(
            "structure_id",
            "property_id",
            "method",
            "origin",
            "revision",
            name=op.f("uq_label__structure_id_property_id_method_origin_revision"),
        ),
        schema="matsift",
        comment="A value of one property of one structure; a source that revises it adds a row.",
    )
    op.create_index(
        op.f("ix_label__property_id_method"), "label", ["property_id", "method"], unique=False, schema="matsift"
    )
    op.create_index(op.f("ix_label__run_id"), "label", ["run_id"], unique=False, schema="matsift")
    op.create_index(op.f("ix_label__source_entry_id"), "label", ["source_entry_id"], unique=False, schema="matsift")
    op.create_table(
        "label_verdict",
        sa.Column("label_id", sa.BigInteger(), nullable=False, comment="the label"),
        sa.Column("rule_set", sa.Text(), nullable=False, comment="hash of the rules with their settings"),
        sa.Column("verdict", sa.Text(), nullable=False, comment="accepted or rejected"),
        sa.Column("rule", sa.Text(), nullable=True, comment="first rule that it broke; NULL = none"),
        sa.Column(
            "value_seen",
            sa.Double(),
            nullable=True,
            comment="value that the rule looked at, in the property's unit; NULL = none",
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.CheckConstraint(
            "(verdict = 'rejected') = (rule IS NOT NULL)", name=op.f("ck_label_verdict__rejected_by_a_rule")
        ),
        sa.CheckConstraint("rule_set ~ '^[0-9a-f]{16,64}$'", name=op.f("ck_label_verdict__rule_set_is_hash")),
        sa.CheckConstraint("verdict IN ('accepted', 'rejected')", name=op.f("ck_label_verdict__verdict_is_known")),
        sa.ForeignKeyConstraint(["label_id"], ["matsift.label.id"], name=op.f("fk_label_verdict__label_id__label")),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_label_verdict__run_id__run")),
        sa.PrimaryKeyConstraint("label_id", "rule_set", name=op.f("pk_label_verdict")),
        schema="matsift",
        comment="What one set of named quality rules says of one label; a label keeps every verdict.",
    )
    op.create_index(
        op.f("ix_label_verdict__rule_set_verdict"),
        "label_verdict",
        ["rule_set", "verdict"],
        unique=False,
        schema="matsift",
    )
    op.create_index(op.f("ix_label_verdict__run_id"), "label_verdict", ["run_id"], unique=False, schema="matsift")
    _fill_property()
    forbid_change("property")
    forbid_change("label")
    forbid_change("label_verdict")


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.drop_table("label_verdict", schema="matsift")
    op.drop_table("label", schema="matsift")
    op.drop_table("property", schema="matsift")


def _fill_property() -> None:
    insert = sa.text(
        "INSERT INTO matsift.property (name, unit, definition, lower_bound, upper_bound) VALUES (:name, :unit,"
        " :definition, CAST(NULLIF(:lower_bound, '') AS float8), CAST(NULLIF(:upper_bound, '') AS float8))"
    )
    op.get_bind().execute(insert, frozen_rows("property.csv"))

"""Bond valence: properties of oxides and of moving ions, the relaxations behind a screening factor, derived models.

WHY: a screening factor is the root of a curve of relaxations; a number that can be traced needs the curve, and the
variant of the force field that drew it. The properties are those that labels, predictions and criteria name. A lattice
that follows from a predicted screening factor is a prediction too: of a model that is derived from another.

Revision ID: 0021
Revises: 0020
Create Date: 2026-11-21
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import drop_functions, drop_views, forbid_change, frozen_rows

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_PROPERTIES = "property_0021.csv"
_PURPOSE = "ensemble (predicts), derived (from what an ensemble predicts), baseline or ablation (compare)"
_PURPOSE_BEFORE = "ensemble (predicts), baseline or ablation (compare)"
_COUNTING = "The ensembles whose predictions count: all but those that only a random control campaign used."
_COUNTING_NOW = (
    "The ensembles whose predictions count, all but those of a random control campaign alone, and derived models."
)
_RANKING_MODEL = """
CREATE OR REPLACE VIEW matsift.ranking_model AS
SELECT m.id AS model_version_id, m.content_hash AS model_hash, m.learner, m.property_id, m.created_at AS trained_at
FROM matsift.model_version m
WHERE m.purpose IN ({purposes}) AND (
    NOT EXISTS (SELECT FROM matsift.campaign_round r WHERE r.model_version_id = m.id)
    OR EXISTS (SELECT FROM matsift.campaign_round r JOIN matsift.campaign c ON c.id = r.campaign_id
               WHERE r.model_version_id = m.id AND c.strategy_kind <> 'random'));
COMMENT ON VIEW matsift.ranking_model IS '{comment}'
"""
_TABLES = ("bond_valence_variant", "bond_valence_relaxation")


def upgrade() -> None:
    """Apply."""
    drop_functions()
    drop_views()
    _fill_property()
    _create_variants()
    _create_relaxations()
    for table in _TABLES:
        op.create_index(op.f(f"ix_{table}__run_id"), table, ["run_id"], unique=False, schema="matsift")
        forbid_change(table)
    _let_models_be("'ensemble', 'derived'", "'ensemble', 'derived', 'baseline', 'ablation'", _COUNTING_NOW)
    op.alter_column("model_version", "purpose", comment=_PURPOSE, existing_comment=_PURPOSE_BEFORE, schema="matsift")


def downgrade() -> None:
    """Take back; refused where a model is derived, or a label, model or prediction names one of the properties."""
    drop_functions()
    drop_views()
    _let_models_be("'ensemble'", "'ensemble', 'baseline', 'ablation'", _COUNTING)
    op.alter_column("model_version", "purpose", comment=_PURPOSE_BEFORE, existing_comment=_PURPOSE, schema="matsift")
    for table in reversed(_TABLES):
        op.drop_table(table, schema="matsift")
    op.execute("ALTER TABLE matsift.property DISABLE TRIGGER property_keeps_rows")
    names = [row["name"] for row in frozen_rows(_PROPERTIES)]
    op.get_bind().execute(sa.text("DELETE FROM matsift.property WHERE name = ANY(:names)"), {"names": names})
    op.execute("ALTER TABLE matsift.property ENABLE TRIGGER property_keeps_rows")


def _let_models_be(counting: str, all_purposes: str, comment: str) -> None:
    op.execute(_RANKING_MODEL.format(purposes=counting, comment=comment))
    name = op.f("ck_model_version__purpose_is_known")
    op.drop_constraint(name, "model_version", schema="matsift", type_="check")
    op.create_check_constraint(name, "model_version", f"purpose IN ({all_purposes})", schema="matsift")


def _fill_property() -> None:
    insert = sa.text(
        "INSERT INTO matsift.property (name, unit, definition, lower_bound, upper_bound) VALUES (:name, :unit,"
        " :definition, CAST(:lower_bound AS float8), CAST(:upper_bound AS float8))"
    )
    op.get_bind().execute(insert, frozen_rows(_PROPERTIES))


def _create_variants() -> None:
    op.create_table(
        "bond_valence_variant",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("method", sa.Text(), nullable=False, comment="method that its labels name"),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="weights, radii (angstrom) and cut-offs (angstrom) of its terms",
        ),
        sa.Column("content_hash", sa.Text(), nullable=False, comment="SHA-256 of method and settings"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint(
            "length(content_hash) = 64 AND content_hash !~ '[^0-9a-f]'",
            name=op.f("ck_bond_valence_variant__content_hash_is_sha256"),
        ),
        sa.CheckConstraint("method <> ''", name=op.f("ck_bond_valence_variant__method_is_not_empty")),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_bond_valence_variant__run_id__run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bond_valence_variant")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_bond_valence_variant__content_hash")),
        schema="matsift",
        comment="A variant of the bond valence force field, with all that its relaxations depend on.",
    )


def _create_relaxations() -> None:
    name = "bond_valence_relaxation"
    op.create_table(
        name,
        sa.Column("variant_id", sa.BigInteger(), nullable=False, comment="the force field"),
        sa.Column("structure_id", sa.BigInteger(), nullable=False, comment="the reference structure"),
        sa.Column(
            "strain",
            sa.Double(),
            nullable=False,
            comment="by which all lattice vectors were scaled before, as a fraction",
        ),
        sa.Column("screening_factor", sa.Double(), nullable=False, comment="the screening factor, unit 1"),
        sa.Column("prototype", sa.Text(), nullable=False, comment="perovskite or spinel"),
        *_results(),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        *(
            sa.CheckConstraint(check, name=op.f(f"ck_{name}__{said}"))
            for said, check in (
                ("prototype_is_known", "prototype IN ('perovskite', 'spinel')"),
                ("strain_leaves_a_cell", "strain > -1 AND strain < 'Infinity'"),
                ("factor_is_positive", "screening_factor > 0 AND screening_factor < 'Infinity'"),
                ("lattice_error_is_finite", "lattice_error > '-Infinity' AND lattice_error < 'Infinity'"),
                ("lattice_is_positive", "lattice_constant > 0 AND lattice_constant < 'Infinity'"),
                ("oxygen_parameter_is_finite", "oxygen_parameter > '-Infinity' AND oxygen_parameter < 'Infinity'"),
                ("shift_is_not_negative", "site_shift >= 0 AND site_shift < 'Infinity'"),
                ("gii_is_not_negative", "global_instability_index >= 0 AND global_instability_index < 'Infinity'"),
                ("relaxed_or_has_a_problem", "problem IS NOT NULL OR lattice_error IS NOT NULL"),
                ("error_goes_with_lattice", "(lattice_error IS NULL) = (lattice_constant IS NULL)"),
            )
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"matsift.{referred}.id"], name=op.f(f"fk_{name}__{column}__{referred}"))
            for column, referred in (
                ("run_id", "run"),
                ("structure_id", "structure"),
                ("variant_id", "bond_valence_variant"),
            )
        ),
        sa.PrimaryKeyConstraint("variant_id", "structure_id", "strain", "screening_factor", name=op.f(f"pk_{name}")),
        schema="matsift",
        comment="A reference structure, strained, then relaxed by the bond valence force field.",
    )
    op.create_index(op.f(f"ix_{name}__structure_id"), name, ["structure_id"], unique=False, schema="matsift")


def _results() -> tuple[sa.Column[Any], ...]:
    numbers = (
        (
            "lattice_error",
            "relaxed minus reference lattice constant, as a fraction of the reference; NULL = did not come to rest",
        ),
        ("lattice_constant", "edge of the relaxed conventional cell, angstrom; NULL = did not come to rest"),
        (
            "oxygen_parameter",
            "relaxed oxygen parameter u of a spinel in origin choice 2, as a fraction of the edge; NULL = none",
        ),
        (
            "site_shift",
            "mean displacement of sites from the reference, as a fraction of the cell's edges; NULL = none moved",
        ),
        (
            "global_instability_index",
            "that of the relaxed structure over its cations, valence units; NULL = did not come to rest",
        ),
    )
    return (
        *(sa.Column(name, sa.Double(), nullable=True, comment=comment) for name, comment in numbers),
        sa.Column(
            "problem",
            sa.Text(),
            nullable=True,
            comment="why the row does not count among the samples to learn from; NULL = it does",
        ),
    )

"""Model versions with evaluations, held-out predictions and importances.

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import drop_views, forbid_change

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_table(
        "model_version",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column(
            "content_hash",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of learner, settings, seed, snapshot and columns",
        ),
        sa.Column("learner", sa.Text(), nullable=False, comment="kind of learner, for example lightgbm_ensemble"),
        sa.Column("purpose", sa.Text(), nullable=False, comment="ensemble (predicts), baseline or ablation (compare)"),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="settings of the learner, all of them",
        ),
        sa.Column("seed", sa.BigInteger(), nullable=False, comment="seed of the fit"),
        sa.Column("snapshot_id", sa.BigInteger(), nullable=False, comment="labels that it was trained on"),
        sa.Column("property_id", sa.BigInteger(), nullable=False, comment="property that it predicts"),
        sa.Column(
            "column_names",
            sa.ARRAY(sa.Text()),
            nullable=False,
            comment="descriptor columns, in the order that the model sees",
        ),
        sa.Column(
            "calibration",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="calibration of the interval, in the property's unit",
        ),
        sa.Column("artifact_sha256", sa.Text(), nullable=False, comment="SHA-256 of the stored model"),
        sa.Column("artifact_uri", sa.Text(), nullable=False, comment="address of the stored model"),
        sa.Column("code_version", sa.Text(), nullable=False, comment="version of matsift that trained it"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint(
            "artifact_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_model_version__artifact_sha256_is_sha256")
        ),
        sa.CheckConstraint("artifact_uri <> ''", name=op.f("ck_model_version__artifact_uri_is_not_empty")),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_model_version__content_hash_is_sha256")),
        sa.CheckConstraint("learner <> ''", name=op.f("ck_model_version__learner_is_not_empty")),
        sa.CheckConstraint(
            "purpose IN ('ensemble', 'baseline', 'ablation')", name=op.f("ck_model_version__purpose_is_known")
        ),
        sa.CheckConstraint("cardinality(column_names) > 0", name=op.f("ck_model_version__has_columns")),
        sa.ForeignKeyConstraint(
            ["property_id"], ["matsift.property.id"], name=op.f("fk_model_version__property_id__property")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_model_version__run_id__run")),
        sa.ForeignKeyConstraint(
            ["snapshot_id"],
            ["matsift.dataset_snapshot.id"],
            name=op.f("fk_model_version__snapshot_id__dataset_snapshot"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_version")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_model_version__content_hash")),
        sa.UniqueConstraint("id", "property_id", name=op.f("uq_model_version__id_property_id")),
        schema="matsift",
        comment="One trained model; same snapshot, settings, columns and seed are the same model.",
    )
    op.create_index(
        op.f("ix_model_version__property_id_purpose"),
        "model_version",
        ["property_id", "purpose"],
        unique=False,
        schema="matsift",
    )
    op.create_index(op.f("ix_model_version__run_id"), "model_version", ["run_id"], unique=False, schema="matsift")
    op.create_index(
        op.f("ix_model_version__snapshot_id"), "model_version", ["snapshot_id"], unique=False, schema="matsift"
    )
    op.create_table(
        "evaluation",
        sa.Column("model_version_id", sa.BigInteger(), nullable=False, comment="the model"),
        sa.Column(
            "metric",
            sa.Text(),
            nullable=False,
            comment="r2 and interval_coverage (no unit), mae, rmse, bias, mean_interval_width (the property's unit),"
            " ...",
        ),
        sa.Column("subset", sa.Text(), nullable=False, comment="rows it is over, for example test or test:Na"),
        sa.Column(
            "value",
            sa.Double(),
            nullable=True,
            comment="value of the metric, unit as the metric says; NULL = undefined on this subset",
        ),
        sa.Column("n_row", sa.Integer(), nullable=False, comment="labels in the subset, count"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.CheckConstraint("metric <> ''", name=op.f("ck_evaluation__metric_is_not_empty")),
        sa.CheckConstraint("subset <> ''", name=op.f("ck_evaluation__subset_is_not_empty")),
        sa.CheckConstraint("value > '-Infinity' AND value < 'Infinity'", name=op.f("ck_evaluation__value_is_finite")),
        sa.CheckConstraint("n_row >= 0", name=op.f("ck_evaluation__n_row_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["matsift.model_version.id"],
            name=op.f("fk_evaluation__model_version_id__model_version"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_evaluation__run_id__run")),
        sa.PrimaryKeyConstraint("model_version_id", "metric", "subset", name=op.f("pk_evaluation")),
        schema="matsift",
        comment="One metric of one model on one subset of its snapshot.",
    )
    op.create_index(op.f("ix_evaluation__run_id"), "evaluation", ["run_id"], unique=False, schema="matsift")
    op.create_table(
        "feature_importance",
        sa.Column("model_version_id", sa.BigInteger(), nullable=False, comment="the model"),
        sa.Column("column_name", sa.Text(), nullable=False, comment="the descriptor column"),
        sa.Column(
            "descriptor_set_id",
            sa.BigInteger(),
            nullable=True,
            comment="set that the column is of; NULL = the column is not of a set",
        ),
        sa.Column("gain_fraction", sa.Double(), nullable=False, comment="share of the total gain, fraction of 1"),
        sa.Column("rank", sa.Integer(), nullable=False, comment="1 for the largest share"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.CheckConstraint(
            "gain_fraction BETWEEN 0 AND 1", name=op.f("ck_feature_importance__gain_fraction_is_a_fraction")
        ),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_feature_importance__rank_counts_from_one")),
        sa.ForeignKeyConstraint(
            ["descriptor_set_id"],
            ["matsift.descriptor_set.id"],
            name=op.f("fk_feature_importance__descriptor_set_id__descriptor_set"),
        ),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["matsift.model_version.id"],
            name=op.f("fk_feature_importance__model_version_id__model_version"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_feature_importance__run_id__run")),
        sa.PrimaryKeyConstraint("model_version_id", "column_name", name=op.f("pk_feature_importance")),
        sa.UniqueConstraint("model_version_id", "rank", name=op.f("uq_feature_importance__model_version_id_rank")),
        schema="matsift",
        comment="How much of a model's gain one descriptor column brings.",
    )
    op.create_index(
        op.f("ix_feature_importance__descriptor_set_id"),
        "feature_importance",
        ["descriptor_set_id"],
        unique=False,
        schema="matsift",
    )
    op.create_index(
        op.f("ix_feature_importance__run_id"), "feature_importance", ["run_id"], unique=False, schema="matsift"
    )
    op.create_table(
        "model_descriptor_set",
        sa.Column("model_version_id", sa.BigInteger(), nullable=False, comment="the model"),
        sa.Column("descriptor_set_id", sa.BigInteger(), nullable=False, comment="the descriptor set"),
        sa.Column("position", sa.Integer(), nullable=False, comment="place among the model's sets, from 0"),
        sa.CheckConstraint("position >= 0", name=op.f("ck_model_descriptor_set__position_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["descriptor_set_id"],
            ["matsift.descriptor_set.id"],
            name=op.f("fk_model_descriptor_set__descriptor_set_id__descriptor_set"),
        ),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["matsift.model_version.id"],
            name=op.f("fk_model_descriptor_set__model_version_id__model_version"),
        ),
        sa.PrimaryKeyConstraint("model_version_id", "descriptor_set_id", name=op.f("pk_model_descriptor_set")),
        sa.UniqueConstraint(
            "model_version_id", "position", name=op.f("uq_model_descriptor_set__model_version_id_position")
        ),
        schema="matsift",
        comment="Which descriptor sets a model sees, in the order of its columns.",
    )
    op.create_index(
        op.f("ix_model_descriptor_set__descriptor_set_id"),
        "model_descriptor_set",
        ["descriptor_set_id"],
        unique=False,
        schema="matsift",
    )
    op.create_table(
        "held_out_prediction",
        sa.Column("model_version_id", sa.BigInteger(), nullable=False, comment="the model"),
        sa.Column("label_id", sa.BigInteger(), nullable=False, comment="the label"),
        sa.Column("mean", sa.Double(), nullable=False, comment="predicted value, in the property's unit"),
        sa.Column(
            "spread",
            sa.Double(),
            nullable=True,
            comment="standard deviation over members, in the property's unit; NULL = the learner has no members",
        ),
        sa.Column(
            "lower",
            sa.Double(),
            nullable=True,
            comment="lower end of the calibrated interval, in the property's unit; NULL = not calibrated",
        ),
        sa.Column(
            "upper",
            sa.Double(),
            nullable=True,
            comment="upper end of the calibrated interval, in the property's unit; NULL = not calibrated",
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.CheckConstraint(
            "mean > '-Infinity' AND mean < 'Infinity'", name=op.f("ck_held_out_prediction__mean_is_finite")
        ),
        sa.CheckConstraint(
            "spread >= 0 AND spread < 'Infinity'", name=op.f("ck_held_out_prediction__spread_is_not_negative")
        ),
        sa.CheckConstraint("lower <= upper", name=op.f("ck_held_out_prediction__interval_is_ordered")),
        sa.ForeignKeyConstraint(
            ["label_id"], ["matsift.label.id"], name=op.f("fk_held_out_prediction__label_id__label")
        ),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["matsift.model_version.id"],
            name=op.f("fk_held_out_prediction__model_version_id__model_version"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_held_out_prediction__run_id__run")),
        sa.PrimaryKeyConstraint("model_version_id", "label_id", name=op.f("pk_held_out_prediction")),
        schema="matsift",
        comment="What a model says of a label that it was not trained on.",
    )
    op.create_index(
        op.f("ix_held_out_prediction__label_id"), "held_out_prediction", ["label_id"], unique=False, schema="matsift"
    )
    op.create_index(
        op.f("ix_held_out_prediction__run_id"), "held_out_prediction", ["run_id"], unique=False, schema="matsift"
    )
    forbid_change("model_version")
    forbid_change("model_descriptor_set")
    forbid_change("evaluation")
    forbid_change("held_out_prediction")
    forbid_change("feature_importance")


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.drop_table("held_out_prediction", schema="matsift")
    op.drop_table("model_descriptor_set", schema="matsift")
    op.drop_table("feature_importance", schema="matsift")
    op.drop_table("evaluation", schema="matsift")
    op.drop_table("model_version", schema="matsift")

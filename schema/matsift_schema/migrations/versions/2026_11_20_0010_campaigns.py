"""Campaigns, rounds, scores and acquisitions.

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-20
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import drop_views, forbid_change

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_RECORD_EVENT = """
CREATE FUNCTION matsift.record_acquisition_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO matsift.acquisition_event (acquisition_id, status, claimed_by)
    VALUES (NEW.id, NEW.status, CASE WHEN NEW.status IN ('proposed', 'released') THEN NULL ELSE NEW.claimed_by END);
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Apply."""
    drop_views()
    op.create_table(
        "campaign",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column(
            "content_hash",
            sa.Text(),
            nullable=False,
            comment="SHA-256 of study, property, strategy, sizes, seed and oracle",
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="name of the campaign"),
        sa.Column("study", sa.Text(), nullable=False, comment="study that asks for it"),
        sa.Column("property_id", sa.BigInteger(), nullable=False, comment="property whose uncertainty it explores"),
        sa.Column(
            "strategy", sa.Text(), nullable=False, comment="acquisition strategy, for example exploration or random"
        ),
        sa.Column("batch_size", sa.Integer(), nullable=False, comment="acquisitions a round, count"),
        sa.Column("n_round", sa.Integer(), nullable=False, comment="rounds planned, count"),
        sa.Column("seed", sa.BigInteger(), nullable=False, comment="seed of the random draws"),
        sa.Column("oracle", sa.Text(), nullable=False, comment="what labels the acquisitions, for example chgnet"),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="further settings, thresholds in the property's unit",
        ),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint("content_hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_campaign__content_hash_is_sha256")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_campaign__name_is_not_empty")),
        sa.CheckConstraint("oracle <> ''", name=op.f("ck_campaign__oracle_is_not_empty")),
        sa.CheckConstraint("strategy <> ''", name=op.f("ck_campaign__strategy_is_not_empty")),
        sa.CheckConstraint("batch_size > 0", name=op.f("ck_campaign__batch_is_positive")),
        sa.CheckConstraint("n_round >= 0", name=op.f("ck_campaign__n_round_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["property_id"], ["matsift.property.id"], name=op.f("fk_campaign__property_id__property")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_campaign__run_id__run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("content_hash", name=op.f("uq_campaign__content_hash")),
        schema="matsift",
        comment="One active-learning loop.",
    )
    op.create_index(op.f("ix_campaign__property_id"), "campaign", ["property_id"], unique=False, schema="matsift")
    op.create_index(op.f("ix_campaign__run_id"), "campaign", ["run_id"], unique=False, schema="matsift")
    op.create_index(op.f("ix_campaign__study"), "campaign", ["study"], unique=False, schema="matsift")
    op.create_table(
        "campaign_round",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False, comment="the campaign"),
        sa.Column(
            "number", sa.Integer(), nullable=False, comment="number of the round; 0 = the model before any acquisition"
        ),
        sa.Column("model_version_id", sa.BigInteger(), nullable=False, comment="model whose predictions are scored"),
        sa.Column("n_candidate", sa.Integer(), nullable=False, comment="candidates scored, count"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.CheckConstraint("n_candidate >= 0", name=op.f("ck_campaign_round__n_candidate_is_not_negative")),
        sa.CheckConstraint("number >= 0", name=op.f("ck_campaign_round__number_is_not_negative")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["matsift.campaign.id"], name=op.f("fk_campaign_round__campaign_id__campaign")
        ),
        sa.ForeignKeyConstraint(
            ["model_version_id"],
            ["matsift.model_version.id"],
            name=op.f("fk_campaign_round__model_version_id__model_version"),
        ),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_campaign_round__run_id__run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_round")),
        sa.UniqueConstraint("campaign_id", "number", name=op.f("uq_campaign_round__campaign_id_number")),
        sa.UniqueConstraint("id", "campaign_id", name=op.f("uq_campaign_round__id_campaign_id")),
        schema="matsift",
        comment="One round of a campaign: one model scores all candidates.",
    )
    op.create_index(
        op.f("ix_campaign_round__model_version_id"),
        "campaign_round",
        ["model_version_id"],
        unique=False,
        schema="matsift",
    )
    op.create_index(op.f("ix_campaign_round__run_id"), "campaign_round", ["run_id"], unique=False, schema="matsift")
    op.create_table(
        "candidate_score",
        sa.Column("campaign_round_id", sa.BigInteger(), nullable=False, comment="the round"),
        sa.Column("structure_id", sa.BigInteger(), nullable=False, comment="the candidate"),
        sa.Column("mean", sa.Double(), nullable=False, comment="predicted value, in the property's unit"),
        sa.Column(
            "spread", sa.Double(), nullable=False, comment="standard deviation over members, in the property's unit"
        ),
        sa.Column(
            "score",
            sa.Double(),
            nullable=False,
            comment="score of the strategy; larger is more wanted; unit as the strategy",
        ),
        sa.Column("rank", sa.Integer(), nullable=False, comment="1 for the most wanted"),
        sa.CheckConstraint("mean > '-Infinity' AND mean < 'Infinity'", name=op.f("ck_candidate_score__mean_is_finite")),
        sa.CheckConstraint(
            "score > '-Infinity' AND score < 'Infinity'", name=op.f("ck_candidate_score__score_is_finite")
        ),
        sa.CheckConstraint(
            "spread >= 0 AND spread < 'Infinity'", name=op.f("ck_candidate_score__spread_is_not_negative")
        ),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_candidate_score__rank_counts_from_one")),
        sa.ForeignKeyConstraint(
            ["campaign_round_id"],
            ["matsift.campaign_round.id"],
            name=op.f("fk_candidate_score__campaign_round_id__campaign_round"),
        ),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["matsift.structure.id"], name=op.f("fk_candidate_score__structure_id__structure")
        ),
        sa.PrimaryKeyConstraint("campaign_round_id", "structure_id", name=op.f("pk_candidate_score")),
        sa.UniqueConstraint("campaign_round_id", "rank", name=op.f("uq_candidate_score__campaign_round_id_rank")),
        schema="matsift",
        comment="The score of one candidate in one round; those not acquired are kept too.",
    )
    op.create_index(
        op.f("ix_candidate_score__structure_id"), "candidate_score", ["structure_id"], unique=False, schema="matsift"
    )
    op.create_table(
        "acquisition",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column(
            "campaign_id", sa.BigInteger(), nullable=False, comment="the campaign, which acquires a structure once"
        ),
        sa.Column("campaign_round_id", sa.BigInteger(), nullable=False, comment="round that chose it"),
        sa.Column("structure_id", sa.BigInteger(), nullable=False, comment="the structure to label"),
        sa.Column(
            "rank", sa.Integer(), nullable=False, comment="rank of its score in the round, 1 for the most wanted"
        ),
        sa.Column("score", sa.Double(), nullable=False, comment="score that chose it; unit as the strategy"),
        sa.Column(
            "status",
            sa.Text(),
            server_default=sa.text("'proposed'"),
            nullable=False,
            comment="proposed, claimed, labelled, failed or released (claimable again)",
        ),
        sa.Column("claimed_by", sa.Text(), nullable=True, comment="who labels it or did last; NULL = nobody yet"),
        sa.Column(
            "lease_expires_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="when an unfinished claim is given back; NULL = not claimed now",
        ),
        sa.Column(
            "label_id", sa.BigInteger(), nullable=True, comment="label of the campaign's property; NULL = none yet"
        ),
        sa.Column("failure_id", sa.BigInteger(), nullable=True, comment="last failure; NULL = none"),
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the status last changed",
        ),
        sa.CheckConstraint(
            "(status = 'claimed') = (lease_expires_at IS NOT NULL)", name=op.f("ck_acquisition__lease_while_claimed")
        ),
        sa.CheckConstraint(
            "(status = 'labelled') = (label_id IS NOT NULL)", name=op.f("ck_acquisition__labelled_has_label")
        ),
        sa.CheckConstraint("score > '-Infinity' AND score < 'Infinity'", name=op.f("ck_acquisition__score_is_finite")),
        sa.CheckConstraint(
            "status <> 'claimed' OR claimed_by IS NOT NULL", name=op.f("ck_acquisition__claimed_by_somebody")
        ),
        sa.CheckConstraint(
            "status <> 'failed' OR failure_id IS NOT NULL", name=op.f("ck_acquisition__failed_has_failure")
        ),
        sa.CheckConstraint(
            "status IN ('proposed', 'claimed', 'labelled', 'failed', 'released')",
            name=op.f("ck_acquisition__status_is_known"),
        ),
        sa.CheckConstraint("rank >= 1", name=op.f("ck_acquisition__rank_counts_from_one")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["matsift.campaign.id"], name=op.f("fk_acquisition__campaign_id__campaign")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_round_id", "campaign_id"],
            ["matsift.campaign_round.id", "matsift.campaign_round.campaign_id"],
            name=op.f("fk_acquisition__campaign_round_id_campaign_id__campaign_round"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_round_id", "structure_id"],
            ["matsift.candidate_score.campaign_round_id", "matsift.candidate_score.structure_id"],
            name=op.f("fk_acquisition__campaign_round_id_structure_id__candidate_score"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_round_id"],
            ["matsift.campaign_round.id"],
            name=op.f("fk_acquisition__campaign_round_id__campaign_round"),
        ),
        sa.ForeignKeyConstraint(
            ["failure_id"], ["matsift.failure.id"], name=op.f("fk_acquisition__failure_id__failure")
        ),
        sa.ForeignKeyConstraint(["label_id"], ["matsift.label.id"], name=op.f("fk_acquisition__label_id__label")),
        sa.ForeignKeyConstraint(["run_id"], ["matsift.run.id"], name=op.f("fk_acquisition__run_id__run")),
        sa.ForeignKeyConstraint(
            ["structure_id"], ["matsift.structure.id"], name=op.f("fk_acquisition__structure_id__structure")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acquisition")),
        sa.UniqueConstraint("campaign_id", "structure_id", name=op.f("uq_acquisition__campaign_id_structure_id")),
        schema="matsift",
        comment="A candidate chosen for labelling, and what became of it.",
    )
    op.create_index(op.f("ix_acquisition__label_id"), "acquisition", ["label_id"], unique=False, schema="matsift")
    op.create_index(
        "ix_acquisition__queue",
        "acquisition",
        ["campaign_round_id", "rank"],
        unique=False,
        schema="matsift",
        postgresql_where=sa.text("status IN ('proposed', 'claimed', 'released')"),
    )
    op.create_index(op.f("ix_acquisition__run_id"), "acquisition", ["run_id"], unique=False, schema="matsift")
    op.create_index(
        op.f("ix_acquisition__structure_id"), "acquisition", ["structure_id"], unique=False, schema="matsift"
    )
    op.create_table(
        "acquisition_event",
        sa.Column(
            "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
        ),
        sa.Column("acquisition_id", sa.BigInteger(), nullable=False, comment="the acquisition"),
        sa.Column("status", sa.Text(), nullable=False, comment="status that it took"),
        sa.Column("claimed_by", sa.Text(), nullable=True, comment="who held it then; NULL = nobody"),
        sa.Column(
            "occurred_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when it took the status",
        ),
        sa.ForeignKeyConstraint(
            ["acquisition_id"],
            ["matsift.acquisition.id"],
            name=op.f("fk_acquisition_event__acquisition_id__acquisition"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acquisition_event")),
        schema="matsift",
        comment="Every status that an acquisition ever had; a trigger writes it.",
    )
    op.create_index(
        op.f("ix_acquisition_event__acquisition_id"),
        "acquisition_event",
        ["acquisition_id"],
        unique=False,
        schema="matsift",
    )
    forbid_change("campaign")
    forbid_change("campaign_round")
    forbid_change("candidate_score")
    forbid_change(
        "acquisition",
        except_columns=("status", "claimed_by", "lease_expires_at", "label_id", "failure_id", "updated_at"),
    )
    forbid_change("acquisition_event")
    op.execute(_RECORD_EVENT)
    op.execute(
        "CREATE TRIGGER acquisition_records_event AFTER INSERT OR UPDATE OF status, claimed_by ON matsift.acquisition"
        " FOR EACH ROW EXECUTE FUNCTION matsift.record_acquisition_event()"
    )


def downgrade() -> None:
    """Take back."""
    drop_views()
    op.drop_table("acquisition_event", schema="matsift")
    op.drop_table("acquisition", schema="matsift")
    op.drop_table("candidate_score", schema="matsift")
    op.drop_table("campaign_round", schema="matsift")
    op.drop_table("campaign", schema="matsift")
    op.execute("DROP FUNCTION matsift.record_acquisition_event()")

"""A campaign can go further than it was first asked to, and one material is with one oracle once.

WHY: how far a campaign goes is a plan that may be extended, not what the campaign is; so it has rows of its own, and
so has the reason why a plan ended. Two campaigns that want the same structure of the same oracle share its answer: the
database refuses a second claim. Every step of an acquisition says why, and what an oracle tells beside its labels is
kept.

Revision ID: 0019
Revises: 0018
Create Date: 2026-11-21
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from matsift_schema.migrations.helpers import drop_functions, drop_views, forbid_change

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_HASHED = "SHA-256 of study, property, strategy, batch, seed, oracle and what it starts from"
_HASHED_BEFORE = "SHA-256 of study, property, strategy, sizes, seed and oracle"
_STRATEGY = "name of the acquisition strategy in the study"
_STRATEGY_BEFORE = "acquisition strategy, for example exploration or random"
_REASON = "why it took {} status; NULL = that is plain"
_CHANGING = ("status", "claimed_by", "lease_expires_at", "label_id", "failure_id", "updated_at")
# Acquisitions that were claimed for several campaigns at once: all but the first wait for the answer.
_SHARE = """
    UPDATE matsift.acquisition a SET status = 'released', lease_expires_at = NULL,
           reason = 'another campaign has the same structure with the same oracle'
    WHERE status = 'claimed' AND EXISTS (
        SELECT FROM matsift.acquisition o WHERE (o.structure_id, o.oracle_method) = (a.structure_id, a.oracle_method)
        AND o.status = 'claimed' AND o.id < a.id)
"""
_RECORD_EVENT = """
CREATE OR REPLACE FUNCTION matsift.record_acquisition_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO matsift.acquisition_event (acquisition_id, status, claimed_by{column})
    VALUES (NEW.id, NEW.status,
            CASE WHEN NEW.status IN ('proposed', 'released') THEN NULL ELSE NEW.claimed_by END{value});
    RETURN NULL;
END $$
"""
# The control of a strategy is what chooses at random, whatever the study calls it.
_RANKING_MODEL = """
CREATE OR REPLACE VIEW matsift.ranking_model AS
SELECT m.id AS model_version_id, m.content_hash AS model_hash, m.learner, m.property_id, m.created_at AS trained_at
FROM matsift.model_version m
WHERE m.purpose = 'ensemble' AND (
    NOT EXISTS (SELECT FROM matsift.campaign_round r WHERE r.model_version_id = m.id)
    OR EXISTS (SELECT FROM matsift.campaign_round r JOIN matsift.campaign c ON c.id = r.campaign_id
               WHERE r.model_version_id = m.id AND c.{column} <> 'random'))
"""
_AFTER_ROUND = (
    "CREATE OR REPLACE FUNCTION matsift.candidates_after_campaign_round() RETURNS trigger LANGUAGE plpgsql"
    " SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$\n"
    """BEGIN
        PERFORM matsift.refresh_candidates(ARRAY(
            SELECT r.structure_id FROM inserted i
            JOIN matsift.campaign c ON c.id = i.campaign_id
            JOIN matsift.prediction r ON r.model_version_id = i.model_version_id
            WHERE (c.{column} = 'random') = NOT EXISTS (
                SELECT FROM matsift.campaign_round o
                WHERE o.model_version_id = i.model_version_id AND o.id <> i.id)));
    RETURN NULL;
END $$"""
)


def upgrade() -> None:
    """Apply."""
    drop_functions()
    drop_views()
    _create_plans()
    _extend_campaigns()
    _create_stops()
    _extend_acquisitions()
    _create_results()
    _rank_by("strategy_kind")
    for table in ("campaign_plan", "campaign_stop", "oracle_result"):
        op.create_index(op.f(f"ix_{table}__run_id"), table, ["run_id"], unique=False, schema="matsift")
        forbid_change(table)


def downgrade() -> None:
    """Take back; plans but the newest, reasons, signs of life and what oracles told beside labels are lost."""
    drop_functions()
    drop_views()
    _rank_by("strategy")
    op.drop_table("oracle_result", schema="matsift")
    _reduce_acquisitions()
    op.drop_table("campaign_stop", schema="matsift")
    _reduce_campaigns()
    op.drop_table("campaign_plan", schema="matsift")


def _rank_by(column: str) -> None:
    op.execute(_RANKING_MODEL.replace("{column}", column))
    op.execute(_AFTER_ROUND.replace("{column}", column))


def _create_plans() -> None:
    op.create_table(
        "campaign_plan",
        _identity(),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False, comment="the campaign"),
        sa.Column("n_round", sa.Integer(), nullable=False, comment="rounds of acquisition at most, count"),
        _json("stop", "further rules that end it, limits in the unit of each rule"),
        *_written(),
        sa.CheckConstraint("n_round >= 0", name=op.f("ck_campaign_plan__n_round_is_not_negative")),
        _key("campaign_plan", "campaign_id", "campaign"),
        _key("campaign_plan", "run_id", "run"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_plan")),
        schema="matsift",
        comment="How far a campaign is to go, a row each time that changes; the newest counts.",
    )
    op.create_index(
        op.f("ix_campaign_plan__campaign_id"), "campaign_plan", ["campaign_id"], unique=False, schema="matsift"
    )
    op.execute(
        "INSERT INTO matsift.campaign_plan (campaign_id, n_round, run_id, created_at)"
        " SELECT id, n_round, run_id, created_at FROM matsift.campaign ORDER BY id"
    )


def _extend_campaigns() -> None:
    op.execute("ALTER TABLE matsift.campaign DISABLE TRIGGER campaign_keeps_rows")
    for name, comment in (
        ("strategy_kind", "what the strategy is, for example exploration or random"),
        ("oracle_method", "method of the labels that the oracle gives"),
    ):
        op.add_column("campaign", sa.Column(name, sa.Text(), nullable=True, comment=comment), schema="matsift")
    op.execute(
        "UPDATE matsift.campaign SET strategy_kind = strategy,"
        " oracle_method = CASE oracle WHEN 'chgnet' THEN 'chgnet-0.3.0-finite-strain' ELSE oracle END"
    )
    op.execute("ALTER TABLE matsift.campaign ENABLE TRIGGER campaign_keeps_rows")
    for name in ("strategy_kind", "oracle_method"):
        op.alter_column("campaign", name, nullable=False, schema="matsift")
        op.create_check_constraint(
            op.f(f"ck_campaign__{name}_is_not_empty"), "campaign", f"{name} <> ''", schema="matsift"
        )
    op.create_unique_constraint(
        op.f("uq_campaign__id_oracle_method"), "campaign", ["id", "oracle_method"], schema="matsift"
    )
    op.drop_column("campaign", "n_round", schema="matsift")
    _comment("content_hash", _HASHED, _HASHED_BEFORE)
    _comment("strategy", _STRATEGY, _STRATEGY_BEFORE)


def _reduce_campaigns() -> None:
    op.execute("ALTER TABLE matsift.campaign DISABLE TRIGGER campaign_keeps_rows")
    op.add_column(
        "campaign",
        sa.Column("n_round", sa.Integer(), nullable=True, comment="rounds planned, count"),
        schema="matsift",
    )
    op.execute(
        "UPDATE matsift.campaign c SET n_round = coalesce((SELECT p.n_round FROM matsift.campaign_plan p"
        " WHERE p.campaign_id = c.id ORDER BY p.id DESC LIMIT 1), 0)"
    )
    op.execute("ALTER TABLE matsift.campaign ENABLE TRIGGER campaign_keeps_rows")
    op.alter_column("campaign", "n_round", nullable=False, schema="matsift")
    op.create_check_constraint(
        op.f("ck_campaign__n_round_is_not_negative"), "campaign", "n_round >= 0", schema="matsift"
    )
    op.drop_constraint(op.f("uq_campaign__id_oracle_method"), "campaign", schema="matsift", type_="unique")
    for name in ("strategy_kind", "oracle_method"):
        op.drop_column("campaign", name, schema="matsift")
    _comment("content_hash", _HASHED_BEFORE, _HASHED)
    _comment("strategy", _STRATEGY_BEFORE, _STRATEGY)


def _create_stops() -> None:
    op.create_table(
        "campaign_stop",
        sa.Column("campaign_round_id", sa.BigInteger(), nullable=False, comment="the round that was the last"),
        sa.Column("campaign_plan_id", sa.BigInteger(), nullable=False, comment="the plan that ended there"),
        sa.Column(
            "rule",
            sa.Text(),
            nullable=False,
            comment="rounds, budget, mean_spread, no_better, or pool (no candidate is left)",
        ),
        sa.Column(
            "value_seen",
            sa.Double(),
            nullable=False,
            comment="what the rule looked at: a count, or a spread in the property's unit",
        ),
        sa.Column(
            "rule_limit",
            sa.Double(),
            nullable=False,
            comment="where the rule ends the campaign, in the unit of value_seen",
        ),
        *_written(),
        sa.CheckConstraint(
            "rule IN ('rounds', 'budget', 'mean_spread', 'no_better', 'pool')",
            name=op.f("ck_campaign_stop__rule_is_known"),
        ),
        *(
            sa.CheckConstraint(
                f"{name} > '-Infinity' AND {name} < 'Infinity'", name=op.f(f"ck_campaign_stop__{name}_is_finite")
            )
            for name in ("value_seen", "rule_limit")
        ),
        _key("campaign_stop", "campaign_round_id", "campaign_round"),
        _key("campaign_stop", "campaign_plan_id", "campaign_plan"),
        _key("campaign_stop", "run_id", "run"),
        sa.PrimaryKeyConstraint("campaign_round_id", "campaign_plan_id", name=op.f("pk_campaign_stop")),
        schema="matsift",
        comment="The round after which a plan asked for nothing more, and the rule that said so.",
    )
    op.create_index(
        op.f("ix_campaign_stop__campaign_plan_id"),
        "campaign_stop",
        ["campaign_plan_id"],
        unique=False,
        schema="matsift",
    )


def _extend_acquisitions() -> None:
    for name, kind, comment in (
        ("oracle_method", sa.Text(), "method of the oracle of its campaign"),
        (
            "heartbeat_at",
            sa.DateTime(timezone=True),
            "when its worker last gave a sign of life; NULL = nobody claimed it yet",
        ),
        (
            "external_job",
            sa.Text(),
            "the worker's own name of the work, for example a number in a batch queue; NULL = not told",
        ),
        ("reason", sa.Text(), _REASON.format("its")),
    ):
        op.add_column("acquisition", sa.Column(name, kind, nullable=True, comment=comment), schema="matsift")
    op.add_column(
        "acquisition_event",
        sa.Column("reason", sa.Text(), nullable=True, comment=_REASON.format("the")),
        schema="matsift",
    )
    op.execute(_RECORD_EVENT.format(column=", reason", value=", NEW.reason"))
    op.execute(
        "UPDATE matsift.acquisition a SET oracle_method = c.oracle_method FROM matsift.campaign c"
        " WHERE c.id = a.campaign_id"
    )
    op.execute(_SHARE)
    op.alter_column("acquisition", "oracle_method", nullable=False, schema="matsift")
    op.create_foreign_key(
        op.f("fk_acquisition__campaign_id_oracle_method__campaign"),
        "acquisition",
        "campaign",
        ["campaign_id", "oracle_method"],
        ["id", "oracle_method"],
        source_schema="matsift",
        referent_schema="matsift",
    )
    op.create_index(
        "uq_acquisition__one_claim",
        "acquisition",
        ["structure_id", "oracle_method"],
        unique=True,
        schema="matsift",
        postgresql_where=sa.text("status = 'claimed'"),
    )
    _keep_acquisitions(except_columns=(*_CHANGING, "heartbeat_at", "external_job", "reason"))


def _reduce_acquisitions() -> None:
    op.drop_index("uq_acquisition__one_claim", "acquisition", schema="matsift")
    op.execute(_RECORD_EVENT.format(column="", value=""))
    op.drop_column("acquisition_event", "reason", schema="matsift")
    op.execute("DROP TRIGGER acquisition_keeps_rows ON matsift.acquisition")
    op.execute("DROP TRIGGER acquisition_is_not_truncated ON matsift.acquisition")
    for name in ("reason", "external_job", "heartbeat_at", "oracle_method"):
        op.drop_column("acquisition", name, schema="matsift")
    forbid_change("acquisition", except_columns=_CHANGING)


def _keep_acquisitions(*, except_columns: tuple[str, ...]) -> None:
    op.execute("DROP TRIGGER acquisition_keeps_rows ON matsift.acquisition")
    op.execute("DROP TRIGGER acquisition_is_not_truncated ON matsift.acquisition")
    forbid_change("acquisition", except_columns=except_columns)


def _create_results() -> None:
    op.create_table(
        "oracle_result",
        _identity(),
        sa.Column("structure_id", sa.BigInteger(), nullable=False, comment="the structure"),
        sa.Column("method", sa.Text(), nullable=False, comment="method that its labels name"),
        _json("detail", "parameters, versions and intermediate values, with their units"),
        sa.Column("worker", sa.Text(), nullable=False, comment="who returned it"),
        sa.Column(
            "seconds",
            sa.Double(),
            server_default=sa.text("0"),
            nullable=False,
            comment="time it took, s; 0 where not measured",
        ),
        *_written(),
        sa.CheckConstraint("method <> ''", name=op.f("ck_oracle_result__method_is_not_empty")),
        sa.CheckConstraint("worker <> ''", name=op.f("ck_oracle_result__worker_is_not_empty")),
        sa.CheckConstraint(
            "seconds >= 0 AND seconds < 'Infinity'", name=op.f("ck_oracle_result__seconds_is_a_duration")
        ),
        _key("oracle_result", "structure_id", "structure"),
        _key("oracle_result", "run_id", "run"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oracle_result")),
        sa.UniqueConstraint("structure_id", "method", name=op.f("uq_oracle_result__structure_id_method")),
        schema="matsift",
        comment="What an oracle said of a structure beside its labels; the first result of a method counts.",
    )


def _identity() -> sa.Column[Any]:
    return sa.Column(
        "id", sa.BigInteger(), sa.Identity(always=True), nullable=False, comment="surrogate key, for joins only"
    )


def _json(name: str, comment: str) -> sa.Column[Any]:
    return sa.Column(
        name,
        postgresql.JSONB(astext_type=sa.Text()),
        server_default=sa.text("'{}'::jsonb"),
        nullable=False,
        comment=comment,
    )


def _written() -> tuple[sa.Column[Any], sa.Column[Any]]:
    return (
        sa.Column("run_id", sa.BigInteger(), nullable=False, comment="run that wrote this row"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="when the row was written",
        ),
    )


def _key(table: str, column: str, referred: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"matsift.{referred}.id"], name=op.f(f"fk_{table}__{column}__{referred}"))


def _comment(column: str, now: str, before: str) -> None:
    op.alter_column("campaign", column, comment=now, existing_comment=before, schema="matsift")

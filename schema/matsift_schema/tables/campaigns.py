"""Active-learning campaigns: what was planned, the rounds, why they ended, and the score of every candidate."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import (
    Base,
    finite,
    identity,
    json_object,
    not_empty,
    one_of,
    reference,
    run_reference,
    sha256_hex,
    timestamp,
)


class Campaign(Base):
    """One active-learning loop: a property, a strategy, an oracle."""

    __tablename__ = "campaign"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        UniqueConstraint("id", "oracle_method"),
        sha256_hex("content_hash"),
        not_empty("name"),
        not_empty("strategy"),
        not_empty("strategy_kind"),
        not_empty("oracle"),
        not_empty("oracle_method"),
        CheckConstraint("batch_size > 0", name="batch_is_positive"),
        Index(None, "study"),
        Index(None, "property_id"),
        Index(None, "run_id"),
        {"comment": "One active-learning loop."},
    )

    id: Mapped[int] = identity()
    content_hash: Mapped[str] = mapped_column(
        comment="SHA-256 of study, property, strategy, batch, seed, oracle and what it starts from"
    )
    name: Mapped[str] = mapped_column(comment="name of the campaign")
    study: Mapped[str] = mapped_column(comment="study that asks for it")
    property_id: Mapped[int] = reference("property.id", "property whose uncertainty it explores")
    strategy: Mapped[str] = mapped_column(comment="name of the acquisition strategy in the study")
    batch_size: Mapped[int] = mapped_column(comment="acquisitions a round, count")
    seed: Mapped[int] = mapped_column(BigInteger, comment="seed of the random draws")
    oracle: Mapped[str] = mapped_column(comment="what labels the acquisitions, for example chgnet")
    settings: Mapped[dict[str, Any]] = json_object("further settings, thresholds in the property's unit")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()
    strategy_kind: Mapped[str] = mapped_column(comment="what the strategy is, for example exploration or random")
    oracle_method: Mapped[str] = mapped_column(comment="method of the labels that the oracle gives")


class CampaignPlan(Base):
    """How far a campaign is to go; the newest counts."""

    __tablename__ = "campaign_plan"
    __table_args__ = (
        CheckConstraint("n_round >= 0", name="n_round_is_not_negative"),
        Index(None, "campaign_id"),
        Index(None, "run_id"),
        {"comment": "How far a campaign is to go, a row each time that changes; the newest counts."},
    )

    id: Mapped[int] = identity()
    campaign_id: Mapped[int] = reference("campaign.id", "the campaign")
    n_round: Mapped[int] = mapped_column(comment="rounds of acquisition at most, count")
    stop: Mapped[dict[str, Any]] = json_object("further rules that end it, limits in the unit of each rule")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class CampaignRound(Base):
    """One round of a campaign: a model scores all candidates."""

    __tablename__ = "campaign_round"
    __table_args__ = (
        UniqueConstraint("campaign_id", "number"),
        UniqueConstraint("id", "campaign_id"),
        CheckConstraint("number >= 0", name="number_is_not_negative"),
        CheckConstraint("n_candidate >= 0", name="n_candidate_is_not_negative"),
        Index(None, "model_version_id"),
        Index(None, "run_id"),
        {"comment": "One round of a campaign: one model scores all candidates."},
    )

    id: Mapped[int] = identity()
    campaign_id: Mapped[int] = reference("campaign.id", "the campaign")
    number: Mapped[int] = mapped_column(comment="number of the round; 0 = the model before any acquisition")
    model_version_id: Mapped[int] = reference("model_version.id", "model whose predictions are scored")
    n_candidate: Mapped[int] = mapped_column(comment="candidates scored, count")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()
    mean_spread: Mapped[float | None] = mapped_column(
        comment="mean of the candidates' spreads, in the property's unit; NULL = there was no candidate"
    )


class CandidateScore(Base):
    """The score of one candidate in one round, whether it was acquired or not."""

    __tablename__ = "candidate_score"
    __table_args__ = (
        UniqueConstraint("campaign_round_id", "rank"),
        finite("mean"),
        finite("score"),
        CheckConstraint("spread >= 0 AND spread < 'Infinity'", name="spread_is_not_negative"),
        CheckConstraint("rank >= 1", name="rank_counts_from_one"),
        Index(None, "structure_id"),
        {"comment": "The score of one candidate in one round; those not acquired are kept too."},
    )

    campaign_round_id: Mapped[int] = reference("campaign_round.id", "the round", primary_key=True)
    structure_id: Mapped[int] = reference("structure.id", "the candidate", primary_key=True)
    mean: Mapped[float] = mapped_column(comment="predicted value, in the property's unit")
    spread: Mapped[float] = mapped_column(comment="standard deviation over members, in the property's unit")
    score: Mapped[float] = mapped_column(comment="score of the strategy; larger is more wanted; unit as the strategy")
    rank: Mapped[int] = mapped_column(comment="1 for the most wanted")


class CampaignStop(Base):
    """The round after which a plan asked for nothing more, and the rule that said so."""

    __tablename__ = "campaign_stop"
    __table_args__ = (
        one_of("rule", "rounds", "budget", "mean_spread", "no_better", "pool"),
        finite("value_seen"),
        finite("rule_limit"),
        Index(None, "campaign_plan_id"),
        Index(None, "run_id"),
        {"comment": "The round after which a plan asked for nothing more, and the rule that said so."},
    )

    campaign_round_id: Mapped[int] = reference("campaign_round.id", "the round that was the last", primary_key=True)
    campaign_plan_id: Mapped[int] = reference("campaign_plan.id", "the plan that ended there", primary_key=True)
    rule: Mapped[str] = mapped_column(comment="rounds, budget, mean_spread, no_better, or pool (no candidate is left)")
    value_seen: Mapped[float] = mapped_column(
        comment="what the rule looked at: a count, or a spread in the property's unit"
    )
    rule_limit: Mapped[float] = mapped_column(comment="where the rule ends the campaign, in the unit of value_seen")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()

"""Active-learning campaigns: rounds, the score of every candidate, and the acquisitions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import (
    SCHEMA,
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
        sha256_hex("content_hash"),
        not_empty("name"),
        not_empty("strategy"),
        not_empty("oracle"),
        CheckConstraint("batch_size > 0", name="batch_is_positive"),
        CheckConstraint("n_round >= 0", name="n_round_is_not_negative"),
        Index(None, "study"),
        Index(None, "property_id"),
        Index(None, "run_id"),
        {"comment": "One active-learning loop."},
    )

    id: Mapped[int] = identity()
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of study, property, strategy, sizes, seed and oracle")
    name: Mapped[str] = mapped_column(comment="name of the campaign")
    study: Mapped[str] = mapped_column(comment="study that asks for it")
    property_id: Mapped[int] = reference("property.id", "property whose uncertainty it explores")
    strategy: Mapped[str] = mapped_column(comment="acquisition strategy, for example exploration or random")
    batch_size: Mapped[int] = mapped_column(comment="acquisitions a round, count")
    n_round: Mapped[int] = mapped_column(comment="rounds planned, count")
    seed: Mapped[int] = mapped_column(BigInteger, comment="seed of the random draws")
    oracle: Mapped[str] = mapped_column(comment="what labels the acquisitions, for example chgnet")
    settings: Mapped[dict[str, Any]] = json_object("further settings, thresholds in the property's unit")
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


class Acquisition(Base):
    """A candidate chosen for labelling, and what became of it."""

    __tablename__ = "acquisition"
    __table_args__ = (
        UniqueConstraint("campaign_id", "structure_id"),
        ForeignKeyConstraint(
            ["campaign_round_id", "campaign_id"],
            [f"{SCHEMA}.campaign_round.id", f"{SCHEMA}.campaign_round.campaign_id"],
        ),
        ForeignKeyConstraint(
            ["campaign_round_id", "structure_id"],
            [f"{SCHEMA}.candidate_score.campaign_round_id", f"{SCHEMA}.candidate_score.structure_id"],
        ),
        one_of("status", "proposed", "claimed", "labelled", "failed", "released"),
        finite("score"),
        CheckConstraint("rank >= 1", name="rank_counts_from_one"),
        CheckConstraint("status <> 'claimed' OR claimed_by IS NOT NULL", name="claimed_by_somebody"),
        CheckConstraint("(status = 'claimed') = (lease_expires_at IS NOT NULL)", name="lease_while_claimed"),
        CheckConstraint("(status = 'labelled') = (label_id IS NOT NULL)", name="labelled_has_label"),
        CheckConstraint("status <> 'failed' OR failure_id IS NOT NULL", name="failed_has_failure"),
        # The queue: what may be claimed, in order.
        Index(
            "ix_acquisition__queue",
            "campaign_round_id",
            "rank",
            postgresql_where=text("status IN ('proposed', 'claimed', 'released')"),
        ),
        Index(None, "structure_id"),
        Index(None, "label_id"),
        Index(None, "run_id"),
        {"comment": "A candidate chosen for labelling, and what became of it."},
    )

    id: Mapped[int] = identity()
    campaign_id: Mapped[int] = reference("campaign.id", "the campaign, which acquires a structure once")
    campaign_round_id: Mapped[int] = reference("campaign_round.id", "round that chose it")
    structure_id: Mapped[int] = reference("structure.id", "the structure to label")
    rank: Mapped[int] = mapped_column(comment="rank of its score in the round, 1 for the most wanted")
    score: Mapped[float] = mapped_column(comment="score that chose it; unit as the strategy")
    status: Mapped[str] = mapped_column(
        server_default=text("'proposed'"), comment="proposed, claimed, labelled, failed or released (claimable again)"
    )
    claimed_by: Mapped[str | None] = mapped_column(comment="who labels it or did last; NULL = nobody yet")
    lease_expires_at: Mapped[datetime | None] = mapped_column(
        comment="when an unfinished claim is given back; NULL = not claimed now"
    )
    label_id: Mapped[int | None] = reference("label.id", "label of the campaign's property; NULL = none yet")
    failure_id: Mapped[int | None] = reference("failure.id", "last failure; NULL = none")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()
    updated_at: Mapped[datetime] = timestamp("when the status last changed")


class AcquisitionEvent(Base):
    """The history of an acquisition's status, written by a trigger."""

    __tablename__ = "acquisition_event"
    __table_args__ = (
        Index(None, "acquisition_id"),
        {"comment": "Every status that an acquisition ever had; a trigger writes it."},
    )

    id: Mapped[int] = identity()
    acquisition_id: Mapped[int] = reference("acquisition.id", "the acquisition")
    status: Mapped[str] = mapped_column(comment="status that it took")
    claimed_by: Mapped[str | None] = mapped_column(comment="who held it then; NULL = nobody")
    occurred_at: Mapped[datetime] = timestamp("when it took the status")

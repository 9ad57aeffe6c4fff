"""Acquisitions: what is to be labelled, who is at it, what came of it, and every step on the way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint, text
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
    timestamp,
)


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
        ForeignKeyConstraint(
            ["campaign_id", "oracle_method"], [f"{SCHEMA}.campaign.id", f"{SCHEMA}.campaign.oracle_method"]
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
        # Two campaigns that want the same of the same oracle: one claims, the other waits for the answer.
        Index(
            "uq_acquisition__one_claim",
            "structure_id",
            "oracle_method",
            unique=True,
            postgresql_where=text("status = 'claimed'"),
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
    oracle_method: Mapped[str] = mapped_column(comment="method of the oracle of its campaign")
    heartbeat_at: Mapped[datetime | None] = mapped_column(
        comment="when its worker last gave a sign of life; NULL = nobody claimed it yet"
    )
    external_job: Mapped[str | None] = mapped_column(
        comment="the worker's own name of the work, for example a number in a batch queue; NULL = not told"
    )
    reason: Mapped[str | None] = mapped_column(comment="why it took its status; NULL = that is plain")


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
    reason: Mapped[str | None] = mapped_column(comment="why it took the status; NULL = that is plain")


class OracleResult(Base):
    """What an oracle said of a structure beside its labels: parameters, versions, what it measured."""

    __tablename__ = "oracle_result"
    __table_args__ = (
        UniqueConstraint("structure_id", "method"),
        not_empty("method"),
        not_empty("worker"),
        CheckConstraint("seconds >= 0 AND seconds < 'Infinity'", name="seconds_is_a_duration"),
        Index(None, "run_id"),
        {"comment": "What an oracle said of a structure beside its labels; the first result of a method counts."},
    )

    id: Mapped[int] = identity()
    structure_id: Mapped[int] = reference("structure.id", "the structure")
    method: Mapped[str] = mapped_column(comment="method that its labels name")
    detail: Mapped[dict[str, Any]] = json_object("parameters, versions and intermediate values, with their units")
    worker: Mapped[str] = mapped_column(comment="who returned it")
    seconds: Mapped[float] = mapped_column(server_default=text("0"), comment="time it took, s; 0 where not measured")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()

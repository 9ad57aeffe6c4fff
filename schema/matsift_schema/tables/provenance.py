"""Runs, which every computed row names, and failures, which are rows like any other result."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import Base, identity, json_object, not_empty, one_of, reference, run_reference, timestamp


class Run(Base):
    """One execution of one flow that wrote at least one row."""

    __tablename__ = "run"
    __table_args__ = (
        one_of("status", "running", "completed", "failed", "interrupted"),
        not_empty("flow"),
        not_empty("code_version"),
        CheckConstraint("(status = 'running') = (ended_at IS NULL)", name="ended_unless_running"),
        CheckConstraint("ended_at >= started_at", name="ends_after_start"),
        Index(None, "study", "flow"),
        {"comment": "One execution of one flow; inserted with the first row that it writes."},
    )

    id: Mapped[int] = identity()
    flow: Mapped[str] = mapped_column(comment="name of the flow, for example ingest or train")
    study: Mapped[str | None] = mapped_column(comment="name of the study; NULL = run outside a study")
    parameters: Mapped[dict[str, Any]] = json_object("arguments of the flow")
    code_version: Mapped[str] = mapped_column(comment="version of matsift, with the commit where known")
    environment_hash: Mapped[str] = mapped_column(comment="SHA-256 of the versions of all installed packages")
    started_at: Mapped[datetime] = timestamp("when the flow started")
    ended_at: Mapped[datetime | None] = mapped_column(comment="when it ended; NULL = running, or killed without notice")
    status: Mapped[str] = mapped_column(
        server_default=text("'running'"), comment="running, completed, failed or interrupted"
    )
    counts: Mapped[dict[str, Any]] = json_object("rows written and seen, by name, at the end of the run")
    message: Mapped[str | None] = mapped_column(comment="why it failed or was interrupted; NULL = it was not")


class Failure(Base):
    """Something that went wrong with one thing in one stage; each attempt is a row of its own."""

    __tablename__ = "failure"
    __table_args__ = (
        UniqueConstraint("stage", "subject", "detail", "attempt"),
        not_empty("stage"),
        not_empty("subject"),
        not_empty("error_class"),
        CheckConstraint("seconds >= 0 AND seconds < 'Infinity'", name="seconds_is_a_duration"),
        CheckConstraint("attempt >= 1", name="attempt_counts_from_one"),
        Index(None, "structure_id", "stage", "detail"),
        Index(None, "run_id"),
        Index(None, "source_entry_id"),
        {"comment": "One thing that could not be parsed, featurized, labelled or predicted, with the reason."},
    )

    id: Mapped[int] = identity()
    run_id: Mapped[int] = run_reference()
    stage: Mapped[str] = mapped_column(comment="parse, label_value, descriptor, relax, label, predict, ...")
    subject: Mapped[str] = mapped_column(comment="what failed: a file and row, an external id, a structure hash")
    detail: Mapped[str] = mapped_column(
        server_default=text("''"), comment="which of several attempts on the subject: a descriptor set, a property"
    )
    structure_id: Mapped[int | None] = reference("structure.id", "structure that failed; NULL = none was read")
    source_entry_id: Mapped[int | None] = reference("source_entry.id", "entry that failed; NULL = not an entry")
    error_class: Mapped[str] = mapped_column(comment="class of the error, for example TimeLimitExceeded")
    message: Mapped[str] = mapped_column(comment="one sentence that says what went wrong")
    seconds: Mapped[float] = mapped_column(server_default=text("0"), comment="time spent before it failed, s")
    attempt: Mapped[int] = mapped_column(server_default=text("1"), comment="1 for the first try, 2 for the first retry")
    occurred_at: Mapped[datetime] = timestamp("when it failed")

"""Screens and what each of their criteria says of each structure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import (
    Base,
    identity,
    json_object,
    not_empty,
    one_of,
    reference,
    run_reference,
    sha256_hex,
    timestamp,
)


class Screen(Base):
    """A list of named criteria."""

    __tablename__ = "screen"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        sha256_hex("content_hash"),
        not_empty("name"),
        Index(None, "study"),
        Index(None, "run_id"),
        {"comment": "A list of named screening criteria with their settings."},
    )

    id: Mapped[int] = identity()
    name: Mapped[str] = mapped_column(comment="name of the screen")
    study: Mapped[str] = mapped_column(comment="study that asks for it")
    criteria: Mapped[dict[str, Any]] = json_object("the criteria, in order, with their settings and units")
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of study and criteria")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class ScreenOutcome(Base):
    """What one criterion says of one structure."""

    __tablename__ = "screen_outcome"
    __table_args__ = (
        one_of("outcome", "passed", "failed", "unknown"),
        not_empty("criterion"),
        CheckConstraint("value_seen > '-Infinity' AND value_seen < 'Infinity'", name="value_seen_is_finite"),
        Index(None, "structure_id"),
        Index(None, "run_id"),
        {"comment": "What one criterion says of one structure; unknown is an outcome of its own."},
    )

    screen_id: Mapped[int] = reference("screen.id", "the screen", primary_key=True)
    structure_id: Mapped[int] = reference("structure.id", "the structure", primary_key=True)
    criterion: Mapped[str] = mapped_column(primary_key=True, comment="name of the criterion")
    outcome: Mapped[str] = mapped_column(comment="passed, failed or unknown")
    value_seen: Mapped[float | None] = mapped_column(
        comment="value that decided, unit as the criterion says; NULL = none was known or it is not a number"
    )
    detail: Mapped[str | None] = mapped_column(comment="what decided, in words; NULL = nothing to add")
    run_id: Mapped[int] = run_reference()

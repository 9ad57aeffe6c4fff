"""Properties, the labels that carry their values, and the verdicts of quality rules on labels."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import (
    Base,
    finite,
    identity,
    not_empty,
    one_of,
    reference,
    run_reference,
    timestamp,
)


class Property(Base):
    """A property with its unit, filled by the migration."""

    __tablename__ = "property"
    __table_args__ = (
        UniqueConstraint("name"),
        not_empty("name"),
        not_empty("unit"),
        CheckConstraint("lower_bound < upper_bound", name="bounds_are_ordered"),
        {"comment": "A property that labels and predictions may carry."},
    )

    id: Mapped[int] = identity()
    name: Mapped[str] = mapped_column(comment="short name, for example k_vrh")
    unit: Mapped[str] = mapped_column(comment="unit of every value of this property")
    definition: Mapped[str] = mapped_column(comment="what it means")
    lower_bound: Mapped[float | None] = mapped_column(
        comment="no physical value lies below, in the property's unit; NULL = no bound"
    )
    upper_bound: Mapped[float | None] = mapped_column(
        comment="no physical value lies above, in the property's unit; NULL = no bound"
    )


class Label(Base):
    """A value of one property of one structure, as a source or an oracle stated it."""

    __tablename__ = "label"
    __table_args__ = (
        UniqueConstraint("structure_id", "property_id", "method", "origin", "revision"),
        finite("value"),
        not_empty("method"),
        CheckConstraint("origin ~ '^(source|oracle):.'", name="origin_names_source_or_oracle"),
        CheckConstraint("uncertainty >= 0 AND uncertainty < 'Infinity'", name="uncertainty_is_not_negative"),
        CheckConstraint("revision >= 1", name="revision_counts_from_one"),
        Index(None, "property_id", "method"),
        Index(None, "source_entry_id"),
        Index(None, "run_id"),
        {"comment": "A value of one property of one structure; a source that revises it adds a row."},
    )

    id: Mapped[int] = identity()
    structure_id: Mapped[int] = reference("structure.id", "the structure")
    property_id: Mapped[int] = reference("property.id", "the property, which names the unit")
    method: Mapped[str] = mapped_column(comment="how it was computed or measured")
    origin: Mapped[str] = mapped_column(comment="source:NAME or oracle:NAME")
    revision: Mapped[int] = mapped_column(
        server_default=text("1"), comment="1, or more where the same entry later stated another value; newest counts"
    )
    value: Mapped[float] = mapped_column(comment="the value, in the property's unit")
    uncertainty: Mapped[float | None] = mapped_column(
        comment="standard uncertainty, in the property's unit; NULL = not stated"
    )
    source_entry_id: Mapped[int | None] = reference("source_entry.id", "entry that stated it; NULL = an oracle did")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class LabelVerdict(Base):
    """What one set of quality rules says of one label."""

    __tablename__ = "label_verdict"
    __table_args__ = (
        CheckConstraint("rule_set ~ '^[0-9a-f]{16,64}$'", name="rule_set_is_hash"),
        one_of("verdict", "accepted", "rejected"),
        CheckConstraint("(verdict = 'rejected') = (rule IS NOT NULL)", name="rejected_by_a_rule"),
        Index(None, "rule_set", "verdict"),
        Index(None, "run_id"),
        {"comment": "What one set of named quality rules says of one label; a label keeps every verdict."},
    )

    label_id: Mapped[int] = reference("label.id", "the label", primary_key=True)
    rule_set: Mapped[str] = mapped_column(primary_key=True, comment="hash of the rules with their settings")
    verdict: Mapped[str] = mapped_column(comment="accepted or rejected")
    rule: Mapped[str | None] = mapped_column(comment="first rule that it broke; NULL = none")
    value_seen: Mapped[float | None] = mapped_column(
        comment="value that the rule looked at, in the property's unit; NULL = none"
    )
    run_id: Mapped[int] = run_reference()

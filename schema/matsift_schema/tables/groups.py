"""Structure groups: which structures are the same crystal, and the rule that says so."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import (
    SCHEMA,
    Base,
    identity,
    json_object,
    not_empty,
    reference,
    run_reference,
    sha256_hex,
    timestamp,
)


class GroupingRule(Base):
    """What counts as the same crystal: an algorithm with its tolerances."""

    __tablename__ = "grouping_rule"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        sha256_hex("content_hash"),
        not_empty("name"),
        Index(None, "run_id"),
        {"comment": "A rule that says which structures are the same crystal, with its settings."},
    )

    id: Mapped[int] = identity()
    name: Mapped[str] = mapped_column(comment="algorithm and its version, for example structure_matcher-1")
    settings: Mapped[dict[str, Any]] = json_object("tolerances of the rule, with their units")
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of name and settings")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class StructureGroup(Base):
    """Structures that one rule takes for the same crystal, named by the first of them."""

    __tablename__ = "structure_group"
    __table_args__ = (
        UniqueConstraint("grouping_rule_id", "representative_id"),
        UniqueConstraint("id", "grouping_rule_id"),
        Index(None, "representative_id"),
        Index(None, "run_id"),
        {"comment": "Structures that are the same crystal under one rule; a structure alone is a group of one."},
    )

    id: Mapped[int] = identity()
    grouping_rule_id: Mapped[int] = reference("grouping_rule.id", "the rule")
    representative_id: Mapped[int] = reference(
        "structure.id", "the structure that the others of the group were compared with"
    )
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class StructureGroupMember(Base):
    """One structure in its group; under one rule it stands in one group."""

    __tablename__ = "structure_group_member"
    __table_args__ = (
        # The group is one of the same rule; the pair cannot disagree.
        ForeignKeyConstraint(
            ["structure_group_id", "grouping_rule_id"],
            [f"{SCHEMA}.structure_group.id", f"{SCHEMA}.structure_group.grouping_rule_id"],
            name="fk_structure_group_member__group_of_the_rule",
        ),
        CheckConstraint("rms_displacement >= 0 AND rms_displacement < 'Infinity'", name="rms_is_not_negative"),
        Index(None, "structure_group_id"),
        Index(None, "structure_id"),
        Index(None, "run_id"),
        {"comment": "One structure in one group; nothing is merged, every structure keeps its own row and labels."},
    )

    grouping_rule_id: Mapped[int] = reference("grouping_rule.id", "the rule", primary_key=True)
    structure_id: Mapped[int] = reference("structure.id", "the structure", primary_key=True)
    structure_group_id: Mapped[int] = mapped_column(BigInteger, comment="its group")
    rms_displacement: Mapped[float | None] = mapped_column(
        comment="root mean square distance of matched sites to those of the representative, as a fraction of the cube "
        "root of the volume per site; NULL = it is the representative"
    )
    run_id: Mapped[int] = run_reference()

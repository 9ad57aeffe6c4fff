"""Compositions that a generator proposed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import Base, identity, json_object, not_empty, reference, run_reference, timestamp


class GeneratedComposition(Base):
    """A composition that a generator proposed, with the verdicts of the chemistry rules."""

    __tablename__ = "generated_composition"
    __table_args__ = (
        UniqueConstraint("model_version_id", "formula", postgresql_nulls_not_distinct=True),
        not_empty("formula"),
        Index(None, "template_entry_id"),
        Index(None, "structure_id"),
        Index(None, "run_id"),
        {"comment": "A composition that a generator proposed, with the verdicts of the chemistry rules."},
    )

    id: Mapped[int] = identity()
    model_version_id: Mapped[int | None] = reference(
        "model_version.id", "generator version; NULL = rules, not a trained model"
    )
    formula: Mapped[str] = mapped_column(comment="reduced formula that was proposed")
    verdicts: Mapped[dict[str, Any]] = json_object("validity verdicts by rule, for example charge_neutral")
    template_entry_id: Mapped[int | None] = reference(
        "source_entry.id", "entry whose crystal was the template; NULL = none was found"
    )
    structure_id: Mapped[int | None] = reference("structure.id", "crystal that was built; NULL = none was")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()

"""What the ranking shows, kept ready: triggers write it, so that it is never out of step with what it is made of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import Base, reference

_NO_FAILURE = text("n_failed = 0")


def _by(column: str) -> tuple[Index, Index]:
    """Return the indexes by which the best are found: of all candidates, and of those that failed no criterion."""
    order = text(f"{column} DESC NULLS LAST")
    return (
        Index(f"ix_candidate__{column}", order),
        Index(f"ix_candidate__{column}_no_failure", order, postgresql_where=_NO_FAILURE),
    )


class Candidate(Base):
    """A structure with the newest predictions of its moduli and what the newest screen of one study says of it.

    The same could be asked of `prediction` and `screen_outcome`; the best of a million could not be found there by an
    index, as their order is that of the newest model that looked at each.
    """

    __tablename__ = "candidate"
    __table_args__ = (
        *_by("k_vrh_lower"),
        *_by("g_vrh_lower"),
        UniqueConstraint("structure_id", "study", postgresql_nulls_not_distinct=True),
        Index(None, "study"),
        {
            "comment": "What the ranking shows of a predicted structure; triggers keep it in step with predictions, "
            "campaigns and screens."
        },
    )

    structure_id: Mapped[int] = reference("structure.id", "the structure")
    study: Mapped[str | None] = mapped_column(
        comment="study whose newest screen the counts are of; NULL = no study screened it"
    )
    k_vrh: Mapped[float | None] = mapped_column(comment="newest predicted bulk modulus, GPa; NULL = not predicted")
    k_vrh_spread: Mapped[float | None] = mapped_column(
        comment="standard deviation over members, GPa; NULL = not predicted"
    )
    k_vrh_lower: Mapped[float | None] = mapped_column(
        comment="lower end of the calibrated interval, GPa; NULL = not predicted"
    )
    k_vrh_upper: Mapped[float | None] = mapped_column(
        comment="upper end of the calibrated interval, GPa; NULL = not predicted"
    )
    g_vrh: Mapped[float | None] = mapped_column(comment="newest predicted shear modulus, GPa; NULL = not predicted")
    g_vrh_spread: Mapped[float | None] = mapped_column(
        comment="standard deviation over members, GPa; NULL = not predicted"
    )
    g_vrh_lower: Mapped[float | None] = mapped_column(
        comment="lower end of the calibrated interval, GPa; NULL = not predicted"
    )
    g_vrh_upper: Mapped[float | None] = mapped_column(
        comment="upper end of the calibrated interval, GPa; NULL = not predicted"
    )
    n_passed: Mapped[int | None] = mapped_column(comment="criteria passed, count; NULL = not screened")
    n_failed: Mapped[int | None] = mapped_column(comment="criteria failed, count; NULL = not screened")
    n_unknown: Mapped[int | None] = mapped_column(comment="criteria that could not decide, count; NULL = not screened")
    failed_criteria: Mapped[list[str] | None] = mapped_column(
        comment="names of the criteria failed; NULL = not screened"
    )
    unknown_criteria: Mapped[list[str] | None] = mapped_column(
        comment="names of the criteria that could not decide; NULL = not screened"
    )

    __mapper_args__: dict[str, Any] = {"primary_key": [structure_id, study]}  # noqa: RUF012  SQLAlchemy reads a plain dict

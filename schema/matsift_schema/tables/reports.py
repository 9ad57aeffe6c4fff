"""Reports that were written."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import Base, identity, not_empty, run_reference, sha256_hex, timestamp


class StudyReport(Base):
    """One report of one study."""

    __tablename__ = "study_report"
    __table_args__ = (
        UniqueConstraint("study", "content_hash"),
        sha256_hex("content_hash"),
        not_empty("study"),
        not_empty("uri"),
        Index(None, "run_id"),
        {"comment": "One report of one study."},
    )

    id: Mapped[int] = identity()
    study: Mapped[str] = mapped_column(comment="the study")
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of the data that the report shows")
    uri: Mapped[str] = mapped_column(comment="address of the report")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()

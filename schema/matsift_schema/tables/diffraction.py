"""Measured powder patterns and what the networks say of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import Base, identity, json_object, not_empty, run_reference, sha256_hex, timestamp


class MeasuredPattern(Base):
    """A powder diffraction pattern that somebody measured."""

    __tablename__ = "measured_pattern"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        sha256_hex("content_hash"),
        not_empty("name"),
        CheckConstraint("wavelength_angstrom > 0 AND wavelength_angstrom < 'Infinity'", name="wavelength_is_positive"),
        CheckConstraint(
            "cardinality(two_theta_deg) = cardinality(intensity) AND cardinality(intensity) > 0", name="arrays_agree"
        ),
        Index(None, "run_id"),
        {"comment": "A powder diffraction pattern that somebody measured, with the predictions made for it."},
    )

    id: Mapped[int] = identity()
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of wavelength, angles and intensities")
    name: Mapped[str] = mapped_column(comment="name that the experimentalist gave it")
    wavelength_angstrom: Mapped[float] = mapped_column(comment="wavelength of the radiation, angstrom")
    two_theta_deg: Mapped[list[float]] = mapped_column(comment="diffraction angles 2 theta, degree")
    intensity: Mapped[list[float]] = mapped_column(comment="measured intensity at each angle, arbitrary unit")
    peaks: Mapped[dict[str, Any]] = json_object("peaks that were found: positions in degree, heights in arbitrary unit")
    predictions: Mapped[dict[str, Any]] = json_object(
        "predicted space groups with probabilities, cell volume in cubic angstrom"
    )
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()

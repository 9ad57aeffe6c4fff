"""Dataset snapshots: the exact labels that a model was trained, calibrated and tested on."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
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


class DatasetSnapshot(Base):
    """A named-by-hash list of labels with their roles."""

    __tablename__ = "dataset_snapshot"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        sha256_hex("content_hash"),
        not_empty("strategy"),
        CheckConstraint("n_row > 0", name="has_rows"),
        Index(None, "property_id"),
        Index(None, "run_id"),
        {"comment": "The exact labels, with their roles, that models are trained on."},
    )

    id: Mapped[int] = identity()
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of property, structures, values, methods and roles")
    property_id: Mapped[int] = reference("property.id", "property of all the labels")
    strategy: Mapped[str] = mapped_column(comment="sampling strategy that assigned the roles, for example model_3")
    settings: Mapped[dict[str, Any]] = json_object("settings of the strategy; thresholds in the property's unit")
    seed: Mapped[int] = mapped_column(BigInteger, comment="seed of the random draws")
    n_row: Mapped[int] = mapped_column(comment="labels, count")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class DatasetRow(Base):
    """One label in one snapshot."""

    __tablename__ = "dataset_row"
    __table_args__ = (
        one_of("role", "train", "validation", "test"),
        CheckConstraint("fold >= 0", name="fold_is_not_negative"),
        Index(None, "label_id"),
        {"comment": "One label in one snapshot, with its role."},
    )

    snapshot_id: Mapped[int] = reference("dataset_snapshot.id", "the snapshot", primary_key=True)
    label_id: Mapped[int] = reference("label.id", "the label", primary_key=True)
    role: Mapped[str] = mapped_column(comment="train, validation (calibrates intervals) or test")
    fold: Mapped[int | None] = mapped_column(comment="number of the fold, from 0; NULL = no cross-validation")

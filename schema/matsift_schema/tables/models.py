"""Model versions, what they see, how they do on held-out labels, and which columns they use."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import (
    Base,
    finite,
    identity,
    json_object,
    not_empty,
    one_of,
    reference,
    run_reference,
    sha256_hex,
    timestamp,
)


class ModelVersion(Base):
    """One trained model: learner, settings, seed, snapshot, descriptor columns, artifact."""

    __tablename__ = "model_version"
    __table_args__ = (
        UniqueConstraint("content_hash"),
        UniqueConstraint("id", "property_id"),
        sha256_hex("content_hash"),
        sha256_hex("artifact_sha256"),
        not_empty("learner"),
        not_empty("artifact_uri"),
        one_of("purpose", "ensemble", "derived", "baseline", "ablation"),
        CheckConstraint("cardinality(column_names) > 0", name="has_columns"),
        Index(None, "snapshot_id"),
        Index(None, "property_id", "purpose"),
        Index(None, "run_id"),
        {"comment": "One trained model; same snapshot, settings, columns and seed are the same model."},
    )

    id: Mapped[int] = identity()
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 of learner, settings, seed, snapshot and columns")
    learner: Mapped[str] = mapped_column(comment="kind of learner, for example lightgbm_ensemble")
    purpose: Mapped[str] = mapped_column(
        comment="ensemble (predicts), derived (from what an ensemble predicts), baseline or ablation (compare)"
    )
    settings: Mapped[dict[str, Any]] = json_object("settings of the learner, all of them")
    seed: Mapped[int] = mapped_column(BigInteger, comment="seed of the fit")
    snapshot_id: Mapped[int] = reference("dataset_snapshot.id", "labels that it was trained on")
    property_id: Mapped[int] = reference("property.id", "property that it predicts")
    column_names: Mapped[list[str]] = mapped_column(comment="descriptor columns, in the order that the model sees")
    calibration: Mapped[dict[str, Any]] = json_object("calibration of the interval, in the property's unit")
    artifact_sha256: Mapped[str] = mapped_column(comment="SHA-256 of the stored model")
    artifact_uri: Mapped[str] = mapped_column(comment="address of the stored model")
    code_version: Mapped[str] = mapped_column(comment="version of matsift that trained it")
    run_id: Mapped[int] = run_reference()
    created_at: Mapped[datetime] = timestamp()


class ModelDescriptorSet(Base):
    """Which descriptor sets a model sees, in order."""

    __tablename__ = "model_descriptor_set"
    __table_args__ = (
        UniqueConstraint("model_version_id", "position"),
        CheckConstraint("position >= 0", name="position_is_not_negative"),
        Index(None, "descriptor_set_id"),
        {"comment": "Which descriptor sets a model sees, in the order of its columns."},
    )

    model_version_id: Mapped[int] = reference("model_version.id", "the model", primary_key=True)
    descriptor_set_id: Mapped[int] = reference("descriptor_set.id", "the descriptor set", primary_key=True)
    position: Mapped[int] = mapped_column(comment="place among the model's sets, from 0")


class Evaluation(Base):
    """One metric of one model on one subset of its snapshot."""

    __tablename__ = "evaluation"
    __table_args__ = (
        not_empty("metric"),
        not_empty("subset"),
        CheckConstraint("value > '-Infinity' AND value < 'Infinity'", name="value_is_finite"),
        CheckConstraint("n_row >= 0", name="n_row_is_not_negative"),
        Index(None, "run_id"),
        {"comment": "One metric of one model on one subset of its snapshot."},
    )

    model_version_id: Mapped[int] = reference("model_version.id", "the model", primary_key=True)
    metric: Mapped[str] = mapped_column(
        primary_key=True,
        comment="r2 and interval_coverage (no unit), mae, rmse, bias, mean_interval_width (the property's unit), ...",
    )
    subset: Mapped[str] = mapped_column(primary_key=True, comment="rows it is over, for example test or test:Na")
    value: Mapped[float | None] = mapped_column(
        comment="value of the metric, unit as the metric says; NULL = undefined on this subset"
    )
    n_row: Mapped[int] = mapped_column(comment="labels in the subset, count")
    run_id: Mapped[int] = run_reference()


class HeldOutPrediction(Base):
    """What a model says of a label that it was not trained on."""

    __tablename__ = "held_out_prediction"
    __table_args__ = (
        finite("mean"),
        CheckConstraint("spread >= 0 AND spread < 'Infinity'", name="spread_is_not_negative"),
        CheckConstraint("lower <= upper", name="interval_is_ordered"),
        Index(None, "label_id"),
        Index(None, "run_id"),
        {"comment": "What a model says of a label that it was not trained on."},
    )

    model_version_id: Mapped[int] = reference("model_version.id", "the model", primary_key=True)
    label_id: Mapped[int] = reference("label.id", "the label", primary_key=True)
    mean: Mapped[float] = mapped_column(comment="predicted value, in the property's unit")
    spread: Mapped[float | None] = mapped_column(
        comment="standard deviation over members, in the property's unit; NULL = the learner has no members"
    )
    lower: Mapped[float | None] = mapped_column(
        comment="lower end of the calibrated interval, in the property's unit; NULL = not calibrated"
    )
    upper: Mapped[float | None] = mapped_column(
        comment="upper end of the calibrated interval, in the property's unit; NULL = not calibrated"
    )
    run_id: Mapped[int] = run_reference()


class FeatureImportance(Base):
    """How much of a model's gain one column brings."""

    __tablename__ = "feature_importance"
    __table_args__ = (
        UniqueConstraint("model_version_id", "rank"),
        CheckConstraint("gain_fraction BETWEEN 0 AND 1", name="gain_fraction_is_a_fraction"),
        CheckConstraint("rank >= 1", name="rank_counts_from_one"),
        Index(None, "descriptor_set_id"),
        Index(None, "run_id"),
        {"comment": "How much of a model's gain one descriptor column brings."},
    )

    model_version_id: Mapped[int] = reference("model_version.id", "the model", primary_key=True)
    column_name: Mapped[str] = mapped_column(primary_key=True, comment="the descriptor column")
    descriptor_set_id: Mapped[int | None] = reference(
        "descriptor_set.id", "set that the column is of; NULL = the column is not of a set"
    )
    gain_fraction: Mapped[float] = mapped_column(comment="share of the total gain, fraction of 1")
    rank: Mapped[int] = mapped_column(comment="1 for the largest share")
    run_id: Mapped[int] = run_reference()

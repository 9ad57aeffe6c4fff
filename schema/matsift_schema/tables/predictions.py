"""Predictions of models on structures."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from matsift_schema.base import SCHEMA, Base, finite, reference, run_reference


class Prediction(Base):
    """What one model says of one structure: a mean, a spread and a calibrated interval."""

    __tablename__ = "prediction"
    __table_args__ = (
        # The property of a prediction is its model's; the pair cannot disagree.
        ForeignKeyConstraint(
            ["model_version_id", "property_id"],
            [f"{SCHEMA}.model_version.id", f"{SCHEMA}.model_version.property_id"],
        ),
        finite("mean"),
        finite("lower"),
        finite("upper"),
        CheckConstraint("spread >= 0 AND spread < 'Infinity'", name="spread_is_not_negative"),
        CheckConstraint("lower <= upper", name="interval_is_ordered"),
        CheckConstraint("coverage > 0 AND coverage < 1", name="coverage_is_a_fraction"),
        Index(None, "structure_id"),
        Index(None, "lower"),
        Index(None, "run_id"),
        {"comment": "What one model says of one structure."},
    )

    model_version_id: Mapped[int] = reference("model_version.id", "the model", primary_key=True)
    structure_id: Mapped[int] = reference("structure.id", "the structure", primary_key=True)
    property_id: Mapped[int] = reference("property.id", "the property, which names the unit")
    mean: Mapped[float] = mapped_column(comment="predicted value, in the property's unit")
    spread: Mapped[float] = mapped_column(comment="standard deviation over members, in the property's unit")
    lower: Mapped[float] = mapped_column(comment="lower end of the calibrated interval, in the property's unit")
    upper: Mapped[float] = mapped_column(comment="upper end of the calibrated interval, in the property's unit")
    coverage: Mapped[float] = mapped_column(comment="share of true values the interval is calibrated to hold, 0 to 1")
    members: Mapped[list[float]] = mapped_column(
        server_default=text("'{}'::float8[]"), comment="value of each member, in the property's unit; empty = not kept"
    )
    run_id: Mapped[int] = run_reference()

"""Settings that learners share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from matsift.learners.scale import ScaleKind, TargetScale


class EnsembleSettings(BaseModel):
    """Settings of an ensemble of members, each trained on a draw of the rows."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    members: Annotated[int, Field(ge=2, le=1000, description="models in the ensemble")] = 20
    train_fraction: Annotated[float, Field(gt=0, le=1, description="share of the rows that each member sees")] = 0.8


class ScaledEnsembleSettings(EnsembleSettings):
    """Settings of an ensemble that may learn the logarithm of the target."""

    target: Annotated[ScaleKind, Field(description="learn the value itself, or its decimal logarithm")] = "linear"
    target_floor: Annotated[
        float, Field(gt=0, description="log10: what lies below counts as this, in the property's unit")
    ] = 1.0

    @property
    def scale(self) -> TargetScale:
        """The scale of the target."""
        return TargetScale(self.target, self.target_floor)

"""Settings of Roost (Goodall and Lee 2020, Nat. Commun. 11, 6280); this module imports no torch.

The preset "paper" is what paper 004 trained; "small" is the same network, narrower, for processors.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from matsift.learners.scale import ScaleKind, TargetScale

PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "epochs": 100,
        "least_steps": 0,
        "learning_rate": 3e-4,
        "schedule": "constant",
        "members": 1,
        "inner_fraction": 0.25,
        "hidden": 256,
        "width": 64,
        "layers": 3,
        "output": [1024, 512, 256, 128, 64],
    },
    "small": {},
}

Width = Annotated[int, Field(ge=2, le=4096)]


class RoostSettings(BaseModel):
    """Settings of the networks and their training; a key that is given wins over the preset."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: Literal["paper", "small"] = "small"
    members: Annotated[int, Field(ge=1, le=50, description="networks of other seeds, their answers averaged")] = 3
    epochs: Annotated[int, Field(ge=1, description="times that every row is learned from")] = 50
    least_steps: Annotated[
        int, Field(ge=0, description="few rows are learned from more often than `epochs`, until so many steps are done")
    ] = 300
    batch: Annotated[int, Field(ge=1, description="rows in one step")] = 128
    learning_rate: Annotated[float, Field(gt=0, lt=1, description="of AdamW, at the start")] = 1e-3
    schedule: Annotated[
        Literal["constant", "cosine"], Field(description="how the learning rate falls: not at all, or to 0")
    ] = "cosine"
    weight_decay: Annotated[float, Field(ge=0, description="of AdamW")] = 1e-6
    inner_fraction: Annotated[
        float, Field(ge=0, lt=0.5, description="share of the rows that tells which epoch was best; 0: the last one is")
    ] = 0.1
    embedding: Annotated[
        Literal["one_hot", "magpie"], Field(description="what is told of an element: which it is, or its properties")
    ] = "one_hot"
    width: Annotated[Width, Field(description="numbers that stand for an element of a composition")] = 32
    layers: Annotated[int, Field(ge=0, le=10, description="rounds of messages between elements")] = 2
    heads: Annotated[int, Field(ge=1, le=16, description="of attention in each round")] = 3
    pool_heads: Annotated[int, Field(ge=1, le=16, description="of attention over a composition's elements")] = 3
    hidden: Annotated[Width, Field(description="hidden layer of gates and messages")] = 128
    output: Annotated[tuple[Width, ...], Field(min_length=1, description="residual layers before the answer")] = (
        256,
        128,
        64,
    )
    target: Annotated[ScaleKind, Field(description="learn the value itself, or its decimal logarithm")] = "linear"
    target_floor: Annotated[float, Field(gt=0, description="log10: what lies below counts as this")] = 1.0
    device: Annotated[Literal["auto", "cpu", "cuda"], Field(description="auto: a GPU where there is one")] = "auto"

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {**PRESETS.get(given.get("preset", "small"), {}), **given}

    @property
    def target_scale(self) -> TargetScale:
        """The scale that the target is learned on, before it is z-scored."""
        return TargetScale(self.target, self.target_floor)

"""Settings of the four networks of paper 003 (Zhao 2020); the defaults are the paper's, or where it is silent ours.

This module imports no torch, so that a study file is checked without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from matsift.errors import UserInputError
from matsift.learners.scale import ScaleKind, TargetScale

#: What the 2D network ends with, and in our reading the 3D network too, whose figure is lost.
DENSE = (4096, 4096, 128, 128, 128, 32)

Width = Annotated[int, Field(ge=1, le=8192)]
Rate = Annotated[float, Field(gt=0, lt=1, description="learning rate at the start")]
HalveEvery = Annotated[int, Field(ge=0, description="epochs after which the rate is halved, again and again; 0: never")]


class TrainingSettings(BaseModel):
    """How each of the networks is trained."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    members: Annotated[int, Field(ge=1, le=50, description="networks of other seeds, their answers averaged")] = 5
    epochs: Annotated[int, Field(ge=1, description="times that every item is learned from, at most")] = 200
    batch: Annotated[int, Field(ge=1, description="items in one step")] = 32
    patience: Annotated[
        int, Field(ge=1, description="epochs without a better error of the inner items after which training ends")
    ] = 30
    inner_fraction: Annotated[
        float, Field(ge=0, lt=0.5, description="share of the training items that tells when to stop; 0: none, never")
    ] = 0.1
    optimiser: Annotated[Literal["adam", "sgd"], Field(description="of the weights")] = "adam"
    learning_rate: Rate = 1e-3
    halve_every: HalveEvery = 0
    momentum: Annotated[float, Field(ge=0, lt=1, description="of sgd")] = 0.9
    start: Annotated[
        Literal["he", "glorot", "torch"], Field(description="weights at the start: for ReLU, as Keras, as PyTorch")
    ] = "he"
    target: Annotated[ScaleKind, Field(description="learn the value itself, or its decimal logarithm")] = "linear"
    target_floor: Annotated[float, Field(gt=0, description="log10: what lies below counts as this")] = 1.0
    device: Annotated[Literal["auto", "cpu", "cuda"], Field(description="auto: a GPU where there is one")] = "auto"

    @property
    def target_scale(self) -> TargetScale:
        """The scale that the target is learned on, before it is z-scored."""
        return TargetScale(self.target, self.target_floor)

    def rate(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0: rate x 0.5^floor(epoch / halve_every)."""
        return self.learning_rate * (0.5 ** (epoch // self.halve_every) if self.halve_every else 1.0)


class MagpieCnnSettings(TrainingSettings):
    """Convolutions on 132 composition features, padded by 12 zeros to a picture of 12 x 12."""

    filters: Annotated[tuple[Width, Width, Width], Field(description="of the three 3 x 3 convolutions")] = (32, 48, 64)
    dense: Annotated[tuple[Width, ...], Field(min_length=1, description="dense layers before the answer")] = (48, 32)


class DensitySettings(TrainingSettings):
    """What both networks on densities have."""

    scale: Annotated[
        Literal["log1p", "std"],
        Field(description="ln(1 + e/angstrom3), or densities as they are, divided by their deviation in training"),
    ] = "log1p"
    origins: Annotated[
        bool,
        Field(
            description="learn from densities shifted by half a body diagonal too, and average both answers: "
            "Fm-3m and its like have two origins (not in the paper)"
        ),
    ] = False
    dense: Annotated[tuple[Width, ...], Field(min_length=1, description="dense layers before the answer")] = DENSE


class Density3dSettings(DensitySettings):
    """Convolutions on the grid: edge and step 5, edge and step 4, then the largest of 2 x 2 x 2."""

    filters: Annotated[tuple[Width, Width], Field(description="of the two convolutions; the paper: 200, ?")] = (
        200,
        200,
    )
    kernels: Annotated[tuple[int, int], Field(description="edges and steps of the convolutions")] = (5, 4)
    learning_rate: Rate = 5e-4


class Density2dSettings(DensitySettings):
    """Three views, each axis in turn as channels; squeeze and excitation; 6 x 6 in steps of 6, 5 x 5 in steps of 2."""

    channels: Annotated[Width, Field(description="that a view is reduced to by the 1 x 1 convolution")] = 24
    squeeze: Annotated[Width, Field(description="width of the gate's inner layer")] = 4
    filters: Annotated[tuple[Width, Width], Field(description="of the two convolutions")] = (64, 128)
    kernels: Annotated[tuple[int, int], Field(description="edges of the convolutions; the first one's is its step")] = (
        6,
        5,
    )
    tied: Annotated[
        bool,
        Field(description="one branch for all three views, which are alike in a cubic crystal (not in the paper)"),
    ] = False
    optimiser: Annotated[Literal["adam", "sgd"], Field(description="of the weights")] = "sgd"
    halve_every: HalveEvery = 10


class FusionSettings(TrainingSettings):
    """Dense layers on what the composition network and the 2D network know before their answers."""

    head: Annotated[tuple[Width, ...], Field(min_length=1, description="dense layers before the answer")] = (
        128,
        64,
        32,
    )
    fine_tune: Annotated[bool, Field(description="train the two networks on as well; else they stay as they are")] = (
        False
    )


#: Kind of network, as the database has it -> its settings.
NETWORK_SETTINGS: dict[str, type[TrainingSettings]] = {
    "magpie_cnn": MagpieCnnSettings,
    "density_cnn_3d": Density3dSettings,
    "density_cnn_2d": Density2dSettings,
    "density_fusion": FusionSettings,
}
NETWORK_KINDS = tuple(NETWORK_SETTINGS)
#: What the fusion joins, in this order.
BRANCHES = ("magpie_cnn", "density_cnn_2d")


def network_settings(kind: str, settings: Mapping[str, Any] | TrainingSettings) -> TrainingSettings:
    """Return the settings of a kind of network, defaults filled in.

    Raises
    ------
    UserInputError
        If there is no such network, a key is unknown, or a value is out of range; the sentence names the key.
    """
    if kind not in NETWORK_SETTINGS:
        raise UserInputError(f"there is no network {kind!r}; use one of {', '.join(NETWORK_KINDS)}")
    model = NETWORK_SETTINGS[kind]
    if isinstance(settings, TrainingSettings):
        if isinstance(settings, model):
            return settings
        raise UserInputError(f"{type(settings).__name__} are no settings of the network {kind!r}")
    try:
        return model.model_validate(dict(settings))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(sorted(model.model_fields))
            raise UserInputError(f"the network {kind!r} has no setting {key!r}; it knows {known}") from None
        raise UserInputError(
            f"the setting {key!r} of the network {kind!r} is {first['input']!r}: {first['msg'].lower()}"
        ) from None

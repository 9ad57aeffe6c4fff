"""`[diffraction]`: space groups and cell volumes from powder patterns (paper 002; docs/diffraction.md)."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from matsift.study.base import Settings, refuse_repeats

#: Properties that spglib's symmetry gives as labels.
SYMMETRY_PROPERTIES = ("space_group_number", "primitive_cell_volume")

#: Where the networks' items come from: all crystals, or those near the mean volume (U) and density (eta), in sigma.
RangeName = Literal["inf", "2sU", "2seta", "2sU+eta", "sU", "seta", "sU+eta"]


@cache
def _spglib_version() -> str:
    """Return what is asked for every structure: reading it from the files of the package takes milliseconds."""
    return version("spglib")


class DiffractionTraining(Settings):
    """`[diffraction.training]`: how every network is trained; the defaults learn in few epochs, unlike the paper's."""

    width: Annotated[int, Field(ge=1, le=512, description="channels of the convolutions; 80 in the paper")] = 32
    padding: Annotated[bool, Field(description="convolutions padded as Keras does (Park 2017), not as the paper")] = (
        False
    )
    power: Annotated[float, Field(gt=0, le=4, description="of the intensities in the input; the paper: 1")] = 0.5
    factor: Annotated[float, Field(gt=0, le=1e3, description="on the input after that; the paper: 1")] = 3.0
    dropout: Annotated[float, Field(ge=0, le=1, description="share of the paper's dropout rates that is kept")] = 0.3
    he: Annotated[bool, Field(description="weights at the start by He, not by PyTorch's default")] = True
    epochs: Annotated[int, Field(ge=1, description="times that every item is learned from")] = 50
    batch: Annotated[int, Field(ge=1, description="items in one step; the paper: 500")] = 50
    epoch_items: Annotated[
        int | None, Field(ge=1, description="items drawn for an epoch where there are more; default: all")
    ] = None
    learning_rate: Annotated[float, Field(gt=0, lt=1, description="largest of Adam; the paper: 0.001")] = 3e-3
    schedule: Annotated[
        Literal["constant", "cosine", "one_cycle"], Field(description="of the learning rate; the paper: constant")
    ] = "one_cycle"
    loss_weights: Annotated[
        tuple[float, float], Field(description="weights of the space group's and of the volume's error")
    ] = (1.0, 1.0)
    device: Annotated[str, Field(description="cpu, cuda, or auto: a GPU where there is one")] = "auto"
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"], Field(description="of the factors in large products")
    ] = "auto"


class AugmentationSettings(Settings):
    """`[diffraction.augmentation]`: crystals and profiles that are made up, for training alone."""

    isotypic_up_to: Annotated[
        int, Field(ge=0, description="crystals of a group, made by scaling volumes and swapping kindred elements")
    ] = 0
    volume_spread: Annotated[float, Field(ge=0, lt=1, description="standard deviation of the scaled ln(volume)")] = 0.1
    swap_share: Annotated[float, Field(ge=0, le=1, description="chance of each element to be swapped")] = 0.5
    synthetic: Annotated[
        int, Field(ge=0, description="random crystals that are added to each group, whatever it has")
    ] = 0
    measured_like: Annotated[
        bool, Field(description="vary profiles as measuring does: texture, weak lines lost, ends cut, zero shift")
    ] = False


class NetworkSettings(Settings):
    """`[[diffraction.networks]]`: an ensemble to train; the first one identifies measured patterns."""

    name: Annotated[str, Field(min_length=1, max_length=80, description="what the report calls it")]
    kind: Annotated[
        Literal["spg_vol_net", "spg_net"], Field(description="with the volume as second task, or without")
    ] = "spg_vol_net"
    members: Annotated[int, Field(ge=1, le=50, description="networks of different seeds")] = 6
    range: Annotated[RangeName, Field(description="crystals to train on, D(.) of the paper")] = "inf"
    split: Annotated[
        Literal["validation_sets", "structure_type"],
        Field(description="what is held out: the paper's validation sets, or whole structure types"),
    ] = "validation_sets"
    measured_like: Annotated[bool | None, Field(description="overrides that of the augmentation")] = None


class DiffractionSettings(Settings):
    """`[diffraction]`: which crystals learn, which are held out, and the networks."""

    symprec: Annotated[float, Field(gt=0, le=0.5, description="tolerance of spglib, angstrom")] = 0.01
    validation_sets: Annotated[int, Field(ge=2, le=10, description="disjoint sets that the networks are tested on")] = 5
    calibration_sets: Annotated[
        int, Field(ge=1, le=10, description="further sets of the same make, by which probabilities are calibrated")
    ] = 1
    items: Annotated[int, Field(ge=1, description="crystals of each space group in a set")] = 16
    min_items: Annotated[
        int | None,
        Field(
            ge=1,
            description="crystals that a group needs within one sigma of volume and density; default: half again as "
            "many as all sets take",
        ),
    ] = None
    max_groups: Annotated[int | None, Field(ge=2, description="the most populated space groups only")] = None
    coverage: Annotated[
        float, Field(gt=0, lt=1, description="how often the set of likely groups holds the true one")
    ] = 0.9
    training: DiffractionTraining = DiffractionTraining()
    augmentation: AugmentationSettings = AugmentationSettings()
    networks: Annotated[tuple[NetworkSettings, ...], Field(min_length=1, description="the first one identifies")] = (
        NetworkSettings(name="SpgVolNet"),
    )
    chunk: Annotated[int, Field(gt=0, description="structures in one task")] = 100
    time_limit_s: Annotated[float, Field(gt=0, description="hard wall-clock limit for one task, s")] = 120.0

    @model_validator(mode="after")
    def _consistent(self) -> DiffractionSettings:
        refuse_repeats("diffraction.networks", (network.name for network in self.networks))
        drawn = self.n_set * self.items
        if self.min_items is not None and self.min_items < drawn:
            raise ValueError(
                f"diffraction.min_items has to be {drawn} or more, for {self.n_set} sets of {self.items} crystals"
            )
        first = self.networks[0]
        if first.split != "validation_sets":
            raise ValueError(
                f"the first of diffraction.networks identifies patterns, so it needs split = 'validation_sets'; "
                f"{first.name!r} has {first.split!r}"
            )
        return self

    @property
    def n_set(self) -> int:
        """Sets that are drawn in all: those for validation, then those for calibration."""
        return self.validation_sets + self.calibration_sets

    @property
    def method(self) -> str:
        """Method of the symmetry labels."""
        return f"spglib-symprec-{self.symprec:g}"

    @property
    def origin(self) -> str:
        """Origin of the symmetry labels; another major version of spglib may find other groups."""
        return f"oracle:spglib@{_spglib_version().partition('.')[0]}"

    def set_options(self, seed: int) -> dict[str, Any]:
        """Return the options of `matsift.diffraction.sets.SetSettings`."""
        return {
            "n_set": self.n_set,
            "n_item": self.items,
            "min_items": self.min_items,
            "max_groups": self.max_groups,
            "seed": seed,
        }

"""`[density]`: elastic moduli from charge densities of cubic crystals (paper 003; docs/density.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from matsift.density.promolecule import PROMOLECULE_METHOD
from matsift.density.settings import BRANCHES, NETWORK_KINDS, network_settings
from matsift.descriptors.registry import descriptor_set, is_sparse
from matsift.learners.registry import known_learners, validate_settings
from matsift.screening.elements import check_symbols
from matsift.study.base import Settings, as_fault, refuse_repeats

#: Networks that look at the grids themselves.
ON_GRIDS = ("density_cnn_3d", "density_cnn_2d", "density_fusion")
#: Descriptor set whose composition columns the networks on 12 x 12 values read.
COMPOSITION_SET = "magpie"

_CUBIC = range(195, 231)


class DensityTraining(Settings):
    """`[density.training]`: what all networks of the study share; a key that is left out is the network's own."""

    epochs: Annotated[int | None, Field(ge=1, description="times that every row is learned from, at most")] = None
    patience: Annotated[
        int | None, Field(ge=1, description="epochs without a better error on the inner rows that end a training")
    ] = None
    inner_fraction: Annotated[
        float | None, Field(ge=0, lt=0.5, description="share of the training rows that tells when to stop; 0: never")
    ] = None
    batch: Annotated[int | None, Field(ge=1, description="rows in one step")] = None
    members: Annotated[
        int | None, Field(ge=1, le=50, description="networks of different seeds whose answers are averaged")
    ] = None
    device: Annotated[
        Literal["auto", "cpu", "cuda"] | None, Field(description="cpu, cuda, or auto: a GPU where there is one")
    ] = None

    @property
    def said(self) -> dict[str, Any]:
        """The keys that are not left out."""
        return self.model_dump(exclude_none=True)


class DensityLearner(Settings):
    """`[[density.learners]]`: one representation and what learns from it; a column of the comparison."""

    name: Annotated[str, Field(min_length=1, max_length=80, description="what the report calls it")]
    kind: Annotated[str, Field(description="a network of charge densities, or any learner of the platform")]
    sets: Annotated[
        tuple[str, ...], Field(description="descriptor sets that it sees; empty for networks, which know theirs")
    ] = ()
    columns: Annotated[str, Field(description="only columns whose names begin so")] = ""
    settings: dict[str, Any] = Field({}, description="of the learner, or over those of [density.training]")

    @property
    def is_network(self) -> bool:
        """Whether it is a network of `matsift.density`."""
        return self.kind in NETWORK_KINDS

    @property
    def reads_grids(self) -> bool:
        """Whether it looks at densities themselves."""
        return self.kind in ON_GRIDS

    @model_validator(mode="after")
    def _known(self) -> DensityLearner:
        if self.is_network:
            if self.sets or self.columns:
                raise ValueError(f"{self.kind!r} knows what it reads; leave out its sets and columns")
            as_fault(network_settings, self.kind, self.settings)
            return self
        if self.kind not in known_learners():
            every = ", ".join((*NETWORK_KINDS, *sorted(known_learners())))
            raise ValueError(f"there is no learner {self.kind!r}; use one of {every}")
        as_fault(validate_settings, self.kind, self.settings)
        if not self.sets:
            raise ValueError(f"the learner {self.name!r} names no descriptor set; add sets = [...]")
        for name in self.sets:
            as_fault(descriptor_set, name)
            if is_sparse(name):
                raise ValueError(f"the learner {self.name!r} names {name!r}, which gives lists and no columns")
        return self


class LeaveOut(Settings):
    """`[density.leave_out]`: for which elements all their crystals are held out in turn (paper, Table 3)."""

    min_share: Annotated[
        float, Field(ge=0, lt=1, description="elements in more than this share of the crystals; 200 of 2,170")
    ] = 0.092
    at_most: Annotated[int, Field(ge=0, description="only so many of them, the most frequent first; 0 for none")] = 11
    elements: Annotated[tuple[str, ...], Field(description="these instead, whatever their share")] = ()
    properties: Annotated[tuple[str, ...], Field(description="of labels.properties; empty means all")] = ()

    _symbols = field_validator("elements")(check_symbols)


class DensitySettings(Settings):
    """`[density]`: which crystals and densities are learned from, how they are held out, and the learners."""

    space_groups: Annotated[
        Literal["cubic"] | tuple[Annotated[int, Field(ge=195, le=230)], ...],
        Field(description="cubic for all 36, or numbers of some, such as [225]"),
    ] = "cubic"
    kind: Annotated[
        Literal["promolecule", "dft_charge", "elf"],
        Field(description="densities of superposed atoms, computed here, or what was imported"),
    ] = "promolecule"
    method: Annotated[
        str, Field(description="method of the imported densities, as analysis.volumetric_field has it")
    ] = ""
    points: Annotated[int, Field(ge=12, le=240, multiple_of=2, description="of the grid along each axis")] = 60
    folds: Annotated[int, Field(ge=2, le=20, description="of the cross validation")] = 5
    calibration_fraction: Annotated[
        float, Field(gt=0, lt=1, description="share of a fold's training rows that calibrates intervals")
    ] = 0.1
    coverage: Annotated[float, Field(gt=0, lt=1, description="nominal coverage of the calibrated interval")] = 0.9
    leave_out: LeaveOut = LeaveOut()
    training: DensityTraining = DensityTraining()
    learners: Annotated[tuple[DensityLearner, ...], Field(min_length=1, description="columns of the comparison")]
    chunk: Annotated[int, Field(gt=0, description="structures in one task")] = 8
    time_limit_s: Annotated[float, Field(gt=0, description="hard wall-clock limit for one task, s")] = 120.0

    @property
    def groups(self) -> tuple[int, ...]:
        """The space groups whose crystals are learned from."""
        return tuple(_CUBIC) if self.space_groups == "cubic" else tuple(self.space_groups)

    @property
    def field_method(self) -> str:
        """Method of the densities that are learned from."""
        if self.kind == "promolecule":
            return PROMOLECULE_METHOD
        return self.method

    @property
    def sets(self) -> tuple[str, ...]:
        """Descriptor sets that some learner needs, each once."""
        needed = [name for learner in self.learners for name in learner.sets]
        if any(learner.kind in ("magpie_cnn", "density_fusion") for learner in self.learners):
            needed.append(COMPOSITION_SET)
        return tuple(dict.fromkeys(needed))

    @property
    def reads_grids(self) -> bool:
        """Whether some learner looks at densities themselves."""
        return any(learner.reads_grids for learner in self.learners)

    def settings_of(self, learner: DensityLearner) -> dict[str, Any]:
        """Return all settings of a learner as plain JSON values, with the defaults filled in."""
        if learner.is_network:
            asked = {**self.training.said, **learner.settings}
            return network_settings(learner.kind, asked).model_dump(mode="json")
        return validate_settings(learner.kind, learner.settings)

    @model_validator(mode="after")
    def _consistent(self) -> DensitySettings:
        refuse_repeats("density.learners", (learner.name for learner in self.learners))
        if self.space_groups != "cubic":
            if not self.space_groups:
                raise ValueError("density.space_groups names none; write 'cubic' for all cubic ones")
            refuse_repeats("density.space_groups", map(str, self.space_groups))
        if (self.kind == "promolecule") == bool(self.method):
            raise ValueError(
                "density.method names the method of imported densities: say it with kind = 'dft_charge' or 'elf', and "
                "leave it out with 'promolecule'"
            )
        kinds = [learner.kind for learner in self.learners]
        for place, kind in enumerate(kinds):
            lacking = [branch for branch in BRANCHES if branch not in kinds[:place]]
            if kind == "density_fusion" and lacking:
                raise ValueError(f"density_fusion joins networks that are trained before; name a {lacking[0]!r} first")
        for learner in self.learners:
            as_fault(self.settings_of, learner)
        return self

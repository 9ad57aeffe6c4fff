"""The settings of a study, one model a table of its TOML file."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from matsift.descriptors.diffraction import DIFFRACTION
from matsift.descriptors.fingerprint import FINGERPRINT
from matsift.descriptors.of_compositions import composition_sets
from matsift.descriptors.registry import descriptor_set, is_sparse
from matsift.learners.registry import known_learners, required_set, validate_settings
from matsift.learners.splits import Strategy
from matsift.screening.criteria import Criterion, Percolates
from matsift.screening.elements import check_symbols
from matsift.screening.quality import QualityRule
from matsift.study.base import Settings, as_fault, refuse_repeats
from matsift.study.bond_valence import BondValenceSettings
from matsift.study.campaign import CampaignSettings
from matsift.study.density import DensitySettings
from matsift.study.diffraction import SYMMETRY_PROPERTIES, DiffractionSettings
from matsift.study.duplicates import DuplicateSettings
from matsift.study.generative import GenerativeSettings, generated_source
from matsift.study.handoff import HandOffOracle
from matsift.study.mobility import MobilitySettings
from matsift.study.ranking import RankingSettings
from matsift.study.sources import SourceSettings
from matsift.suggestions import meant
from matsift.units import property_definition


class StudyHeader(Settings):
    """`[study]`: what the study is called and the seed behind every random choice in it."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="name in the database, a slug")]
    title: Annotated[str, Field(min_length=1, description="heading of the report")]
    paper: Annotated[str, Field(description="the published method that the study follows")] = ""
    seed: Annotated[int, Field(ge=0, description="seed of splits, members and random acquisition")] = 0


class LabelSettings(Settings):
    """`[labels]`: the target properties, the accepted methods and the quality rules."""

    properties: Annotated[tuple[str, ...], Field(min_length=1, description="properties to learn")]
    methods: Annotated[
        tuple[str, ...], Field(description="methods whose labels may stand in one target column; empty means all")
    ] = ()
    rules: Annotated[
        tuple[QualityRule, ...], Field(description="quality rules; a label that breaks one is kept, rejected")
    ] = ()

    @field_validator("properties")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            as_fault(property_definition, name)
        return names


class DescriptorSettings(Settings):
    """`[descriptors]`: the descriptor sets that the learner sees, and what else is computed for analysts."""

    sets: Annotated[tuple[str, ...], Field(min_length=1, description="descriptor sets, in column order")]
    for_analysis: Annotated[
        tuple[str, ...], Field(description="further descriptor sets that are computed and not learned from")
    ] = ()
    similarity: Annotated[bool, Field(description="compute `fingerprint` too, for analysis.similar_to")] = False
    time_limit_s: Annotated[float, Field(gt=0, description="hard wall-clock limit for one structure, s")] = 60.0
    chunk: Annotated[int, Field(gt=0, description="structures in one task")] = 200

    @field_validator("sets", "for_analysis")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            as_fault(descriptor_set, name)
        return names

    @property
    def computed(self) -> tuple[str, ...]:
        """Names of all sets that the study's structures get: those of the learner, and those asked for besides."""
        wanted = (*self.sets, *self.for_analysis, *((FINGERPRINT.name,) if self.similarity else ()))
        return tuple(dict.fromkeys(wanted))


class SamplingSettings(Settings):
    """`[sampling]`: which labels train, calibrate and test (paper 001, sampling strategy)."""

    strategy: Strategy | Literal["official_fold"] = "model_3"
    fold: Annotated[int, Field(ge=0, lt=5, description="official_fold: the fold of the benchmark that tests")] = 0
    element: Annotated[
        str, Field(description="the element that Model 1 and leave_element_out keep out of training")
    ] = "Na"
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.2
    validation_fraction: Annotated[
        float, Field(gt=0, lt=1, description="share of the rest that calibrates intervals")
    ] = 0.1
    compare: Annotated[
        tuple[Strategy, ...],
        Field(description="further strategies to train and evaluate for comparison (paper, Fig. 4)"),
    ] = ()
    thresholds: dict[str, float] = Field(
        {}, description="Model 3: labels at or above this value always train, in the property's unit"
    )

    _symbol = field_validator("element")(lambda name: check_symbols((name,))[0])

    @property
    def contrast(self) -> str | None:
        """The element by which reports tell labels apart; None where the strategy asks for none."""
        return None if self.strategy == "by_composition" and not self.compare else self.element


class LearnerSettings(Settings):
    """`[learner]`: the model, its uncertainty and what it is compared with."""

    kind: str = "lightgbm_ensemble"
    settings: dict[str, Any] = Field({})
    coverage: Annotated[float, Field(gt=0, lt=1, description="nominal coverage of the calibrated interval")] = 0.9
    baselines: tuple[str, ...] = ()
    ablation: dict[str, tuple[str, ...]] = Field({}, description="name of a group of descriptor sets -> the sets")

    @model_validator(mode="after")
    def _known(self) -> LearnerSettings:
        for kind in (self.kind, *self.baselines):
            if kind not in known_learners():
                raise ValueError(
                    f"there is no learner {kind!r}{meant(kind, known_learners())}; use one of "
                    f"{', '.join(sorted(known_learners()))}"
                )
        as_fault(validate_settings, self.kind, self.settings)
        return self


class CandidateSettings(Settings):
    """`[candidates]`: which structures without a label are candidates."""

    elements: Annotated[tuple[str, ...], Field(description="elements that a candidate must contain")] = ()
    exclude_holds: Annotated[
        tuple[str, ...], Field(description="reservations of a source that keep a structure from being a candidate")
    ] = ()

    _symbols = field_validator("elements")(check_symbols)


class Mirror(Settings):
    """A file of sources alone: what is to be kept in step, whatever is computed from it later."""

    study: StudyHeader
    sources: Annotated[tuple[SourceSettings, ...], Field(min_length=1)]
    duplicates: Annotated[
        DuplicateSettings | None, Field(description="group structures that are the same crystal, by these tolerances")
    ] = None

    @property
    def name(self) -> str:
        """Name of the study in the database."""
        return self.study.name

    @model_validator(mode="after")
    def _one_name_a_source(self) -> Self:
        refuse_repeats("sources", (source.name for source in self.sources))
        return self


class Study(Mirror):
    """One study: the whole file."""

    bond_valence: Annotated[
        BondValenceSettings | None, Field(description="label reference oxides by the bond valence force field")
    ] = None
    diffraction: Annotated[
        DiffractionSettings | None, Field(description="learn space groups from ideal powder profiles")
    ] = None
    density: Annotated[DensitySettings | None, Field(description="learn labels from charge densities")] = None
    generative: Annotated[
        GenerativeSettings | None, Field(description="propose new compositions, and make crystals of the best")
    ] = None
    labels: LabelSettings
    descriptors: DescriptorSettings
    sampling: SamplingSettings = SamplingSettings()
    learner: LearnerSettings = LearnerSettings()
    candidates: CandidateSettings = CandidateSettings()
    mobility: Annotated[
        MobilitySettings | None, Field(description="compute where an ion can go in the first candidates")
    ] = None
    screening: tuple[Criterion, ...] = ()
    campaign: CampaignSettings = CampaignSettings()
    ranking: RankingSettings = RankingSettings()

    @property
    def label_origins(self) -> frozenset[str]:
        """Origins of the labels that the study starts from: its sources, and what it computes itself before."""
        own = tuple(part.origin for part in (self.bond_valence, self.diffraction) if part is not None)
        return frozenset((*(f"source:{source.name}" for source in self.sources), *own))

    @property
    def structure_sources(self) -> tuple[str, ...]:
        """Sources of the structures that are described and screened: those read, and what the study makes itself."""
        own = () if self.generative is None else (generated_source(self.name),)
        return (*(source.name for source in self.sources), *own)

    @property
    def derived_properties(self) -> tuple[str, ...]:
        """Properties that follow from what is predicted: with a screening factor the oxide can be relaxed."""
        relaxes = self.bond_valence is not None and "screening_factor" in self.labels.properties
        return ("lattice_constant", "global_instability_index") if relaxes else ()

    @model_validator(mode="after")
    def _consistent(self) -> Study:
        self._refuse_repeated_names()
        limits = (*self.sampling.thresholds, *self.campaign.low_spread, *self.campaign.stop.mean_spread_below)
        for name in limits:
            as_fault(property_definition, name)
        ranked = self.diffraction is None and self.density is None  # a study of either has no candidates
        if self.ranking.objectives and not ranked:
            raise ValueError("a study with [diffraction] or [density] ranks no candidates; take out ranking.objectives")
        if ranked and self.ranking.property not in (*self.labels.properties, *self.derived_properties):
            raise ValueError(f"ranking.property {self.ranking.property!r} is not one of labels.properties")
        self._refuse_what_the_oracle_cannot_label()
        self._refuse_what_mobility_cannot_do()
        self._refuse_what_diffraction_cannot_do()
        self._refuse_what_density_cannot_do()
        self._refuse_what_generation_cannot_do()
        self._refuse_what_the_learner_cannot_read()
        return self

    def _refuse_what_the_learner_cannot_read(self) -> None:
        read = {
            (kind, "descriptors.sets"): self.descriptors.sets for kind in (self.learner.kind, *self.learner.baselines)
        }
        for group, sets in self.learner.ablation.items():
            if not sets:
                raise ValueError(f"learner.ablation.{group} names no descriptor set; name one or leave the group out")
            missing = [name for name in sets if name not in self.descriptors.sets]
            if missing:
                raise ValueError(f"learner.ablation.{group} names {missing[0]!r}, which is not in descriptors.sets")
            read[self.learner.kind, f"learner.ablation.{group}"] = sets
        for (kind, key), sets in read.items():
            required = required_set(kind)
            if required and required not in sets:
                raise ValueError(f"the learner {kind!r} reads {required!r}, which is not in {key}; add it")

    def _refuse_what_the_oracle_cannot_label(self) -> None:
        asked, known = self.campaign.oracle, self.campaign.oracle.properties
        missing = [name for name in self.labels.properties if known and name not in known]
        if missing and self.campaign.rounds:
            raise ValueError(
                f"the oracle {asked.kind!r} labels {', '.join(known)}, not {missing[0]}; name an oracle or a task of "
                "its that does, or set campaign.rounds = 0"
            )

    def _refuse_what_mobility_cannot_do(self) -> None:
        asked = next((criterion.name for criterion in self.screening if isinstance(criterion, Percolates)), None)
        if asked is not None and self.mobility is None:
            raise ValueError(f"the criterion {asked!r} asks for barriers that nothing computes; add a table [mobility]")
        if self.mobility is None:
            self.ranking.refuse_unknown_barriers()
        elif self.ranking.property not in self.labels.properties:
            raise ValueError("[mobility] takes the first candidates by a property of labels.properties; rank by one")

    def _refuse_what_diffraction_cannot_do(self) -> None:
        if self.diffraction is None:
            listed = next((name for name in self.descriptors.sets if is_sparse(name)), None)
            if listed is not None:
                raise ValueError(
                    f"descriptors.sets names {listed!r}, which gives lists and no columns; name it in "
                    "descriptors.for_analysis, or add a table [diffraction] to learn from it"
                )
            return
        if self.descriptors.sets != (DIFFRACTION.name,):
            raise ValueError(f"[diffraction] learns from profiles; set descriptors.sets = [{DIFFRACTION.name!r}]")
        if "space_group_number" not in self.labels.properties:
            raise ValueError(f"[diffraction] learns space groups; set labels.properties = {list(SYMMETRY_PROPERTIES)}")
        if self.campaign.rounds or self.campaign.strategies:
            raise ValueError("[diffraction] has no campaign; set campaign.strategies = [] and campaign.rounds = 0")

    def _refuse_what_density_cannot_do(self) -> None:
        if self.density is None:
            return
        if self.diffraction is not None:
            raise ValueError("[density] and [diffraction] are two studies; give each its own file")
        missing = [name for name in self.density.sets if name not in self.descriptors.sets]
        if missing:
            raise ValueError(f"[density] reads {missing[0]!r}, which is not in descriptors.sets; name it there")
        unknown = [name for name in self.density.leave_out.properties if name not in self.labels.properties]
        if unknown:
            raise ValueError(f"density.leave_out.properties names {unknown[0]!r}, which is not in labels.properties")
        if self.campaign.rounds or self.campaign.strategies:
            raise ValueError("[density] has no campaign; set campaign.strategies = [] and campaign.rounds = 0")

    def _refuse_what_generation_cannot_do(self) -> None:
        if self.generative is None:
            return
        if self.diffraction is not None or self.density is not None:
            raise ValueError("[generative] goes with neither [diffraction] nor [density]; give each its own file")
        if self.ranking.property not in self.labels.properties:
            raise ValueError("[generative] searches by ranking.property; name one of labels.properties")
        of_crystals = [name for name in self.descriptors.sets if name not in composition_sets()]
        if of_crystals:
            raise ValueError(
                f"[generative] predicts compositions before they have crystals, and {of_crystals[0]!r} describes "
                f"crystals; set descriptors.sets to some of {', '.join(composition_sets())}"
            )
        handoff, campaign = self.generative.handoff, self.campaign
        both = handoff.top and campaign.rounds and campaign.strategies and handoff.oracle != campaign.oracle
        if both and all(isinstance(one, HandOffOracle) for one in (handoff.oracle, campaign.oracle)):
            raise ValueError(
                "[campaign] and [generative.handoff] hand work off to two oracles, which `matsift claim` could not "
                "tell apart; give both the same, or let one of them compute"
            )

    def _refuse_repeated_names(self) -> None:
        refuse_repeats("labels.properties", self.labels.properties)
        refuse_repeats("descriptors.sets", self.descriptors.sets)
        refuse_repeats("screening", (criterion.name for criterion in self.screening))
        refuse_repeats("campaign.strategies", (strategy.name for strategy in self.campaign.strategies))

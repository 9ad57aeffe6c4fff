"""`[generative]`: new compositions, found, checked, given a crystal, ranked (paper 004; docs/generative.md)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from matsift.generative.search.settings import Goal, LatentSearchSettings
from matsift.generative.search.strategies import named_search
from matsift.study.base import Settings, as_fault, refuse_repeats
from matsift.study.oracles import GpawOracle, OracleSettings
from matsift.units import property_definition

#: Start of the name of the source under which a study keeps the crystals that it made.
GENERATED = "generated:"
#: Hold of crystals that a study made to complete the hull of known phases; they are no candidates.
COMPETITOR = "competitor"


class KnownFormulas(Settings):
    """`[generative.known]`: the formulas that the generators learn from, and that count as known.

    The compositions of the study's structures are always among them.
    """

    substituted: Annotated[
        int,
        Field(
            ge=0, description="formulas at most, the likeliest first, of ions put into prototypes; learned from only"
        ),
    ] = 0
    file: Annotated[str, Field(description="CSV file with further known formulas, relative to the study file")] = ""
    column: Annotated[str, Field(min_length=1, description="column of the file that holds them")] = "formula"


class CompositionAutoencoder(Settings):
    """`[generative.autoencoder]`: the latent space; the paper's width is 1.0 and takes hours on a CPU."""

    width: Annotated[float, Field(gt=0, le=1, description="channels, as a share of the paper's")] = 0.25
    epochs: Annotated[int, Field(ge=1, description="times that every formula is learned from")] = 10
    batch: Annotated[int, Field(ge=1, description="formulas in one step; the paper: 128")] = 64
    learning_rate: Annotated[float, Field(gt=0, lt=1, description="of Adam, the largest; the paper: 0.001")] = 3e-3
    schedule: Annotated[
        Literal["constant", "cosine", "one_cycle"], Field(description="of the learning rate; the paper: constant")
    ] = "one_cycle"
    informed_start: Annotated[
        bool, Field(description="begin where every cell is as frequent as in the formulas; the paper: no")
    ] = True
    held_out: Annotated[
        float, Field(gt=0, lt=1, description="share of the formulas on which the exact round trip is counted")
    ] = 0.2
    device: Annotated[
        Literal["auto", "cpu", "cuda"], Field(description="cpu, cuda, or auto: a GPU where there is one")
    ] = "auto"


class CompositionGan(Settings):
    """`[generative.gan]`: the Wasserstein network that composes from noise."""

    architecture: Annotated[
        Literal["dense", "matgan"], Field(description="layers that see all at once, or the convolutions of the paper")
    ] = "dense"
    width: Annotated[float, Field(gt=0, le=4, description="neurons or channels, as a share of the full network")] = 0.5
    epochs: Annotated[int, Field(ge=1, description="times that every formula is learned from")] = 20
    batch: Annotated[int, Field(ge=1, description="formulas in one step")] = 64
    critic_steps: Annotated[int, Field(ge=1, le=50, description="steps of the critic for one of the generator")] = 2
    learning_rate: Annotated[float, Field(gt=0, lt=1, description="of both, by Adam")] = 5e-4
    penalty: Annotated[float, Field(gt=0, description="weight of the penalty on the critic's gradient")] = 10.0
    reward: Annotated[
        float, Field(ge=0, description="weight of chemical validity beside the critic; 0, as in the paper: none")
    ] = 0.0
    average: Annotated[
        float, Field(ge=0, lt=1, description="decay of the mean over the steps that is sampled from; 0: the last step")
    ] = 0.99
    device: Annotated[
        Literal["auto", "cpu", "cuda"], Field(description="cpu, cuda, or auto: a GPU where there is one")
    ] = "auto"


class SamplingLimits(Settings):
    """`[generative.sampling]`: how many compositions are drawn, which pass, how many are kept."""

    samples: Annotated[int, Field(ge=0, description="drawn from the network; 0: none is trained")] = 200_000
    chunk: Annotated[int, Field(ge=1, description="drawn at a time")] = 20_000
    max_atoms: Annotated[int, Field(ge=2, description="atoms of a reduced formula at most")] = 20
    max_elements: Annotated[int, Field(ge=2, le=8, description="elements at most")] = 5
    max_count: Annotated[int, Field(ge=1, le=20, description="atoms of one element at most")] = 7
    oxidation_states: Annotated[
        Literal["smact14", "icsd24"], Field(description="table of oxidation states; the paper: smact14")
    ] = "smact14"
    keep: Annotated[int, Field(ge=1, description="best compositions of a batch that are stored, by the model")] = 200


class LatentSearch(Settings):
    """`[[generative.searches]]`: one search of the latent space for compositions; a campaign of its own."""

    name: Annotated[str, Field(min_length=1, max_length=60, description="what the report calls it")]
    strategy: Annotated[
        str, Field(description="paper, paper_text, or one beyond the paper; docs/generative.md tells them apart")
    ] = "manifold_ensemble"
    initial: Annotated[
        int, Field(ge=2, description="labelled compositions at most that the search starts from, drawn by the seed")
    ] = 300
    settings: dict[str, Any] = Field({}, description="of the strategy, over its own; the goal is that of [ranking]")

    def filled(self, goal: Goal) -> LatentSearchSettings:
        """Return all settings of the search."""
        return named_search(self.strategy, **{**self.settings, "goal": goal})

    @model_validator(mode="after")
    def _known(self) -> LatentSearch:
        if "goal" in self.settings:
            raise ValueError(f"the search {self.name!r} has a goal of its own; say it in ranking.goal alone")
        as_fault(self.filled, "maximize")
        return self


class StructureSettings(Settings):
    """`[generative.structures]`: crystals for the best compositions, and what is computed of them."""

    top: Annotated[int, Field(ge=0, description="compositions of all batches together that get crystals")] = 40
    templates: Annotated[int, Field(ge=1, description="nearest templates for one composition")] = 1
    assignments: Annotated[
        int, Field(ge=1, description="ways at most to put the elements on a template's sites, where amounts tie")
    ] = 2
    farthest_template: Annotated[
        float, Field(gt=0, description="earth mover's distance of a template at most, on the Pettifor scale")
    ] = 12.0
    competitors: Annotated[
        int,
        Field(ge=0, description="binary salts of the compositions at most that are made where no phase knows them"),
    ] = 60
    max_sites: Annotated[int, Field(ge=1, description="atoms in the primitive cell of a template at most")] = 20
    elasticity: Annotated[bool, Field(description="moduli and the mechanical stability check too")] = False
    time_limit_s: Annotated[float, Field(gt=0, description="hard wall-clock limit for one crystal, s")] = 300.0


class TopCandidates(Settings):
    """`[generative.handoff]`: the first crystals of the ranking go to an oracle; what it says is never learned from.

    `top` and the time limit may change from run to run.
    """

    property: Annotated[str, Field(description="what the oracle is asked for")] = "band_gap"
    oracle: Annotated[OracleSettings, Field(description="who answers: a kind, or a table of its own")] = GpawOracle(
        task="band_gap"
    )
    top: Annotated[int, Field(ge=0, description="crystals that are handed on; 0: none")] = 0
    time_limit_s: Annotated[float, Field(gt=0, description="hard wall-clock limit for one answer, s")] = 3600.0

    @model_validator(mode="after")
    def _can_be_answered(self) -> TopCandidates:
        as_fault(property_definition, self.property)
        if self.oracle.kind == "replay":
            raise ValueError("replayed labels are those of sources, which generated crystals have none of")
        if self.property not in self.oracle.properties:
            raise ValueError(
                f"the oracle {self.oracle.kind!r} labels {', '.join(self.oracle.properties)}, not {self.property}; "
                "name an oracle or a task of its that does"
            )
        return self


class GenerativeSettings(Settings):
    """`[generative]`: which generators learn from what, what they propose, and what becomes of the best."""

    threshold: Annotated[
        float | None,
        Field(description="value of ranking.property from which a composition is a hit, in its unit; the paper: 6 eV"),
    ] = None
    known: KnownFormulas = KnownFormulas()
    autoencoder: CompositionAutoencoder = CompositionAutoencoder()
    gan: CompositionGan = CompositionGan()
    sampling: SamplingLimits = SamplingLimits()
    searches: Annotated[tuple[LatentSearch, ...], Field(description="each a campaign; empty: none")] = (
        LatentSearch(name="Search near known compositions"),
    )
    structures: StructureSettings = StructureSettings()
    handoff: TopCandidates = TopCandidates()

    @field_validator("searches")
    @classmethod
    def _one_name_a_search(cls, searches: tuple[LatentSearch, ...]) -> tuple[LatentSearch, ...]:
        refuse_repeats("generative.searches", (search.name for search in searches))
        return searches

    @model_validator(mode="after")
    def _something_is_proposed(self) -> GenerativeSettings:
        if not self.searches and not self.sampling.samples:
            raise ValueError("[generative] proposes nothing; add [[generative.searches]], or set sampling.samples")
        return self


def generated_source(study: str) -> str:
    """Return the name of the source under which a study keeps the crystals that it made."""
    return f"{GENERATED}{study}"

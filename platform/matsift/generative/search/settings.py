"""Settings of a search in the latent space; the defaults are those of paper 004 and of its code."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from matsift.learners.registry import validate_settings
from matsift.study.base import Settings, as_fault

Surrogate = Literal["gaussian_process", "ensemble"]
Acquisition = Literal["upper_confidence_bound", "expected_improvement", "probability_of_improvement"]
Proposals = Literal["box", "manifold"]
Invalid = Literal["register", "ignore"]
Refit = Literal["suggestion", "round"]
Goal = Literal["maximize", "minimize"]


class ProcessSettings(Settings):
    """The Gaussian process: Matern 5/2 with one length scale, labels standardized (bayesian-optimization 1.2.0)."""

    noise: Annotated[float, Field(gt=0, le=1, description="variance added to the diagonal, labels standardized")] = 1e-6
    refit: Annotated[
        Refit,
        Field(description="when the length scale is found anew: after each point that is registered, or once a round"),
    ] = "suggestion"
    components: Annotated[
        int | None, Field(ge=1, description="principal components of the start that it sees; none: all values")
    ] = None


class EnsembleSettings(Settings):
    """An ensemble of the platform on descriptors of the decoded composition, trained anew each round."""

    kind: Annotated[str, Field(description="a learner of the platform")] = "random_forest"
    settings: dict[str, Any] = Field({}, description="of the learner")
    calibrate: Annotated[
        bool, Field(description="scale the spread so that held-out errors of a fold a member of five fit it")
    ] = True

    @model_validator(mode="after")
    def _known(self) -> EnsembleSettings:
        as_fault(validate_settings, self.kind, self.settings)
        return self


class BoxSettings(Settings):
    """The acquisition's maximum in the box of the start: the best of random points, and of climbs from a few.

    Climbs of a batch end at the same few points. Measured from the start of Exp3: with three climbs 60 suggestions gave
    8 different new compositions and 200 gave 121; without, 400 gave 324, a share like the paper's (741 and 853 of
    1,000). Hence none by default, although the package that the paper names would climb from ten points.
    """

    n_random: Annotated[int, Field(ge=1, description="random points of the box")] = 10_000
    n_climb: Annotated[int, Field(ge=0, description="climbs by L-BFGS-B from random points; the package's: 10")] = 0
    max_step: Annotated[int, Field(ge=1, description="steps of one climb at most")] = 100


class ManifoldSettings(Settings):
    """Proposals near known latent vectors: steps along the directions in which the start varies, and crossings."""

    n_proposal: Annotated[int, Field(ge=1, description="latent vectors proposed a round")] = 4000
    radius: Annotated[
        tuple[float, float],
        Field(description="shortest and longest step, in standard deviations of the start along each direction"),
    ] = (0.05, 1.0)
    crossing: Annotated[float, Field(ge=0, le=1, description="share that lies between two known vectors")] = 0.3
    from_best: Annotated[
        float, Field(ge=0, le=1, description="share that starts from the best labels rather than from any vector")
    ] = 0.5
    n_best: Annotated[int, Field(ge=1, description="how many labels count as the best")] = 100

    @model_validator(mode="after")
    def _ordered(self) -> ManifoldSettings:
        if not 0 < self.radius[0] <= self.radius[1]:
            raise ValueError("radius needs two positive numbers, the smaller first")
        return self


class LatentSearchSettings(Settings):
    """A search: what models the property, which point is asked for, and what becomes of those that do not decode."""

    goal: Annotated[Goal, Field(description="which end of the property is good")] = "maximize"
    surrogate: Surrogate = "gaussian_process"
    process: ProcessSettings = ProcessSettings()
    ensemble: EnsembleSettings = EnsembleSettings()
    acquisition: Acquisition = "upper_confidence_bound"
    kappa: Annotated[float, Field(ge=0, allow_inf_nan=False, description="weight of the spread; 0 is greedy")] = 100.0
    xi: Annotated[
        float, Field(ge=0, allow_inf_nan=False, description="improvements count from this on, in the unit")
    ] = 0.0
    proposals: Annotated[
        Proposals, Field(description="where points are sought: the box of the start, or near known latent vectors")
    ] = "box"
    box: BoxSettings = BoxSettings()
    manifold: ManifoldSettings = ManifoldSettings()
    invalid: Annotated[
        Invalid,
        Field(description="points that do not decode: register them as the invalid value (code), or ignore (text)"),
    ] = "register"
    invalid_value: Annotated[float, Field(allow_inf_nan=False, description="what they count as, in the unit")] = 0.0
    only_decodable: Annotated[
        bool, Field(description="suggest what decodes, wherever the maximiser has such a point (decode-check-reject)")
    ] = False
    only_new: Annotated[bool, Field(description="suggest no composition that is labelled already")] = False
    only_acceptable: Annotated[
        bool, Field(description="suggest only compositions that the space accepts: charge neutrality, say")
    ] = False
    decode_weight: Annotated[
        float, Field(ge=0, description="power of the probability of decoding in the acquisition; 0: not regarded")
    ] = 0.0
    diversity: Annotated[
        float, Field(ge=0, le=1, description="how far a point near one of the same batch is marked down; 0: not")
    ] = 0.0
    believe: Annotated[
        bool, Field(description="take the predicted mean for the label until the round is over (batches of GP-BUCB)")
    ] = False
    n_round: Annotated[int, Field(ge=1, description="rounds at most")] = 50
    n_decoded: Annotated[int, Field(ge=1, description="suggestions that decode and end a round")] = 20
    n_suggestion: Annotated[int, Field(ge=1, description="suggestions of one round at most")] = 2000
    budget: Annotated[
        int | None, Field(ge=1, description="suggestions of all rounds at most, decodable or not; none: no limit")
    ] = None

    @model_validator(mode="after")
    def _consistent(self) -> LatentSearchSettings:
        if self.surrogate == "ensemble" and self.proposals == "box":
            raise ValueError("an ensemble sees decoded compositions only; set proposals = 'manifold'")
        if self.surrogate == "ensemble" and self.invalid == "register":
            raise ValueError("an ensemble cannot register what does not decode; set invalid = 'ignore'")
        return self

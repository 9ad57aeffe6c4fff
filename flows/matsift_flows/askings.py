"""What a study asks of oracles: labels for its campaigns, and a property of the best crystals that it made."""

from __future__ import annotations

from dataclasses import dataclass

from matsift.study.oracles import OracleSettings
from matsift.study.settings import Study
from matsift_adapters.oracles.registry import Oracle, oracle


@dataclass(frozen=True)
class Asking:
    """An oracle that a study asks, the settings behind it, and how long it waits for one answer."""

    oracle: Oracle
    settings: OracleSettings
    time_limit_s: float


def of_campaigns(study: Study) -> Asking:
    """Return what the rounds of the campaigns of a study ask."""
    about = study.campaign
    return Asking(oracle(about.oracle), about.oracle, about.time_limit_s)


def of_top_candidates(study: Study) -> Asking | None:
    """Return what a study asks of the best crystals that it made, None where it hands none on."""
    if study.generative is None or not study.generative.handoff.top:
        return None
    about = study.generative.handoff
    return Asking(oracle(about.oracle), about.oracle, about.time_limit_s)


def askings(study: Study) -> tuple[Asking, ...]:
    """Return all that workers may be asked for a study, one a method; of two of a method the more patient one."""
    top = of_top_candidates(study)
    if top is None:
        return (of_campaigns(study),)
    if not (study.campaign.strategies and study.campaign.rounds):
        return (top,)
    both = sorted((of_campaigns(study), top), key=lambda asking: asking.time_limit_s)
    return tuple({asking.oracle.method: asking for asking in both}.values())

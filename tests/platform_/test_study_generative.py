"""`[generative]`: what it accepts, what it fills in, and what it refuses with a sentence."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from matsift.errors import StudyError
from matsift.study.generative import GenerativeSettings, generated_source
from matsift.study.loading import load_study, parse_study
from matsift.study.oracles import GpawOracle

ROOT = Path(__file__).parents[2]

_STUDY: dict[str, Any] = {
    "study": {"name": "gaps", "title": "Gaps"},
    "sources": [{"kind": "bundled"}],
    "labels": {"properties": ["formation_energy_per_atom"]},
    "descriptors": {"sets": ["magpie", "element_fractions"]},
    "ranking": {"property": "formation_energy_per_atom", "goal": "minimize"},
    "campaign": {"strategies": [], "rounds": 0},
    "generative": {},
}


def with_changes(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(_STUDY), **changes}


def test_all_has_defaults_and_the_own_crystals_are_a_source() -> None:
    study = parse_study(_STUDY, "gaps.toml")
    assert study.generative == GenerativeSettings()
    assert study.structure_sources == (study.sources[0].name, "generated:gaps")
    assert study.label_origins == {f"source:{study.sources[0].name}"}
    assert generated_source("gaps") == "generated:gaps"


def test_a_study_that_proposes_nothing_has_its_sources_alone() -> None:
    without = {key: value for key, value in _STUDY.items() if key != "generative"}
    study = parse_study(without, "gaps.toml")
    assert study.structure_sources == (study.sources[0].name,)


def test_a_search_takes_its_goal_from_the_ranking_and_the_rest_from_its_strategy() -> None:
    given = {"searches": [{"name": "one", "strategy": "paper", "settings": {"kappa": 5.0}}]}
    study = parse_study(with_changes(generative=given), "gaps.toml")
    assert study.generative is not None
    filled = study.generative.searches[0].filled(study.ranking.goal)
    assert (filled.goal, filled.kappa, filled.invalid) == ("minimize", 5.0, "register")


def test_nothing_is_handed_on_unless_asked_and_then_for_its_band_gap() -> None:
    handoff = GenerativeSettings().handoff
    assert (handoff.top, handoff.property) == (0, "band_gap")
    assert handoff.oracle == GpawOracle(task="band_gap")


def test_a_campaign_and_a_hand_off_may_ask_the_same_somebody() -> None:
    vasp = {"kind": "vasp", "task": "elasticity"}
    changes: dict[str, Any] = {
        "generative": {"handoff": {"top": 1, "property": "k_vrh", "oracle": vasp}},
        "labels": {"properties": ["k_vrh"]},
        "ranking": {"property": "k_vrh"},
        "campaign": {"rounds": 1, "oracle": vasp},
    }
    study = parse_study(with_changes(**changes), "gaps.toml")
    assert study.generative is not None
    assert study.generative.handoff.oracle == study.campaign.oracle


_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nothing": ({"generative": {"searches": [], "sampling": {"samples": 0}}}, "proposes nothing"),
    "two names": ({"generative": {"searches": [{"name": "a"}, {"name": "a"}]}}, "names 'a' twice"),
    "strategy": ({"generative": {"searches": [{"name": "a", "strategy": "luck"}]}}, "no latent search 'luck'"),
    "goal": ({"generative": {"searches": [{"name": "a", "settings": {"goal": "maximize"}}]}}, "ranking.goal alone"),
    "crystals": ({"descriptors": {"sets": ["magpie", "voronoi"]}}, "'voronoi' describes crystals"),
    "key": ({"generative": {"gan": {"layers": 3}}}, "layers"),
    "limit": ({"generative": {"sampling": {"max_elements": 9}}}, "max_elements"),
    "no such property": ({"generative": {"handoff": {"property": "colour"}}}, "colour"),
    "what the oracle does not label": (
        {"generative": {"handoff": {"oracle": {"kind": "gpaw", "task": "elasticity"}}}},
        "'gpaw' labels k_vrh, .* not band_gap; name an oracle or a task",
    ),
    "replayed": ({"generative": {"handoff": {"oracle": "replay"}}}, "which generated crystals have none of"),
    "two hand-offs": (
        {
            "generative": {"handoff": {"top": 1, "oracle": "vasp"}},
            "labels": {"properties": ["k_vrh"]},
            "ranking": {"property": "k_vrh"},
            "campaign": {"rounds": 1, "oracle": {"kind": "manual", "method": "ultrasound"}},
        },
        "two oracles, which `matsift claim` could not tell apart",
    ),
    "density": ({"density": {"learners": [{"name": "x", "kind": "magpie_cnn"}]}}, "neither"),
}


@pytest.mark.parametrize("name", _REFUSED)
def test_what_cannot_be_is_refused_with_a_sentence(name: str) -> None:
    changes, said = _REFUSED[name]
    with pytest.raises(StudyError, match=said):
        parse_study(with_changes(**changes), "gaps.toml")


def test_the_study_for_newcomers_says_what_it_searches_for() -> None:
    study = load_study(ROOT / "studies" / "wide_gap.toml", ())
    assert "formation energies" in study.study.title
    assert study.ranking.property == study.labels.properties[0] == "formation_energy_per_atom"
    assert study.ranking.goal == "minimize"
    assert "competitor" in study.candidates.exclude_holds

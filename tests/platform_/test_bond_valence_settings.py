"""`[bond_valence]` of a study file: the range of screening factors, names of methods, and what the study derives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.parameters import ion_table_hash
from matsift.errors import StudyError
from matsift.study.bond_valence import BondValenceSettings, ScreeningFactorRange
from matsift.study.loading import load_study, parse_study

STUDY = Path(__file__).parents[2] / "studies" / "softbv_oxides.toml"


def document(**changes: Any) -> dict[str, Any]:
    return {
        "study": {"name": "x", "title": "X"},
        "sources": [{"kind": "bundled"}],
        "bond_valence": {},
        "labels": {"properties": ["screening_factor"]},
        "descriptors": {"sets": ["oxide_pair"]},
        "campaign": {"rounds": 0},
        "ranking": {"property": "lattice_constant"},
        **changes,
    }


def test_defaults_are_the_samples_of_the_paper_and_the_calibrated_force_field() -> None:
    settings = BondValenceSettings()
    assert settings.strains == (-0.1, 0.1)
    assert settings.screening_factors.values == tuple(round(0.55 + 0.0125 * i, 4) for i in range(17))
    assert settings.variant() == Variant()
    assert settings.method == "bond-valence-covalent-1.33-2to1"


@pytest.mark.parametrize(
    ("given", "values"),
    [
        ({"first": 0.6, "last": 0.6, "step": 0.1}, (0.6,)),
        ({"first": 0.5, "last": 0.8, "step": 0.1}, (0.5, 0.6, 0.7, 0.8)),
        ({"first": 0.5, "last": 0.79, "step": 0.1}, (0.5, 0.6, 0.7)),
    ],
    ids=["one", "both ends", "the last is not met"],
)
def test_screening_factors_are_a_range(given: dict[str, float], values: tuple[float, ...]) -> None:
    assert ScreeningFactorRange(**given).values == values


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"screening_factors": {"first": 0.7, "last": 0.6}}, "last lies below first"),
        ({"strains": [0.1, 0.1]}, "names '0.1' twice"),
        ({"prototypes": ["garnet"]}, "perovskite"),
        ({"strains": [0.6]}, "less than 0.5"),
        ({"radii": "atomic"}, "covalent"),
        ({"coulomb_weight": 0}, "greater than 0"),
    ],
    ids=["range", "repeated", "prototype", "strain", "radii", "weight"],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        BondValenceSettings(**given)


def test_labels_of_another_force_field_do_not_stand_in_the_same_column() -> None:
    study = parse_study(document(), "x.toml")
    heavier = parse_study(document(bond_valence={"coulomb_weight": 3}), "x.toml")
    ions = ion_table_hash()[:8]
    assert study.label_origins == {"source:matsift-prototypes", f"oracle:bond-valence-covalent-1.33-2to1@{ions}"}
    assert heavier.label_origins == {"source:matsift-prototypes", f"oracle:bond-valence-covalent-1.33-3to1@{ions}"}


def test_what_follows_from_a_screening_factor_may_be_ranked_by() -> None:
    assert parse_study(document(), "x.toml").derived_properties == ("lattice_constant", "global_instability_index")
    labels = {"properties": ["k_vrh"]}
    assert parse_study(document(labels=labels, ranking={"property": "k_vrh"}), "x.toml").derived_properties == ()
    without = document(ranking={"property": "lattice_constant"})
    del without["bond_valence"]
    with pytest.raises(StudyError, match="'lattice_constant' is not one of labels"):
        parse_study(without, "x.toml")


def test_the_shipped_study_learns_from_composition_and_proposes_nothing_to_compute() -> None:
    study = load_study(STUDY)
    assert study.bond_valence == BondValenceSettings()
    assert study.sampling.strategy == "by_composition"
    assert study.learner.kind == "gpr_nn"
    assert study.descriptors.computed == ("oxide_pair", "bond_valence")
    assert study.campaign.rounds == 0
    assert study.ranking.property in study.derived_properties

"""`[diffraction]` of a study file: what is refused, and that it says all that training knows."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from matsift.diffraction.sets import RANGES, SetSettings
from matsift.diffraction.training import TrainingSettings
from matsift.study.diffraction import DiffractionSettings, DiffractionTraining, RangeName
from matsift.study.settings import Study

STUDY: dict[str, Any] = {
    "study": {"name": "groups", "title": "Groups"},
    "sources": [{"kind": "bundled"}],
    "diffraction": {},
    "labels": {"properties": ["space_group_number", "primitive_cell_volume"]},
    "descriptors": {"sets": ["diffraction"]},
    "campaign": {"strategies": [], "rounds": 0},
}


def test_a_study_needs_no_more_than_this() -> None:
    study = Study(**STUDY)
    assert study.diffraction is not None
    assert study.diffraction.method == "spglib-symprec-0.01"
    assert study.label_origins == {"source:matsift-prototypes", study.diffraction.origin}


def test_every_setting_of_training_can_be_said() -> None:
    assert {field.name for field in fields(TrainingSettings)} == set(DiffractionTraining.model_fields)
    TrainingSettings(**DiffractionTraining().model_dump())


def test_ranges_are_those_of_the_sets() -> None:
    assert get_args(RangeName) == RANGES


def test_sets_are_drawn_for_validation_and_calibration() -> None:
    settings = DiffractionSettings(validation_sets=5, calibration_sets=2, items=3)
    drawn = SetSettings(**settings.set_options(seed=4))
    assert (drawn.n_set, drawn.n_item, drawn.seed, drawn.least) == (7, 3, 4, 32)


NETWORK = {"name": "a"}
BY_TYPE = {**NETWORK, "split": "structure_type"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"diffraction": {"networks": []}}, "at least 1 item"),
        ({"diffraction": {"networks": [NETWORK, NETWORK]}}, "names 'a' twice"),
        ({"diffraction": {"networks": [BY_TYPE]}}, "first of diffraction.networks identifies patterns"),
        ({"diffraction": {"items": 4, "min_items": 23}}, "has to be 24 or more, for 6 sets of 4"),
        ({"diffraction": {"training": {"schedule": "steps"}}}, "'constant', 'cosine' or 'one_cycle'"),
        ({"diffraction": {"width": 3}}, "Extra inputs are not permitted"),
        ({"diffraction": None, "ranking": {"property": "space_group_number"}}, "gives lists and no columns"),
        ({"labels": {"properties": ["k_vrh"]}}, "learns space groups"),
        ({"descriptors": {"sets": ["magpie"]}}, r"set descriptors.sets = \['diffraction'\]"),
        ({"descriptors": {"sets": ["diffraction", "magpie"]}}, r"set descriptors.sets = \['diffraction'\]"),
        ({"campaign": {"rounds": 0}}, "has no campaign"),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Study(**{**STUDY, **changes})


def test_any_study_may_compute_profiles_for_the_search() -> None:
    others = {"for_analysis": ["diffraction"], "sets": ["magpie"]}
    study = {**STUDY, "diffraction": None, "labels": {"properties": ["g_vrh"]}, "descriptors": others}
    assert Study(**study).descriptors.computed == ("magpie", "diffraction")

"""What a study may ask of the mobility of an ion."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from matsift.study.mobility import MobilitySettings
from matsift.study.settings import Study

NA = Path(__file__).parents[2] / "studies" / "na_electrolytes.toml"


@pytest.mark.parametrize(
    ("ion", "element", "charge", "full"),
    [
        ("Na", "Na", 1, "Na1+"),
        ("Na+", "Na", 1, "Na1+"),
        ("Mg", "Mg", 2, "Mg2+"),
        ("Cu2+", "Cu", 2, "Cu2+"),
        ("F", "F", -1, "F1-"),
        ("O2-", "O", -2, "O2-"),
        ("Ti4+", "Ti", 4, "Ti4+"),
    ],
)
def test_an_ion_has_the_charge_that_is_stated_or_usual(ion: str, element: str, charge: int, full: str) -> None:
    settings = MobilitySettings(ion=ion)
    assert (settings.element, settings.charge, settings.full_ion) == (element, charge, full)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"ion": "Ti"}, "Ti has no usual charge; write it, as in Ti2"),
        ({"ion": "Xx+"}, "Xx"),
        ({"ion": "Na0+"}, "pattern"),
        ({"ion": "na"}, "pattern"),
        ({"top": 0}, "greater than 0"),
        ({"resolution": 0.01}, "greater than or equal to 0.05"),
        ({"encut": 30}, "less than or equal to 20"),
        ({"radii": "ionic"}, "softbv"),
        ({"cutoff": 3}, "Extra inputs"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        MobilitySettings(**wrong)


def study(**changes: Any) -> dict[str, Any]:
    return tomllib.loads(NA.read_text("utf-8")) | changes


def test_a_criterion_of_percolation_needs_something_that_computes_it() -> None:
    without = study()
    del without["mobility"]
    with pytest.raises(ValidationError, match="'sodium_moves' asks for barriers that nothing computes"):
        Study(**without)


def test_the_study_of_sodium_asks_for_sodium() -> None:
    asked = Study(**study()).mobility
    assert asked is not None
    assert asked.full_ion == "Na1+"
    assert Study(**study()).screening[-1].model_dump()["property"] == "percolation_barrier_2d"

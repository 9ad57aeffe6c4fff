"""Settings of oracles that hand off: what cannot be meant is refused with the remedy."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from matsift.study.handoff import EspressoOracle, ManualOracle, VaspOracle
from matsift.study.oracles import OracleSettings

ADAPTER: TypeAdapter[OracleSettings] = TypeAdapter(OracleSettings)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"kind": "vasp", "task": "energy", "input_set": "MPRelaxSet"}, "task 'energy' does not go with MPRelaxSet"),
        ({"kind": "vasp", "input_set": "MPStaticSet"}, "task 'relaxation' does not go with MPStaticSet"),
        ({"kind": "vasp", "input_set": "NoSuchSet"}, "Input should be 'MPRelaxSet'"),
        ({"kind": "vasp", "encut": 500}, "Extra inputs are not permitted"),
        ({"kind": "vasp", "quiet_hours": -1}, "greater than or equal to 0"),
        ({"kind": "espresso"}, "Field required"),
        ({"kind": "espresso", "pseudopotentials": {}}, "at least 1 item"),
        ({"kind": "espresso", "pseudopotentials": {"Xx": "x.upf"}}, "'Xx' is no element symbol"),
        (
            {"kind": "espresso", "pseudopotentials": {"Na": "x"}, "namelists": {"sytem": {}}},
            "Input should be 'control'",
        ),
        ({"kind": "manual"}, "Field required"),
        ({"kind": "manual", "method": "by hand"}, "String should match pattern"),
        ({"kind": "manual", "method": "x", "properties": ["hardness"]}, "no property 'hardness'"),
        ({"kind": "manual", "method": "x", "properties": ["k_vrh", "k_vrh"]}, "names 'k_vrh' twice"),
        ({"kind": "manual", "method": "x", "units": {"band_gap": "eV"}}, "'band_gap', which is not in properties"),
        ({"kind": "manual", "method": "x", "units": {"k_vrh": "eV"}}, "k_vrh cannot be converted from 'eV'; use GPa"),
    ],
)
def test_what_cannot_be_meant(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(table)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("task", "set_name", "some"),
    [
        ("relaxation", "MPRelaxSet", "energy_per_atom"),
        ("energy", "MPStaticSet", "band_gap"),
        ("elasticity", "MVLElasticSet", "k_vrh"),
    ],
)
def test_a_task_of_vasp_has_its_input_set_and_properties(task: str, set_name: str, some: str) -> None:
    asked = VaspOracle.model_validate({"task": task})
    assert asked.set_name == set_name
    assert some in asked.properties


def test_tags_keep_their_kind() -> None:
    asked = VaspOracle.model_validate({"incar": {"lasph": True, "ENCUT": 600, "Sigma": 0.1, "GGA": "PE"}})
    assert asked.incar == {"LASPH": True, "ENCUT": 600, "SIGMA": 0.1, "GGA": "PE"}
    assert [type(value) for value in asked.incar.values()] == [bool, int, float, str]


def test_espresso_gives_energies_and_manual_what_it_says() -> None:
    assert EspressoOracle(pseudopotentials={"Na": "x"}).properties == ("energy_per_atom", "band_gap")
    asked = ManualOracle(method="x", properties=("band_gap",), units={"band_gap": "meV"})
    assert asked.properties == ("band_gap",)
    assert asked.unit("band_gap") == "meV"
    assert ManualOracle(method="x").unit("k_vrh") == "GPa"

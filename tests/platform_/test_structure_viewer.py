"""Crystals for the page: what is drawn, how small it is, that the script is the one whose hash is noted."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from pymatgen.core import Element, Lattice, Structure
from tests.factories.generative_report import rock_salt

from matsift.crystal import Crystal
from matsift.reports.structure_viewer import ViewedStructure, vendored_viewer, viewer_data, viewer_scripts


def _read(*crystals: Crystal) -> dict[str, Any]:
    shown = [ViewedStructure(c.content_hash, "X", c) for c in crystals]
    data: dict[str, Any] = json.loads(viewer_data(shown))
    return data


def test_a_primitive_cell_is_drawn_as_the_conventional_one() -> None:
    (cell,) = _read(rock_salt("Na", "Cl"))["cells"]
    assert sorted(cell["species"]) == ["Cl"] * 4 + ["Na"] * 4
    drawn = Structure(Lattice(np.reshape(cell["lattice"], (3, 3))), cell["species"],
                      np.reshape(cell["places"], (-1, 3)) / 10_000)  # fmt: skip
    assert drawn.lattice.abc == pytest.approx((5.64, 5.64, 5.64), abs=1e-3)
    assert drawn.get_distance(0, cell["species"].index("Cl")) == pytest.approx(2.82, abs=1e-2)


def test_elements_have_jmols_colour_and_paulings_pull() -> None:
    elements = _read(rock_salt("Na", "Cl"))["elements"]
    assert elements == {
        "Na": {"colour": "#ab5cf2", "radius": 1.66, "pull": Element("Na").X},
        "Cl": {"colour": "#1ff01f", "radius": 1.02, "pull": Element("Cl").X},
    }


def test_a_shared_site_shows_what_is_there_most() -> None:
    lattice = 4.0 * np.eye(3)
    shared = Crystal(lattice, ("Fe", "Ni", "Al"), np.array([[0.0] * 3, [0.0] * 3, [0.5] * 3]),
                     np.array([0.3, 0.7, 1.0]), np.array([0, 0, 1]))  # fmt: skip
    (cell,) = _read(shared)["cells"]
    assert cell["species"] == ["Ni", "Al"]
    assert cell["places"] == [0, 0, 0, 5000, 5000, 5000]


def test_a_noble_gas_without_a_pull_can_be_drawn() -> None:
    assert _read(Crystal.ordered(4.4 * np.eye(3), ["Ne"], np.zeros((1, 3))))["elements"]["Ne"]["pull"] == 0.0


def test_coordinates_just_below_one_are_zero() -> None:
    crystal = Crystal.ordered(np.diag([3.0, 4.0, 5.0]), ["Na", "Cl"], np.array([[0.999999, 0.0, 0.0], [0.4, 0.3, 0.2]]))
    (cell,) = _read(crystal)["cells"]
    assert max(cell["places"]) < 10_000


def test_one_structure_is_written_once_and_is_small() -> None:
    salt = rock_salt("Na", "Cl")
    twice = viewer_data([ViewedStructure("k", "NaCl", salt)] * 2)
    assert len(json.loads(twice)["cells"]) == 1
    assert len(twice) < 600


def test_a_hostile_title_leaves_no_markup() -> None:
    data = viewer_data([ViewedStructure("k", "</script><b>", rock_salt("Na", "Cl"), "<i>&")])
    assert not {"<", ">", "&"} & set(data)


def test_the_script_of_others_is_the_one_noted_with_its_licence() -> None:
    script = vendored_viewer()
    noted = json.loads(files("matsift.reports").joinpath("vendor", "3Dmol.json").read_text(encoding="utf-8"))
    assert (script.version, script.licence) == (noted["version"], "BSD-3-Clause")
    assert "University of Pittsburgh" in script.text
    assert "Redistributions in binary form" in script.text
    body = script.text.split("*/\n", 1)[1]
    assert hashlib.sha256(body.encode()).hexdigest() == noted["files"]["package/build/3Dmol-min.js"]["sha256"]
    assert all("</script" not in text for text in viewer_scripts())

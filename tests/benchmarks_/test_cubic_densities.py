"""The list of the density data set and its page: prototypes recognised whatever the cell, numbers beside literature."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.cubic_densities.__main__ import main
from benchmarks.cubic_densities.compounds import cost, recognised
from benchmarks.cubic_densities.literature import measured

from matsift.candidates.cubic import CUBIC_PROTOTYPES, cubic_crystal
from matsift.crystal import Crystal
from matsift_adapters.data.cubic_compounds import CubicCompound

NAMES = {
    "fcc": ("Al",),
    "bcc": ("Li",),
    "diamond": ("Si",),
    "rock-salt": ("Na", "Cl"),
    "zinc-blende": ("Ga", "As"),
    "caesium-chloride": ("Cs", "Cl"),
    "fluorite": ("Ca", "F"),
    "half-heusler": ("Zr", "Ni", "Sn"),
    "heusler": ("Ti", "Ni", "Al"),
    "bismuth-fluoride": ("Bi", "Li"),
}


@pytest.mark.parametrize("prototype", CUBIC_PROTOTYPES)
def test_a_prototype_is_recognised_in_another_cell_with_another_origin(prototype: str) -> None:
    crystal = cubic_crystal(prototype, NAMES[prototype], 5.3)
    change = np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]])  # of determinant 1
    lattice = change @ crystal.lattice
    coords = (crystal.frac_coords + np.array([0.13, 0.4, 0.77])) @ np.linalg.inv(change)
    order = np.random.default_rng(1).permutation(crystal.n_site)
    moved = Crystal.ordered(lattice, [crystal.species[i] for i in order], coords[order] % 1.0)
    assert recognised(moved) == (prototype, NAMES[prototype])


@pytest.mark.parametrize(
    ("species", "coords"),
    [
        pytest.param(["Na", "Cl"], [[0.0] * 3, [0.5, 0.5, 0.45]], id="not cubic"),
        pytest.param(4 * ["Al"], [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]], id="a big cell"),
        pytest.param(["Cu", "Au", "Cu", "Cu"], [[0.5, 0.5, 0], [0, 0, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]], id="Cu3Au"),
    ],
)  # fmt: skip
def test_what_is_no_prototype_is_none(species: list[str], coords: list[list[float]]) -> None:
    assert recognised(Crystal.ordered(4.1 * np.eye(3), species, np.array(coords))) is None


def test_a_compound_of_transition_metals_costs_more() -> None:
    light = CubicCompound("a", "heusler", ("Mg", "Li", "Ge"), 6.3, 40.0, 20.0)
    heavy = CubicCompound("b", "heusler", ("Ti", "Ni", "Al"), 6.3, 150.0, 70.0)
    assert cost(heavy) > 2 * cost(light)


def test_the_page_says_what_the_table_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "table.jsonl.gz"
    header = {"dataset": "cubic_densities", "method": "gpaw-22.8.0-pbe-x", "date": "2026-11-21"}
    failed = {"external_id": "fcc-Au", "prototype": "fcc", "role": "failed", "failure": {"message": "no minimum"}}
    rows = [_row("fcc-Al", "fcc", "Al", 77.0, 83.0), _row("rock-salt-Mg-O", "rock-salt", "MgO", 148.5, 151.0), failed]
    table.write_bytes(gzip.compress("\n".join(map(json.dumps, [header, *rows])).encode()))
    main(table)
    said = capsys.readouterr().out
    assert said.startswith("2 compounds, 1 failed; gpaw-22.8.0-pbe-x")
    assert "| fcc | 225 | 1 | 1 | 77 to 77 | 0.20 |" in said
    assert "| MgO | rock-salt | 4.200 | 148.5 | 4.1 | 151 (mp-1) | 165 (collected by Hao et al. 2012) |" in said
    assert "K against measurement: 2 compounds, mean -6.5 %" in said  # 77 of 79.4, 148.5 of 165
    assert "K against the Materials Project: 2 compounds, mean -4.4 %" in said
    assert said.endswith("* fcc-Au: no minimum\n")


def test_measured_values_are_of_a_phase_that_is_named() -> None:
    assert measured("diamond", ("Si",)) == (97.8, "McSkimin, Andreatch 1964")
    assert measured("rock-salt", ("Mg", "O")) == (165.0, "collected by Hao et al. 2012")
    assert measured("caesium-chloride", ("Al", "Ni")) == (166.0, "collected by Hao et al. 2012")
    assert measured("zinc-blende", ("Mg", "O")) is None
    assert measured("bcc", ("Al",)) is None
    assert measured("rock-salt", ("Mg", "Te")) is None


def _row(name: str, prototype: str, formula: str, k: float, theirs: float) -> dict[str, Any]:
    return {
        "external_id": name,
        "prototype": prototype,
        "formula": formula,
        "role": "labelled",
        "labels": {"k_vrh": k, "energy_per_atom": -3.0},
        "lattice_constant_angstrom": 4.2,
        "k_derivative": 4.1,
        "residual_mev": 0.01,
        "n_electron": 12.9999999,
        "n_evaluation": 5,
        "seconds": 10.0,
        "density": {"electrons_moved_per_atom": 0.2},
        "materials_project": {"id": "mp-1", "lattice_constant_angstrom": 4.2, "k_vrh": theirs, "g_vrh": 20.0},
    }

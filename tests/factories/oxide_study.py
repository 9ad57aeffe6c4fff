"""Perovskite and spinel oxides as files, and a study of them that ends within seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from matsift.bond_valence.decorations import decorations, formula, starting_lattice_constant
from matsift.bond_valence.parameters import read_ion
from matsift.bond_valence.prototype_match import build
from matsift.crystal import Crystal

NAME = "oxides"
METHOD = "bond-valence-covalent-1.33-2to1"

_IONS = (
    *("Na1+", "K1+", "Mg2+", "Ca2+", "Sr2+", "Ba2+", "Zn2+", "Al3+", "Ga3+", "In3+", "Sc3+", "Y3+", "La3+", "Cr3+"),
    *("Ti4+", "Zr4+", "Sn4+", "Ge4+", "Nb5+", "Ta5+"),
)
_STUDY = """
[study]
name = "oxides"
title = "Oxides for tests"
seed = 3

[[sources]]
kind = "files"
name = "shelf"
path = "oxides"

[[sources]]
kind = "prototypes"
ions = ["Rb1+", "Ba2+", "Sr2+", "Hf4+", "Cd2+", "Fe3+", "Ta5+"]

[bond_valence]
screening_factors = { first = 0.55, last = 0.75, step = 0.1 }

[labels]
properties = ["screening_factor"]

[descriptors]
sets = ["oxide_pair"]
for_analysis = ["bond_valence"]

[sampling]
strategy = "by_composition"
test_fraction = 0.2
validation_fraction = 0.3

[learner]
kind = "gpr_nn"
coverage = 0.8
baselines = ["least_squares"]

[candidates]
elements = ["O"]

[campaign]
strategies = []
rounds = 0

[ranking]
property = "screening_factor"
"""


def oxides(n: int = 36) -> dict[str, Crystal]:
    """Return name -> crystal of n perovskites and spinels, their edges off the sum of radii by up to 3 %."""
    ions = [read_ion(name) for name in _IONS]
    fitting = {
        "perovskite": decorations("perovskite", ions, tolerance_factors=(0.8, 1.0)),
        "spinel": decorations("spinel", ions, radii_angstrom=(0.5, 0.85)),
    }
    pairs = [pair for found in fitting.values() for pair in list(found)[: n // 2]]
    rng = np.random.default_rng(5)
    return {
        f"{formula(pair)}-{pair.prototype}": build(
            pair.prototype,
            pair.a.symbol,
            pair.b.symbol,
            round(starting_lattice_constant(pair) * (1.0 + rng.uniform(-0.03, 0.03)), 4),
            0.262 if pair.prototype == "spinel" else None,
        )
        for pair in pairs
    }


def rock_salt() -> Crystal:
    """Return MgO, which is an oxide and no reference."""
    half = 4.212 / 2
    cell = np.array([[0, half, half], [half, 0, half], [half, half, 0]])
    return Crystal.ordered(cell, ["Mg", "O"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))


def write_study(folder: Path, n: int = 36) -> Path:
    """Return the path of the study file, written with its oxides and MgO into a new folder."""
    (folder / "oxides").mkdir(parents=True)
    for name, crystal in {**oxides(n), "MgO": rock_salt()}.items():
        crystal.to_pymatgen().to(str(folder / "oxides" / f"{name}.cif"), fmt="cif")
    path = folder / f"{NAME}.toml"
    path.write_text(_STUDY, encoding="utf-8")
    return path

"""Cubic crystals of three space groups, each of three structure types, and a study of them that ends within seconds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from pymatgen.core import Lattice, Structure

NAME = "groups"

_STUDY = """
[study]
name = "groups"
title = "Space groups for tests"
seed = 3

[[sources]]
kind = "files"
name = "shelf"
path = "crystals"

[diffraction]
validation_sets = 2
items = 2
min_items = 6
coverage = 0.75

[diffraction.training]
width = 2
epochs = 6
batch = 20

[diffraction.augmentation]
isotypic_up_to = 45
synthetic = 2

[[diffraction.networks]]
name = "SpgVolNet"
members = 2
measured_like = true

[[diffraction.networks]]
name = "SpgNet on unseen types"
kind = "spg_net"
members = 1
split = "structure_type"

[labels]
properties = ["space_group_number", "primitive_cell_volume"]

[descriptors]
sets = ["diffraction"]

[campaign]
strategies = []
rounds = 0
"""
#: Structure type -> space group, cell edge of the first crystal (angstrom), and places of A, B and C.
TYPES: dict[str, tuple[str, float, list[list[float]]]] = {
    "rock_salt": ("Fm-3m", 4.6, [[0, 0, 0], [0.5, 0.5, 0.5]]),
    "fluorite": ("Fm-3m", 5.0, [[0, 0, 0], [0.25, 0.25, 0.25]]),
    "heusler": ("Fm-3m", 5.6, [[0, 0, 0], [0.25, 0.25, 0.25], [0.5, 0.5, 0.5]]),
    "caesium_chloride": ("Pm-3m", 3.0, [[0, 0, 0], [0.5, 0.5, 0.5]]),
    "copper_gold": ("Pm-3m", 3.7, [[0, 0, 0], [0, 0.5, 0.5]]),
    "perovskite": ("Pm-3m", 3.8, [[0.5, 0.5, 0.5], [0, 0.5, 0.5], [0, 0, 0]]),
    "zincblende": ("F-43m", 5.2, [[0, 0, 0], [0.25, 0.25, 0.25]]),
    "half_heusler": ("F-43m", 5.6, [[0, 0, 0], [0.25, 0.25, 0.25], [0.5, 0.5, 0.5]]),
    "beryllide": ("F-43m", 6.0, [[0, 0, 0], [0.25, 0.25, 0.25], [0.625, 0.625, 0.625]]),
}
_COMMON = ("rock_salt", "caesium_chloride", "zincblende")
N_COMMON, N_OTHER = 24, 8
_STEP = 0.012
_A = ("Na", "K", "Mg", "Ca", "Sr", "Zn")
_B = ("O", "S", "Se", "Te")
_C = ("Al", "Ga", "In", "Sc")


def crystals() -> Iterator[tuple[str, Structure]]:
    """Yield name and structure of 120 crystals whose edges differ by more than a per cent within a type."""
    for kind, (group, edge, places) in TYPES.items():
        pairs = list(product(_A, _B))[: N_COMMON if kind in _COMMON else N_OTHER]
        for number, (a, b) in enumerate(pairs):
            species = [a, b, _C[number % len(_C)]][: len(places)]
            lattice = Lattice.cubic(edge * (1 + _STEP) ** number)
            yield f"{kind}-{number:02d}", Structure.from_spacegroup(group, lattice, species, places)


def mixed_salt() -> Structure:
    """Return a rock salt whose cations share their site."""
    halves: list[Any] = [{"K": 0.5, "Rb": 0.5}, "Cl"]
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(6.5), halves, [[0] * 3, [0.5] * 3])


def einsteinium() -> Structure:
    """Return a crystal of an element that nobody has measured a form factor of."""
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.75), ["Es"], [[0.0, 0.0, 0.0]])


def write_study(folder: Path) -> Path:
    """Return the path of the study file, written with its crystals into a new folder."""
    (folder / "crystals").mkdir(parents=True)
    for name, structure in (*crystals(), ("mixed", mixed_salt()), ("einsteinium", einsteinium())):
        structure.to(str(folder / "crystals" / f"{name}.cif"), fmt="cif")
    path = folder / f"{NAME}.toml"
    path.write_text(_STUDY, encoding="utf-8")
    return path

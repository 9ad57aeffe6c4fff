"""Cubic crystals with made-up moduli, and a study of their densities on tiny grids that ends within seconds."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.factories.space_group_study import crystals

NAME = "tiny_densities"
N_CRYSTAL = 30
POINTS = 12

_STUDY = f"""
[study]
name = "{NAME}"
title = "Densities for tests"
seed = 3

[[sources]]
kind = "table"
name = "shelf"
path = "crystals.csv"
licence = "CC0-1.0"
id_column = "id"
structure = {{ column = "cif", format = "cif" }}
labels = [{{ column = "k_vrh", property = "k_vrh", method = "made-up", unit = "GPa" }}]

[density]
space_groups = [216, 221, 225]
points = {POINTS}
folds = 2
coverage = 0.6
calibration_fraction = 0.25
chunk = 10

[density.leave_out]
elements = ["K"]

[density.training]
epochs = 2
members = 1
device = "cpu"

[[density.learners]]
name = "Forest"
kind = "random_forest"
sets = ["magpie"]
columns = "MagpieData"
settings = {{ n_estimators = 5 }}

[[density.learners]]
name = "CNN"
kind = "magpie_cnn"
settings = {{ filters = [2, 2, 2], dense = [4] }}

[[density.learners]]
name = "3D"
kind = "density_cnn_3d"
settings = {{ filters = [2, 2], kernels = [2, 2], dense = [4] }}

[[density.learners]]
name = "2D"
kind = "density_cnn_2d"
settings = {{ filters = [2, 2], kernels = [2, 3], dense = [4], channels = 4, squeeze = 2 }}

[[density.learners]]
name = "Fusion"
kind = "density_fusion"
settings = {{ head = [4] }}

[labels]
properties = ["k_vrh"]

[descriptors]
sets = ["magpie"]

[campaign]
strategies = []
rounds = 0
"""


def write_density_study(folder: Path) -> Path:
    """Return the path of the study file, written with its table of crystals into a new folder."""
    folder.mkdir(parents=True)
    chosen = list(crystals())[:: 120 // N_CRYSTAL][:N_CRYSTAL]
    with (folder / "crystals.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["id", "k_vrh", "cif"])
        for name, structure in chosen:
            rows.writerow([name, f"{3000 * len(structure) / structure.volume:.3f}", structure.to(fmt="cif")])
    path = folder / f"{NAME}.toml"
    path.write_text(_STUDY, encoding="utf-8")
    return path

"""Small crystals with made-up energies, and a study that proposes compositions of their elements within seconds."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from tests.factories.space_group_study import crystals

NAME = "tiny_generation"
N_CRYSTAL = 60
METHOD = "chgnet-0.3.0-finite-strain"

_STUDY = f"""
[study]
name = "{NAME}"
title = "Generation for tests"
seed = 3

[[sources]]
kind = "table"
name = "shelf"
path = "crystals.csv"
licence = "CC0-1.0"
id_column = "id"
structure = {{ column = "cif", format = "cif" }}
labels = [
    {{ column = "formation", property = "formation_energy_per_atom", method = "{METHOD}", unit = "eV/atom" }},
    {{ column = "energy", property = "energy_per_atom", method = "{METHOD}", unit = "eV/atom" }},
]

[labels]
properties = ["formation_energy_per_atom"]

[descriptors]
sets = ["magpie"]

[sampling]
strategy = "by_composition"
validation_fraction = 0.3

[learner]
kind = "random_forest"
settings = {{ n_estimators = 5 }}
coverage = 0.6

[generative]
threshold = -1.0

[generative.autoencoder]
width = 0.05
epochs = 1
device = "cpu"

[generative.gan]
width = 0.05
epochs = 2
batch = 8
device = "cpu"

[generative.sampling]
samples = 600
chunk = 300
keep = 20

[[generative.searches]]
name = "Box"
strategy = "paper_text"
initial = 10

[generative.searches.settings]
n_round = 3
n_decoded = 2
n_suggestion = 3
process = {{ refit = "round" }}
box = {{ n_random = 50, n_climb = 1 }}

[generative.structures]
top = 3
assignments = 1
competitors = 1
max_sites = 8

[candidates]
exclude_holds = ["competitor"]

[campaign]
strategies = []
rounds = 0

[ranking]
property = "formation_energy_per_atom"
goal = "minimize"
by = "upper"
"""


def write_generative_study(folder: Path) -> Path:
    """Return the path of the study file, written with its table of crystals into a new folder."""
    folder.mkdir(parents=True)
    every = [(name, s) for name, s in crystals() if len(s) <= 8]
    with (folder / "crystals.csv").open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["id", "formation", "energy", "cif"])
        for number, (name, structure) in enumerate(every[:N_CRYSTAL]):
            amounts = Counter(site.specie.symbol for site in structure)
            formation = -0.1 * len(amounts) - 0.01 * number
            rows.writerow([name, f"{formation:.3f}", f"{formation - 3:.3f}", structure.to(fmt="cif")])
    path = folder / f"{NAME}.toml"
    path.write_text(_STUDY, encoding="utf-8")
    return path

"""A study whose oracle waits when told so, and notes what it was asked; its rounds take a second or two."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

from tests.factories.small_study import bundled_records

NAME = "kills"

_STUDY = """
[study]
name = "kills"
title = "A study to be killed"
seed = 7

[[sources]]
kind = "bundled"
path = "entries.jsonl.gz"

[labels]
properties = ["energy_per_atom"]

[descriptors]
sets = {sets}

[sampling]
strategy = "model_2"

[learner]
settings = {{ members = 2, n_estimators = 5, num_leaves = 4, min_data_in_leaf = 3 }}
coverage = 0.7
baselines = []

[candidates]
elements = ["Na"]

[campaign]
strategies = ["exploration", "random"]
batch = {batch}
rounds = 2
lease_s = {lease_s}
oracle = {{ kind = "ase", task = "energy", calculator = "slow_potential:Slow", settings = {{ folder = "{folder}" }} }}

[ranking]
property = "energy_per_atom"
goal = "minimize"
"""

_CALCULATOR = '''
"""A potential in which energy is volume; it waits as long as a file `hold` is there."""

import os
import time
from pathlib import Path

import numpy as np
from ase.calculators.calculator import Calculator, all_changes


class Slow(Calculator):
    implemented_properties = ["energy", "forces"]

    def __init__(self, folder):
        super().__init__()
        self.folder = Path(folder)

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        energy = -0.1 * atoms.get_volume()
        with (self.folder / "asked").open("a") as asked:
            asked.write(f"{energy / len(atoms):.6f} {os.getppid()}\\n")
        while (self.folder / "hold").exists():
            time.sleep(0.01)
        if atoms.get_chemical_symbols().count("F") > 2:
            raise ValueError("fluorine is not known")
        self.results = {"energy": energy, "forces": np.zeros((len(atoms), 3))}
'''


class KillStudy:
    """A study on disk, in a folder of its own, beside the calculator of its oracle."""

    def __init__(
        self,
        folder: Path,
        *,
        n_labelled: int = 60,
        n_pool: int = 40,
        n_other: int = 0,
        sets: Sequence[str] = ("magpie",),
        batch: int = 8,
        lease_s: float = 3.0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.path = folder, folder / f"{NAME}.toml"
        header, records = bundled_records()
        labelled = [record for record in records if record["role"] == "labelled"][:n_labelled]
        pool = [record for record in records if record["role"] == "pool" and "Na" in record["species"]][:n_pool]
        pool += [record for record in records if record["role"] == "rejected"][:n_other]
        for record in labelled:
            record["labels"] = {"energy_per_atom": record["labels"]["energy_per_atom"]}
        for record in pool:
            record["labels"] = {}
        with gzip.open(folder / "entries.jsonl.gz", "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(line) + "\n" for line in [header, *labelled, *pool])
        (folder / "slow_potential.py").write_text(_CALCULATOR, encoding="utf-8")
        text = _STUDY.format(folder=folder, batch=batch, lease_s=lease_s, sets=json.dumps(sets))
        self.path.write_text(text, encoding="utf-8")

    def hold(self) -> None:
        """Let the oracle wait from now on."""
        (self.folder / "hold").touch()

    def let_go(self) -> None:
        """Let the oracle answer."""
        (self.folder / "hold").unlink(missing_ok=True)

    @property
    def asked(self) -> list[str]:
        """What the oracle was asked, a word a question."""
        path = self.folder / "asked"
        return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []

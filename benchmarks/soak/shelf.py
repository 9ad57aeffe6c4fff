"""A folder of CIFs that changes as somebody's collection does, and the files of a mirror and a study that read it."""

from __future__ import annotations

import gzip
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from matsift.crystal import Crystal
from matsift_adapters.sources.bundled import bundled_path

_SOURCES = """
[[sources]]
kind = "files"
name = "shelf"
path = "shelf"
schedule = "* * * * *"
"""
_MIRROR = f"""
[study]
name = "mirror"
title = "A shelf that is looked through every minute"
{_SOURCES}
"""
_STUDY = f"""
[study]
name = "soak"
title = "Sodium compounds on a shelf"
seed = 1

[[sources]]
kind = "bundled"
{_SOURCES}
[labels]
properties = ["g_vrh"]
[[labels.rules]]
kind = "negative_modulus"

[descriptors]
sets = ["magpie", "voronoi"]

[sampling]
strategy = "model_2"

[learner]
settings = {{ members = 3, n_estimators = 100 }}
baselines = []

[candidates]
elements = ["Na"]

[campaign]
strategies = []
rounds = 0

[ranking]
property = "g_vrh"
"""


class Shelf:
    """A folder in which CIFs come, change and go, by a seed.

    Parameters
    ----------
    folder
        Gets the files ``mirror.toml`` and ``soak.toml``, and the folder ``shelf`` that both read.
    n_first
        CIFs to begin with.
    """

    def __init__(self, folder: Path, n_first: int = 200) -> None:
        self.mirror, self.study = folder / "mirror.toml", folder / "soak.toml"
        self._folder = folder / "shelf"
        self._folder.mkdir(parents=True)
        self.mirror.write_text(_MIRROR, encoding="utf-8")
        self.study.write_text(_STUDY, encoding="utf-8")
        self._chance = random.Random(1)
        self._crystals = list(_sodium_compounds())
        self._number = itertools.count()
        self._there: list[Path] = []
        self.change(n_new=n_first, n_changed=0, n_gone=0)

    def change(self, *, n_new: int = 5, n_changed: int = 2, n_gone: int = 1) -> None:
        """Put new CIFs on the shelf, change some and take some away."""
        for _ in range(n_new):
            self._there.append(self._folder / f"{next(self._number):06d}.cif")
            self._write(self._there[-1])
        for path in self._chance.sample(self._there, n_changed):
            self._write(path)
        for path in self._chance.sample(self._there, n_gone):
            self._there.remove(path)
            path.unlink()

    def _write(self, path: Path) -> None:
        crystal = self._chance.choice(self._crystals)
        scaled = Crystal.ordered(
            crystal.lattice * self._chance.uniform(0.97, 1.03), list(crystal.species), crystal.frac_coords
        )
        passing = path.with_suffix(".part")
        passing.write_text(scaled.to_pymatgen().to(fmt="cif"), encoding="utf-8")
        passing.rename(path)


def _sodium_compounds() -> Iterator[Crystal]:
    with gzip.open(bundled_path("chgnet_prototypes"), "rt", encoding="utf-8") as stream:
        next(stream)
        for record in map(json.loads, stream):
            if "Na" in record["species"]:
                yield _crystal(record)


def _crystal(record: dict[str, Any]) -> Crystal:
    lattice = np.array(record["lattice"], dtype=np.float64).reshape(3, 3)
    return Crystal.ordered(lattice, record["species"], np.array(record["frac_coords"], dtype=np.float64))

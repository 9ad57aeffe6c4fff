"""The data sets: crystals, moduli and database facts, rows in the order of their content hashes."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Composition, Structure

from matsift.crystal import Crystal

MODULI = ("k_vrh", "g_vrh", "k_voigt", "k_reuss", "g_voigt", "g_reuss")
_FACTS = ("band_gap", "formation_energy_per_atom", "energy_above_hull")
_FOLDER_36737 = "structures/mp_36737"


@dataclass(frozen=True, eq=False)
class RealSet:
    """One published data set.

    `moduli` and `facts` map a property to (n,) values, NaN where unknown; `element` is the one whose compounds are the
    candidates: Na as in the paper, or a stand-in where there are too few.
    """

    name: str
    title: str
    element: str
    crystals: tuple[Crystal, ...]
    moduli: dict[str, NDArray[np.float64]]
    facts: dict[str, NDArray[np.float64]]

    @property
    def has_element(self) -> NDArray[np.bool_]:
        """(n,) whether the structure contains the element."""
        return np.array([self.element in crystal.species for crystal in self.crystals], dtype=bool)

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(n,) whether both moduli are known."""
        return np.isfinite(self.moduli["k_vrh"]) & np.isfinite(self.moduli["g_vrh"])

    @property
    def formulae(self) -> list[str]:
        """(n,) reduced formulae."""
        return [Composition("".join(c.species)).reduced_formula for c in self.crystals]


@dataclass(frozen=True)
class _Row:
    material_id: str
    crystal: Crystal
    moduli: dict[str, float]


def data_folder() -> Path:
    """Return the folder of the published data."""
    return Path(os.environ.get("MATSIFT_DATA", "../shared/data"))


def load(name: str, limit: int | None = None) -> RealSet:
    """Return a data set by name; `limit` keeps its first rows, for trying."""
    title, element, rows = _SETS[name]
    return _assemble(name, title, element, rows(limit))


def _elastic_2015(limit: int | None) -> Iterator[_Row]:
    table = json.loads(gzip.decompress((data_folder() / "elastic/elastic_tensor_2015.json.gz").read_bytes()))
    columns = {"k_vrh": "K_VRH", "g_vrh": "G_VRH"} | {
        f"{m.lower()}_{a.lower()}": f"{m}_{a}" for m in "KG" for a in ("Voigt", "Reuss")
    }
    for values in table["data"][:limit]:
        row = dict(zip(table["columns"], values, strict=True))
        crystal = Crystal.from_pymatgen(Structure.from_dict(row["structure"]))
        yield _Row(row["material_id"], crystal, {ours: float(row[theirs]) for ours, theirs in columns.items()})


def _binary_2025(limit: int | None) -> Iterator[_Row]:
    path = data_folder() / "elastic/mp_binary_pbe_elasticity_2025.json.gz"
    for row in json.loads(gzip.decompress(path.read_bytes()))[:limit]:
        crystal = Crystal.from_pymatgen(Structure.from_dict(row["structure"]))
        moduli = {"k_vrh": float(row["bulk_modulus_vrh"]), "g_vrh": float(row["shear_modulus_vrh"])}
        yield _Row(row["mp_id"], crystal, moduli)


_SETS: dict[str, tuple[str, str, Callable[[int | None], Iterable[_Row]]]] = {
    "elastic_2015": ("de Jong 2015, elastic_tensor_2015 (1,181)", "Li", _elastic_2015),
    "binary_2025": ("Materials Project binaries, January 2025 (3,541)", "Li", _binary_2025),
}
FILE_SETS = tuple(_SETS)


def _assemble(name: str, title: str, element: str, rows: Iterable[_Row]) -> RealSet:
    ordered = sorted(rows, key=lambda row: (row.crystal.content_hash, row.material_id))
    facts = _facts([row.material_id for row in ordered])
    moduli = {m: np.array([row.moduli.get(m, np.nan) for row in ordered]) for m in MODULI}
    return RealSet(name, title, element, tuple(row.crystal for row in ordered), moduli, facts)


def _facts(material_ids: list[str]) -> dict[str, NDArray[np.float64]]:
    """Return gap, formation energy and hull distance by Materials Project id, NaN where the id is not listed."""
    thermo = {row["material_id"]: row for row in _dicts("structures/mp_thermo_69640.csv.gz")}
    index_of = {material_id: index for index, material_id in _csv(f"{_FOLDER_36737}/material_id_hash.csv.gz")}
    formation = {row[0]: row[1] for row in _csv(f"{_FOLDER_36737}/id_prop.csv.gz")}
    columns: dict[str, list[float]] = {fact: [] for fact in _FACTS}
    for material_id in material_ids:
        row: dict[str, Any] = thermo.get(material_id, {})
        columns["band_gap"].append(float(row.get("band_gap") or np.nan))
        columns["energy_above_hull"].append(float(row.get("e_above_hull") or np.nan))
        columns["formation_energy_per_atom"].append(float(formation.get(index_of.get(material_id, ""), np.nan)))
    return {fact: np.array(values) for fact, values in columns.items()}


def _csv(path: str) -> Iterator[list[str]]:
    with gzip.open(data_folder() / path, "rt") as lines:
        yield from csv.reader(lines)


def _dicts(path: str) -> Iterator[dict[str, str]]:
    with gzip.open(data_folder() / path, "rt") as lines:
        yield from csv.DictReader(lines)

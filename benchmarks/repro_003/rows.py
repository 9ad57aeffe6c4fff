"""The rows: Fm-3m crystals with moduli, of one label vintage where it has them, each crystal once."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.repro_001.real_data import data_folder
from benchmarks.repro_002.crystals import chunks, digest_of, in_processes, read, write
from numpy.typing import NDArray
from pymatgen.core import Structure

from matsift.crystal import Crystal
from matsift.density.conventional import conventional_cell, conventional_transform
from matsift.errors import BadStructureError
from matsift.formulae import formulae
from matsift.screening.labels import LabelRow, LabelTable
from matsift.screening.quality import (
    ModulusOutOfRange,
    NegativeModulus,
    OutsideBounds,
    PoissonRatioOutOfRange,
    QualityRule,
    judge,
)
from matsift.structure_matching import MatchSettings, match
from matsift_adapters.sources.archives import walk
from matsift_adapters.sources.cif import from_cif

PROPERTIES = ("k_vrh", "g_vrh")
SPACE_GROUP = 225

#: Label files in the order in which they count: what the first lacks comes from the next.
VINTAGES = ("2018 to 2020, whole numbers", "January 2025", "2015")

#: Rules about the values alone: the paper names none, and one label of 1e4 GPa would decide every RMSE.
RULES: tuple[QualityRule, ...] = (
    NegativeModulus(kind="negative_modulus"),
    ModulusOutOfRange(kind="modulus_out_of_range", any=True),
    PoissonRatioOutOfRange(kind="poisson_ratio_out_of_range"),
    OutsideBounds(kind="outside_bounds"),
)
_LANTHANIDES = "La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu"
_ACTINIDES = "Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr"
F_ELEMENTS = frozenset(f"{_LANTHANIDES} {_ACTINIDES}".split())

_CIFS, _IDS = "structures/mp_36737/cif_36737.tar.gz", "structures/mp_36737/material_id_hash.csv.gz"
_LABELS = "elastic/mp_elasticity_labels.csv.gz"
_BINARIES = "elastic/mp_binary_pbe_elasticity_2025.json.gz"
_TENSORS = "elastic/elastic_tensor_2015.json.gz"

_Named = tuple[str, Crystal]
_Moduli = dict[str, tuple[float, float]]


@dataclass(frozen=True, eq=False)
class Rows:
    """n crystals in the order of their content hashes.

    Parameters
    ----------
    material_ids
        (n,) ids of Materials Project.
    crystals
        (n,) in the conventional cell.
    moduli
        Property -> (n,) GPa.
    vintages
        (n,) which of `VINTAGES` the moduli are of.
    steps
        What was done, and how many rows it left.
    """

    material_ids: tuple[str, ...]
    crystals: tuple[Crystal, ...]
    moduli: dict[str, NDArray[np.float64]]
    vintages: NDArray[np.int64]
    steps: tuple[tuple[str, int], ...]

    def __len__(self) -> int:
        return len(self.crystals)

    @property
    def elements(self) -> tuple[tuple[str, ...], ...]:
        """(n,) symbols of each crystal."""
        return tuple(crystal.elements for crystal in self.crystals)

    @property
    def formulae(self) -> tuple[str, ...]:
        """(n,) reduced formulae."""
        return tuple(formulae(Counter(crystal.species)).reduced for crystal in self.crystals)

    @property
    def digest(self) -> str:
        """Twelve characters that tell these rows from others."""
        values = np.concatenate([self.moduli[name] for name in PROPERTIES])
        return hashlib.sha256(digest_of(self.crystals).encode() + values.tobytes()).hexdigest()[:12]

    def take(self, places: NDArray[np.int64]) -> Rows:
        """Return some of the rows, in the order given."""
        return Rows(
            tuple(self.material_ids[i] for i in places),
            tuple(self.crystals[i] for i in places),
            {name: values[places] for name, values in self.moduli.items()},
            self.vintages[places],
            self.steps,
        )


def rows(home: Path, *, n_worker: int, tell: Callable[[str], None]) -> Rows:
    """Return the rows of the published sets; the crystals are parsed once and kept in `home`."""
    moduli = _moduli()
    found = _crystals(home, {name for of in moduli for name in of}, n_worker, tell)
    return assembled(found, moduli)


def assembled(found: Iterable[_Named], moduli: Sequence[Mapping[str, tuple[float, float]]]) -> Rows:
    """Return rows of Fm-3m crystals by Materials Project id, and of moduli, K and G, by id in the order of `VINTAGES`.

    Of crystals with one id the first counts; of different ids with the same crystal (StructureMatcher, whatever its
    volume) the one whose label is of the earliest of `VINTAGES`, then the smallest id.
    """
    first: dict[str, Crystal] = {}
    for name, crystal in found:
        first.setdefault(name, crystal)
    vintage = {name: next(i for i, of in enumerate(moduli) if name in of) for name in first}
    steps = [("Fm-3m (spglib, 0.01 Å) with both moduli, each id once", len(first))]
    names = [name for name in first if F_ELEMENTS.isdisjoint(first[name].elements)]
    steps.append(("without lanthanides and actinides, as the paper", len(names)))
    values = {name: moduli[vintage[name]][name] for name in names}
    for i, rule in enumerate(RULES):
        kept = _accepted([(values[name], first[name].elements) for name in names], RULES[: i + 1])
        steps.append((f"rule `{rule.kind}`", int(kept.sum())))
    names = [name for name, good in zip(names, kept, strict=True) if good]
    names = _each_once({name: first[name] for name in sorted(names, key=lambda name: (vintage[name], name))})
    steps.append(("each crystal once (StructureMatcher)", len(names)))
    names = sorted(names, key=lambda name: first[name].content_hash)
    return Rows(
        tuple(names),
        tuple(first[name] for name in names),
        {p: np.array([values[name][i] for name in names]) for i, p in enumerate(PROPERTIES)},
        np.array([vintage[name] for name in names], dtype=np.int64),
        tuple(steps),
    )


def _accepted(
    labels: Sequence[tuple[tuple[float, float], tuple[str, ...]]], rules: Sequence[QualityRule]
) -> np.ndarray:
    """Return (n,) whether both moduli of a row pass the rules."""
    table = [
        LabelRow(i, name, values[place], elements)
        for i, (values, elements) in enumerate(labels)
        for place, name in enumerate(PROPERTIES)
    ]
    accepted = judge(rules, LabelTable.of_rows(table)).accepted.reshape(-1, len(PROPERTIES))
    return np.array([both.all() for both in accepted], dtype=bool)


def _each_once(crystals: Mapping[str, Crystal]) -> list[str]:
    """Return the names of crystals that are the same as none before them."""
    of_system: dict[tuple[str, ...], list[str]] = {}
    for name, crystal in crystals.items():
        of_system.setdefault(crystal.elements, []).append(name)
    kept = []
    for names in of_system.values():
        same = match([crystals[name] for name in names], 0, MatchSettings()).representative
        kept += [name for i, name in enumerate(names) if same[i] in (i, None)]
    return kept


def _moduli() -> tuple[_Moduli, _Moduli, _Moduli]:
    """Return K and G by id, a mapping for each of `VINTAGES`."""
    with gzip.open(data_folder() / _LABELS, "rt") as lines:
        table = {r["material_id"]: (r["K_VRH"], r["G_VRH"]) for r in csv.DictReader(lines)}
    labels = {name: (float(bulk), float(shear)) for name, (bulk, shear) in table.items() if bulk and shear}
    binaries = {
        row["mp_id"]: (float(row["bulk_modulus_vrh"]), float(row["shear_modulus_vrh"])) for row in _plain(_BINARIES)
    }
    tensors = {row["material_id"]: (float(row["K_VRH"]), float(row["G_VRH"])) for row in _tensors()}
    return labels, binaries, tensors


def _crystals(home: Path, wanted: set[str], n_worker: int, tell: Callable[[str], None]) -> list[_Named]:
    """Return Fm-3m crystals with their ids, in the conventional cell, set after set."""
    sizes = [(data_folder() / name).stat().st_size for name in (_CIFS, _BINARIES, _TENSORS)]
    path = home / f"crystals-{'-'.join(map(str, sizes))}.npz"
    if not path.exists():
        tell(f"reading the crystals of {len(wanted)} ids with moduli")
        with gzip.open(data_folder() / _IDS, "rt") as lines:
            ids = {f"{number}.cif": name for number, name in csv.reader(lines) if name in wanted}
        members = walk(data_folder() / _CIFS, lambda name: Path(name).name in ids)
        cifs = [(ids[Path(m.name).name], m.content.decode("utf-8", "replace")) for m in members]
        found = [pair for part in in_processes(_of_cifs, chunks(cifs), n_worker) for pair in part]
        dicts = [(r["mp_id"], r["structure"]) for r in _plain(_BINARIES)]
        dicts += [(r["material_id"], r["structure"]) for r in _tensors()]
        found += [pair for part in in_processes(_of_dicts, chunks(dicts, 256), n_worker) for pair in part]
        write(path, found)
    return read(path)


def _of_cifs(cifs: Sequence[tuple[str, str]]) -> list[_Named]:
    parsed = [(name, from_cif(text)[:1]) for name, text in cifs]
    return _fm_3m((name, one[0].crystal) for name, one in parsed if one)


def _of_dicts(dicts: Sequence[tuple[str, dict[str, Any]]]) -> list[_Named]:
    return _fm_3m((name, Crystal.from_pymatgen(Structure.from_dict(one))) for name, one in dicts)


def _fm_3m(pairs: Iterable[tuple[str, Crystal | None]]) -> list[_Named]:
    found = []
    for name, crystal in pairs:
        try:
            if crystal is not None and conventional_transform(crystal)[1] == SPACE_GROUP:
                found.append((name, conventional_cell(crystal)))
        except BadStructureError:  # shared sites: no densities of them
            continue
    return found


def _plain(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gzip.decompress((data_folder() / name).read_bytes()))
    return found


def _tensors() -> Iterator[dict[str, Any]]:
    table = json.loads(gzip.decompress((data_folder() / _TENSORS).read_bytes()))
    for values in table["data"]:
        yield dict(zip(table["columns"], values, strict=True))

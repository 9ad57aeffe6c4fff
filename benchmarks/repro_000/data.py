"""Reference oxides: cubic perovskites and normal spinels of the published data, and those that the package carries."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import math
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.repro_001.real_data import data_folder

from matsift.bond_valence.dataset import Reference
from matsift.bond_valence.decorations import formula
from matsift.bond_valence.ion_pairs import IonPair, assign_ions, balanced_pairs
from matsift.bond_valence.parameters import read_ion
from matsift.bond_valence.prototype_match import PrototypeMatch, match
from matsift.crystal import Crystal
from matsift.errors import MatsiftError
from matsift.records import EntryRecord
from matsift.study.sources import BundledSource
from matsift_adapters.sources import open_source

CIFS = "structures/mp_36737/cif_36737.tar.gz"
MATERIAL_IDS = "structures/mp_36737/material_id_hash.csv.gz"
THERMO = "structures/mp_thermo_69640.csv.gz"
PEROV_5 = ("structures/perov_5/val.csv.gz", "structures/perov_5/test.csv.gz")

#: eV/atom: a Materials Project crystal farther above the hull is a decoration that somebody tried, not an oxide.
MOST_ABOVE_HULL = 0.25
#: eV: the same for perov_5, whose `heat_all` is the energy against the phases that compete.
MOST_HEAT = 0.5

_SUM = re.compile(r"_chemical_formula_sum\s+'?([^'\n]+)")
_PART = re.compile(r"([A-Z][a-z]?)(\d*)")
_SHAPES: dict[tuple[int, ...], set[int]] = {(1, 1, 3): {5}, (1, 2, 4): {14, 56}}


@dataclass(frozen=True)
class Oxide:
    """A reference with where it is from."""

    name: str
    reference: Reference

    @property
    def pair(self) -> IonPair:
        """Its prototype and cations."""
        return self.reference.pair


def load(name: str, home: Path) -> list[Oxide]:
    """Return the oxides of a set, one a prototype and formula, by name; `home` keeps what was picked from archives.

    An oxide of an ion without Shannon radius for six neighbours (Sn2+) has no descriptors and is left out.
    """
    return _unique(oxide for oxide in SETS[name](home) if _has_descriptors(oxide.pair))


def _materials_project(home: Path) -> Iterator[Oxide]:
    """Both prototypes from Materials Project, and perovskites of perov_5 whose composition is not among them."""
    yield from _picked(home)
    yield from _perov_5(home)


def _perov_5(_: Path) -> Iterator[Oxide]:
    """ABO3 of perov_5, the lowest of a composition first; A is the cation of the longer bond of lowest energy."""
    rows = (row for path in PEROV_5 for row in _dicts(path))
    likely = [row for row in rows if _is_abo3(_counts(row["formula"])) and float(row["heat_all"]) < MOST_HEAT]
    for row in sorted(likely, key=lambda row: (float(row["heat_all"]), row["material_id"])):
        pair = _larger_on_a(*(element for element in _counts(row["formula"]) if element != "O"))
        volume = re.search(r"_cell_volume\s+([\d.]+)", row["cif"])
        if pair is not None and volume is not None:
            yield Oxide(f"perov_5:{row['material_id']}", Reference(pair, float(volume[1]) ** (1 / 3)))


def _bundled(_: Path) -> Iterator[Oxide]:
    """The data set that the package carries, without what is kept unseen."""
    yield from (_as_packed(entry) for entry in _bundled_entries() if entry.labels and not entry.holds)


def unseen() -> list[Oxide]:
    """Return the oxides of the bundled set that are kept from training."""
    return [_as_packed(entry) for entry in _bundled_entries() if entry.holds == ("unseen",)]


SETS: dict[str, Callable[[Path], Iterable[Oxide]]] = {
    "bundled": _bundled,
    "materials_project": _materials_project,
    "perov_5": _perov_5,
}


def _bundled_entries() -> Iterator[EntryRecord]:
    settings = BundledSource(kind="bundled", dataset="oxide_prototypes")
    source = open_source(settings, Path())
    yield from (item for item in source.iterate() if isinstance(item, EntryRecord))


def _as_packed(entry: EntryRecord) -> Oxide:
    said: dict[str, Any] = dict(entry.payload)
    a, b = (read_ion(name) for name in str(said["ions"]).split())
    pair = IonPair(entry.external_id.split("-")[0], a, b)
    return Oxide(entry.external_id, Reference(pair, said["lattice_constant_angstrom"], said["oxygen_parameter"]))


def _oxide(name: str, found: PrototypeMatch) -> Oxide:
    return Oxide(name, Reference(assign_ions(found), found.lattice_constant, found.oxygen_parameter))


def _picked(home: Path) -> Iterator[Oxide]:
    for pick in picks(home):
        if pick["energy_above_hull"] > MOST_ABOVE_HULL:
            continue
        found = PrototypeMatch(**{key: pick[key] for key in PrototypeMatch.__dataclass_fields__})
        try:
            yield _oxide(f"mp_36737:{pick['material_id']}", found)
        except MatsiftError:
            continue  # no balanced ions with parameters


def picks(home: Path) -> list[dict[str, Any]]:
    """Return the perovskites and spinels of mp_36737 by symmetry, with energies above the hull; then kept."""
    archive = data_folder() / CIFS
    state = hashlib.sha256(f"{archive.stat().st_size} {match.__doc__}".encode()).hexdigest()[:12]
    kept = home / f"picks-{state}.json"
    if not kept.exists():
        home.mkdir(parents=True, exist_ok=True)
        beside = kept.with_suffix(".new")
        beside.write_text(json.dumps(list(_search(archive)), indent=0))
        beside.replace(kept)
    found: list[dict[str, Any]] = json.loads(kept.read_text())
    return found


def _search(archive: Path) -> Iterator[dict[str, Any]]:
    from pymatgen.core import Structure  # noqa: PLC0415  slow to import

    ids = {row[0]: row[1] for row in _rows(MATERIAL_IDS)}
    above = {row[0]: row[2] for row in _rows(THERMO)}
    with tarfile.open(archive) as files:
        for member in files:
            text = _text(files, member)
            said = _SUM.search(text)
            if said is None or not _may_be_prototype(_counts(said[1])):
                continue
            found = match(Crystal.from_pymatgen(Structure.from_str(text, fmt="cif")))
            if found is not None:
                material_id = ids[Path(member.name).stem]
                hull = float(above.get(material_id) or 0.0)
                yield {"material_id": material_id, "energy_above_hull": hull, **vars(found)}


def _text(files: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    content = files.extractfile(member) if member.isfile() else None
    return content.read().decode() if content is not None else ""


def _may_be_prototype(counts: dict[str, int]) -> bool:
    numbers = sorted(counts.values())
    shape = tuple(n // numbers[0] for n in numbers)
    return counts.get("O") == numbers[-1] and sum(numbers) in _SHAPES.get(shape, set())


def _counts(text: str) -> dict[str, int]:
    return {element: int(n or 1) for element, n in _PART.findall(text)}


def _has_descriptors(pair: IonPair) -> bool:
    return math.isfinite(pair.a.r_shannon) and math.isfinite(pair.b.r_shannon)


def _is_abo3(counts: dict[str, int]) -> bool:
    return sorted(counts.values()) == [1, 1, 3] and counts.get("O") == 3


def _larger_on_a(one: str, other: str) -> IonPair | None:
    pairs = (*balanced_pairs("perovskite", one, other), *balanced_pairs("perovskite", other, one))
    return max(pairs, key=lambda pair: pair.a.r_min - pair.b.r_min, default=None)


def _unique(oxides: Iterable[Oxide]) -> list[Oxide]:
    first: dict[tuple[str, str], Oxide] = {}
    for oxide in oxides:
        first.setdefault((oxide.pair.prototype, formula(oxide.pair)), oxide)
    return sorted(first.values(), key=lambda oxide: (oxide.pair.prototype, formula(oxide.pair)))


def _dicts(path: str) -> Iterator[dict[str, str]]:
    with gzip.open(data_folder() / path, "rt", newline="") as stream:
        yield from csv.DictReader(stream)


def _rows(path: str) -> Iterator[list[str]]:
    with gzip.open(data_folder() / path, "rt", newline="") as stream:
        yield from csv.reader(stream)

"""The published crystals of Materials Project as a pool of templates and of known phases."""

from __future__ import annotations

import csv
import gzip
import tarfile
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift.generative.formulas import Compositions, read_formulas

BELOW = "structures"
_IDS, _CIFS = "mp_36737/material_id_hash.csv.gz", "mp_36737/cif_36737.tar.gz"
_THERMO = "mp_thermo_69640.csv.gz"


@dataclass(frozen=True, eq=False)
class PublishedCrystals:
    """n crystals by what is known without reading them, nearest to Materials Project's hull first.

    `names` are their files' names in the archive, `material_ids` those of Materials Project, `above_hull` (n,) eV/atom.
    """

    folder: Path
    names: tuple[str, ...]
    material_ids: tuple[str, ...]
    compositions: Compositions
    above_hull: NDArray[np.float64]

    @classmethod
    def of(cls, data: Path) -> PublishedCrystals:
        """Return those of the folder of published data."""
        folder = data / BELOW
        name_of = {material_id: name for name, material_id in csv.reader(_lines(folder / _IDS))}
        rows = [row for row in csv.DictReader(_lines(folder / _THERMO)) if row["material_id"] in name_of]
        rows.sort(key=lambda row: (float(row["e_above_hull"]), row["material_id"]))
        read = read_formulas([row["pretty_formula"] for row in rows])
        kept = [rows[i] for i in read.rows]
        return cls(
            folder,
            tuple(name_of[row["material_id"]] for row in kept),
            tuple(row["material_id"] for row in kept),
            read.compositions,
            np.array([float(row["e_above_hull"]) for row in kept]),
        )

    def phases_of(self, amounts: dict[str, int], within: float) -> list[int]:
        """Return the compounds of a candidate's elements within so many eV/atom of the hull, each formula once."""
        columns = Compositions.from_formulas(["".join(amounts)]).counts[0] > 0
        inside = ~(self.compositions.counts[:, ~columns] > 0).any(axis=1)
        compound = self.compositions.n_element > 1
        rows = np.flatnonzero(inside & compound & (self.above_hull <= within))
        first = self.compositions.select(rows).reduced().first_rows()
        return [int(row) for row in rows[first]]

    def crystals(self, rows: Iterable[int]) -> dict[int, Crystal]:
        """Return the crystals of rows, without those that cannot be read; one pass through the archive."""
        wanted = {f"{self.names[row]}.cif": row for row in rows}
        found = {}
        with tarfile.open(self.folder / _CIFS, "r|gz") as archive:
            for member in archive:
                row = wanted.get(Path(member.name).name)
                if row is None or (stream := archive.extractfile(member)) is None:
                    continue
                try:
                    found[row] = _crystal(stream.read().decode())
                except (ValueError, BadStructureError):  # pymatgen's word for a CIF that it cannot read
                    continue
                if len(found) == len(wanted):
                    break
        return found


def _crystal(cif: str) -> Crystal:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Crystal.from_pymatgen(Structure.from_str(cif, fmt="cif", primitive=True))


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt") as lines:
        yield from lines

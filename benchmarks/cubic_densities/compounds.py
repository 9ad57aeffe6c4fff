"""Which compounds the density data set computes: the list and its rule.

    python -m benchmarks.cubic_densities.compounds adapters/matsift_adapters/data/cubic_compounds.csv

A row is an entry of the Materials Project in MATSIFT_DATA with both moduli, of a cubic prototype without a free
coordinate, of elements that GPAW has data sets for, without a magnetic moment, within 0.05 eV/atom of the hull. Its
lattice constant is where the equation of state starts. What costs least comes first, prototypes in turn; of Heuslers,
most of the entries, only the cheapest are taken.
"""

from __future__ import annotations

import csv
import gzip
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import spglib
from benchmarks.repro_001.real_data import data_folder
from pymatgen.core import Element, Lattice

from matsift.candidates.cubic import CUBIC_PROTOTYPES, cubic_crystal, lattice_constant
from matsift.crystal import Crystal
from matsift.elasticity.symmetry import space_group_number
from matsift_adapters.data.cubic_compounds import CubicCompound

ELEMENTS = frozenset(
    "Ag Al As Au B Ba Be Bi Br C Ca Cd Cl Co Cs Cu F Ga Ge H Hf Hg I In Ir K Li Mg Mo N Na Nb Ni O Os P Pb Pd Pt Rb Re "
    "Rh Ru S Sb Sc Se Si Sn Sr Ta Te Ti Tl V W Y Zn Zr".split()
)
LARGEST_MOMENT, LARGEST_HULL_DISTANCE, MODULI = 0.01, 0.05, (1.0, 600.0)
#: Most compounds of a prototype.
MOST = {"heusler": 150, "bismuth-fluoride": 20}
#: Compounds of each prototype in a turn of the list: those of the space group Fm-3m come sooner.
IN_A_TURN = {"rock-salt": 3, "fluorite": 2, "heusler": 3}
COLUMNS = ("id", "prototype", "elements", "lattice_constant_angstrom", "k_vrh_gpa", "g_vrh_gpa")
_LENGTHS = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
_ATOM = re.compile(r"^\s+([A-Z][a-z]?)\s+[A-Z][a-z]?\d+\s+\d+\s+(\S+)\s+(\S+)\s+(\S+)", re.MULTILINE)
_SYMPREC = 0.01


def cost(compound: CubicCompound) -> float:
    """Return what orders the list: about the time of a calculation, in no unit."""
    kind = CUBIC_PROTOTYPES[compound.prototype]
    d_shells = sum(Element(compound.elements[i]).block == "d" for i in kind.elements)
    return float((len(kind.places) + 2 * d_shells) * compound.lattice_constant**1.5)


def crystals(data: Path) -> Iterator[tuple[str, Crystal]]:
    """Yield (material id, primitive crystal) of the small crystals of `ELEMENTS` in mp_36737."""
    folder = data / "structures/mp_36737"
    with gzip.open(folder / "material_id_hash.csv.gz", "rt") as file:
        ids = dict(row[:2] for row in csv.reader(file))
    with tarfile.open(folder / "cif_36737.tar.gz") as archive:
        for member in archive:
            text = (archive.extractfile(member) or sys.exit("the archive is damaged")).read().decode()
            atoms = _ATOM.findall(text)
            species = [atom[0] for atom in atoms]
            if not atoms or len(atoms) > 4 or not ELEMENTS.issuperset(species):
                continue
            sizes = [float(re.search(rf"_cell_{name}\s+(\S+)", text)[1]) for name in _LENGTHS]  # type: ignore[index]
            coords = np.array([[float(x) for x in atom[1:]] for atom in atoms])
            yield ids[Path(member.name).stem], Crystal.ordered(Lattice.from_parameters(*sizes).matrix, species, coords)


def recognised(crystal: Crystal) -> tuple[str, tuple[str, ...]] | None:
    """Return prototype and its elements in order, None if the crystal is of none of them."""
    kinds = [crystal.elements.index(symbol) for symbol in crystal.species]
    cell = (crystal.lattice.tolist(), crystal.frac_coords.tolist(), kinds)
    found = spglib.get_symmetry_dataset(cell, symprec=_SYMPREC)
    primitive = spglib.find_primitive(cell, symprec=_SYMPREC)
    if found is None or primitive is None or len(primitive[2]) < len(kinds):
        return None
    for name, kind in CUBIC_PROTOTYPES.items():
        if kind.space_group == found.number and len(kind.places) == len(kinds):
            elements = _in_order(name, crystal)
            if elements is not None and _is(name, elements, crystal):
                return name, elements
    return None


def _in_order(name: str, crystal: Crystal) -> tuple[str, ...] | None:
    """Return the elements as the prototype lists them; of two alike the more electropositive first."""
    kind = CUBIC_PROTOTYPES[name]
    counts = {symbol: crystal.species.count(symbol) for symbol in crystal.elements}
    if sorted(counts.values()) != sorted(kind.elements.count(i) for i in range(kind.n_element)):
        return None
    by_charge = sorted(counts, key=lambda symbol: float(Element(symbol).X))
    if name == "half-heusler":
        middle = _in_the_middle(crystal)
        first, last = (symbol for symbol in by_charge if symbol != middle)
        return first, middle, last
    if name == "heusler":
        middle = max(counts, key=lambda symbol: counts[symbol])
        first, last = (symbol for symbol in by_charge if symbol != middle)
        return first, middle, last
    return tuple(sorted(by_charge, key=lambda symbol: counts[symbol]))


def _in_the_middle(crystal: Crystal) -> str:
    """Return the element of a half-Heusler whose atom is nearest to both others."""
    structure = crystal.to_pymatgen()
    return crystal.species[int(np.argmin(structure.distance_matrix.sum(axis=0)))]


def _is(name: str, elements: tuple[str, ...], crystal: Crystal) -> bool:
    from pymatgen.analysis.structure_matcher import StructureMatcher  # noqa: PLC0415  slow to import

    built = cubic_crystal(name, elements, lattice_constant(name, crystal.volume))
    assert space_group_number(built) == CUBIC_PROTOTYPES[name].space_group
    matcher = StructureMatcher(stol=0.02, ltol=0.01, angle_tol=0.5, scale=False, primitive_cell=False)
    return bool(matcher.fit(built.to_pymatgen(), crystal.to_pymatgen()))


def compounds(data: Path) -> list[CubicCompound]:
    """Return the list in its order."""
    labels = {row["material_id"]: row for row in _rows(data / "elastic/mp_elasticity_labels.csv.gz")}
    thermo = {row["material_id"]: row for row in _rows(data / "structures/mp_thermo_69640.csv.gz")}
    found: dict[tuple[str, tuple[str, ...]], CubicCompound] = {}
    for material, crystal in crystals(data):
        if material not in labels or not _taken(thermo[material]):
            continue
        moduli = float(labels[material]["K_VRH"]), float(labels[material]["G_VRH"])
        if not all(MODULI[0] <= value <= MODULI[1] for value in moduli) or (named := recognised(crystal)) is None:
            continue
        edge = round(lattice_constant(named[0], crystal.volume), 4)
        row = CubicCompound(material, *named, edge, *moduli)
        if named not in found or len(found[named].material_id) > len(material):
            found[named] = row
    return _in_turn(list(found.values()))


def _taken(thermo: dict[str, str]) -> bool:
    return (
        abs(float(thermo["total_magnetization"])) <= LARGEST_MOMENT
        and float(thermo["e_above_hull"]) <= LARGEST_HULL_DISTANCE
    )


def _in_turn(found: list[CubicCompound]) -> list[CubicCompound]:
    queues = {
        name: sorted((c for c in found if c.prototype == name), key=lambda c: (cost(c), c.material_id))[
            : MOST.get(name)
        ]
        for name in CUBIC_PROTOTYPES
    }
    ordered: list[CubicCompound] = []
    while any(queues.values()):
        for name, queue in queues.items():
            n = IN_A_TURN.get(name, 1)
            ordered += queue[:n]
            del queue[:n]
    return ordered


def _rows(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main(out: Path) -> None:
    """Write the list."""
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for c in compounds(data_folder()):
            edge = f"{c.lattice_constant:.4f}"
            writer.writerow((c.material_id, c.prototype, " ".join(c.elements), edge, c.k_vrh, c.g_vrh))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

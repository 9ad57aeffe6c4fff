"""Structures as files: a folder of CIFs, an ASE database, extended XYZ."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, cast, get_args

import ase
import ase.db
import ase.io
from gemmi import cif
from pymatgen.io.cif import CifWriter

from matsift.errors import UserInputError
from matsift.exchange.stated import StatedStructure
from matsift_adapters.exporters.formats import format_of
from matsift_adapters.exporters.optimade import write_optimade
from matsift_adapters.exporters.whole import whole_file, whole_folder

StructureFormat = Literal["cif", "ase", "xyz", "optimade"]

#: Formats that hold one fully occupied species a site.
ORDERED_ONLY: tuple[StructureFormat, ...] = ("ase", "xyz")
#: Table beside the CIFs of a folder: which file is which structure, from where, under which licence.
INDEX = "index.csv"

_BY_SUFFIX: dict[str, StructureFormat] = {
    "": "cif",
    ".db": "ase",
    ".xyz": "xyz",
    ".extxyz": "xyz",
    ".json": "optimade",
}


def structure_format(path: Path, asked: str | None = None) -> StructureFormat:
    """Return the format of structures: the one asked for, or the one that the name says; a folder holds CIFs.

    Raises
    ------
    UserInputError
        If there is no such format, or the name says none.
    """
    known = get_args(StructureFormat)
    endings = ".db (ASE), .xyz or .json (OPTIMADE), name a folder for CIFs"
    return cast("StructureFormat", format_of(path, asked, known, _BY_SUFFIX, what="structures", endings=endings))


def write_structures(
    path: Path, chunks: Iterable[Sequence[StatedStructure]], n_structure: int, form: StructureFormat
) -> None:
    """Write structures, of which there are `n_structure`; file or folder appear at the end, whole or not at all."""
    if form == "cif":
        _write_cifs(path, chunks)
    elif form == "ase":
        _write_ase_database(path, chunks)
    elif form == "xyz":
        _write_extended_xyz(path, chunks)
    else:
        write_optimade(path, (structure for chunk in chunks for structure in chunk), n_structure)


def _write_cifs(path: Path, chunks: Iterable[Sequence[StatedStructure]]) -> None:
    with whole_folder(path) as folder, (folder / INDEX).open("x", encoding="utf-8", newline="") as stream:
        index = csv.writer(stream, lineterminator="\n")
        index.writerow(["file", "structure_hash", "formula", "licences", "sources", "urls"])
        for structure in (structure for chunk in chunks for structure in chunk):
            file = folder / f"{structure.name}.cif"
            file.write_text(to_cif(structure), encoding="utf-8")
            urls = [entry.url for entry in structure.stated_by if entry.url]
            joined = ("; ".join(each) for each in (structure.licences, structure.sources, urls))
            index.writerow([file.name, structure.structure_hash, structure.formula, *joined])


def to_cif(structure: StatedStructure) -> str:
    """Return a structure as a CIF in P1, with its hash, licences and sources as items of our own."""
    document = cif.read_string(str(CifWriter(structure.crystal.to_pymatgen(), significant_figures=8)))
    block = document.sole_block()
    block.set_pair("_matsift_structure_hash", structure.structure_hash)
    for name, values in (("licence", structure.licences), ("source", structure.sources)):
        if values:
            loop = block.init_loop("_matsift_", [name])
            for value in values:
                loop.add_row([cif.quote(value)])
    return str(document.as_string())


def _write_ase_database(path: Path, chunks: Iterable[Sequence[StatedStructure]]) -> None:
    with whole_file(path) as passing:
        database = ase.db.connect(passing, type="db", use_lock_file=False)
        with database:
            for structure in (structure for chunk in chunks for structure in chunk):
                database.write(
                    to_atoms(structure),
                    structure_hash=structure.structure_hash,
                    data={"licences": list(structure.licences), "sources": list(structure.sources)},
                    **_numbered(structure),
                )


def _write_extended_xyz(path: Path, chunks: Iterable[Sequence[StatedStructure]]) -> None:
    with whole_file(path) as passing, passing.open("x", encoding="utf-8") as stream:
        for structure in (structure for chunk in chunks for structure in chunk):
            atoms = to_atoms(structure)
            atoms.info = {
                "structure_hash": structure.structure_hash,
                "licences": "; ".join(structure.licences),
                "sources": "; ".join(structure.sources),
                **_numbered(structure),
            }
            ase.io.write(stream, atoms, format="extxyz")


def to_atoms(structure: StatedStructure) -> Any:
    """Return an ordered structure as ASE's `Atoms`.

    Raises
    ------
    UserInputError
        If it is disordered.
    """
    crystal = structure.crystal
    if not crystal.is_ordered:
        raise UserInputError(f"{structure.name} is disordered, which ASE cannot hold; write CIF or OPTIMADE")
    return ase.Atoms(list(crystal.species), scaled_positions=crystal.frac_coords, cell=crystal.lattice, pbc=True)


def _numbered(structure: StatedStructure) -> dict[str, int]:
    number = structure.space_group_number
    return {} if number is None else {"space_group_number": number}

"""Files of fields on grids: CHGCAR, ELFCAR, cube, and grids as they are stored; GPAW's own are read by GPAW."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from benchmarks.fuzz.parser import Parser, Read, check_crystal, of_binary, of_json, of_text
from tests.factories.field_files import density, write_chgcar, write_density_cube, write_elfcar
from tests.factories.structure_files import rock_salt

from matsift.density.grid import DensityGrid
from matsift_adapters.fields.materials_project import _field
from matsift_adapters.fields.read_field import ReadField
from matsift_adapters.fields.reading import read_field
from matsift_adapters.fields.storage import dumps, load_planes, loads
from matsift_adapters.sources.pymatgen_json import to_pymatgen

_SHAPE = (4, 3, 2)
_VALENCE = 32.0


def parsers() -> list[Parser]:
    """Return the parsers of fields."""
    crystal = rock_salt()
    values = density(crystal, _VALENCE, _SHAPE)
    with TemporaryDirectory() as made:
        folder = Path(made)
        chgcar = [
            write_chgcar(folder / "CHGCAR", crystal, values).read_bytes(),
            write_chgcar(folder / "CHGCAR", crystal, values, 0 * values).read_bytes(),
        ]
        elfcar = write_elfcar(folder / "ELFCAR", crystal, values / values.max()).read_bytes()
        cube = write_density_cube(folder / "x.cube", crystal, values).read_bytes()
        cube = b"a density" + cube[cube.index(b"\n") :]  # the first line says when it was written
    stored = dumps(DensityGrid(values.astype(np.float32), crystal.lattice))
    return [
        of_text("chgcar", chgcar, _read_file("CHGCAR")),
        of_text("elfcar", [elfcar], _read_file("ELFCAR")),
        of_text("cube", [cube], _read_file("x.cube")),
        of_json("chgcar-json", [_document(values * crystal.volume)], _read_document),
        of_binary("stored-grid", [stored], _read_stored),
    ]


def _read_file(name: str) -> Read:
    def read(content: bytes, folder: Path) -> str | None:
        path = folder / name
        path.write_bytes(content)
        _check(read_field(path))
        return None

    return read


def _check(field: ReadField) -> None:
    check_crystal(field.crystal)
    assert np.isfinite(field.grid.values).all(), "a value is not finite"
    assert field.n_unpaired is None or np.isfinite(field.n_unpaired), "the moment is not finite"
    loads(dumps(field.grid))


def _document(total: Any) -> list[dict[str, Any]]:
    structure = {"structure": to_pymatgen(rock_salt())}
    return [{"data": {"poscar": structure, "data": {"total": total.tolist(), "diff": (0 * total).tolist()}}}]


def _read_document(content: bytes, _: Path) -> str | None:
    try:
        documents = json.loads(content)
    except (ValueError, RecursionError):  # the client of the Materials Project refuses these
        return "client"
    _check(_field("mp-1", documents, "mp-gga-static"))
    return None


def _read_stored(content: bytes, _: Path) -> str | None:
    grid = loads(content)
    assert grid.values.shape == grid.shape, "the shape is not that of the values"
    load_planes(content, 0, 1)
    return None

"""Structures in files of other programs: what comes back is what was in the database, with its licences."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ase.db
import ase.io
import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Structure
from tests.factories.crystals import many, rock_salt, shared_site

from matsift.crystal import Crystal
from matsift.errors import UserInputError
from matsift.exchange.stated import StatedBy, StatedStructure
from matsift_adapters.exporters.optimade import to_optimade, write_optimade
from matsift_adapters.exporters.structures import (
    INDEX,
    StructureFormat,
    structure_format,
    to_atoms,
    write_structures,
)
from matsift_adapters.sources.optimade_structures import from_optimade


def stated(crystal: Crystal, formula: str = "NaCl") -> StatedStructure:
    """Return a structure that two sources state."""
    entries = (
        StatedBy("cod", "1000041", "https://cod.test/1000041.cif", "CC0-1.0"),
        StatedBy("shelf", "a 'quoted' id", None, "CC-BY-4.0"),
    )
    return StatedStructure(crystal.content_hash, crystal, formula, 225, entries, datetime(2026, 11, 22, tzinfo=UTC))


def vacant() -> Crystal:
    """Return a crystal with a site that is half empty."""
    return Crystal(
        4.0 * np.eye(3), ("Na", "Cl"), np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]), np.array([0.5, 1.0]), np.array([0, 1])
    )


def written(path: Path, form: StructureFormat, *structures: StatedStructure) -> Path:
    write_structures(path, [structures], len(structures), form)
    return path


@pytest.mark.parametrize("crystal", [rock_salt(), shared_site(), vacant()], ids=["ordered", "shared", "vacant"])
def test_a_cif_gives_the_same_crystal_with_its_hash_licences_and_sources(tmp_path: Path, crystal: Crystal) -> None:
    folder = written(tmp_path / "cifs", "cif", stated(crystal))
    file = folder / f"{stated(crystal).name}.cif"
    found = Structure.from_file(file)
    assert StructureMatcher(primitive_cell=False, attempt_supercell=False).fit(found, crystal.to_pymatgen())
    text = file.read_text("utf-8")
    assert crystal.content_hash in text
    assert "CC0-1.0" in text
    assert "CC-BY-4.0" in text
    with (folder / INDEX).open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row == {
        "file": file.name,
        "structure_hash": crystal.content_hash,
        "formula": "NaCl",
        "licences": "CC-BY-4.0; CC0-1.0",
        "sources": "cod: 1000041; shelf: a 'quoted' id",
        "urls": "https://cod.test/1000041.cif",
    }


def test_an_ase_database_gives_the_same_atoms(tmp_path: Path) -> None:
    crystals = many(3)
    path = written(tmp_path / "some.db", "ase", *map(stated, crystals))
    assert [file.name for file in tmp_path.iterdir()] == ["some.db"]
    rows = list(ase.db.connect(path).select())
    assert [row.structure_hash for row in rows] == [crystal.content_hash for crystal in crystals]
    for row, crystal in zip(rows, crystals, strict=True):
        atoms = row.toatoms()
        found = Crystal.ordered(atoms.cell.array, atoms.get_chemical_symbols(), atoms.get_scaled_positions())
        assert found.content_hash == crystal.content_hash
        assert row.data["licences"] == ["CC-BY-4.0", "CC0-1.0"]
        assert row.space_group_number == 225


def test_extended_xyz_gives_the_same_atoms(tmp_path: Path) -> None:
    crystals = many(2)
    path = written(tmp_path / "some.xyz", "xyz", *map(stated, crystals))
    found = ase.io.read(path, index=":")
    for atoms, crystal in zip(found, crystals, strict=True):
        assert atoms.info["structure_hash"] == crystal.content_hash
        assert atoms.info["licences"] == "CC-BY-4.0; CC0-1.0"
        assert atoms.pbc.all()
        np.testing.assert_allclose(atoms.cell.array, crystal.lattice, atol=1e-7)


def test_disordered_crystals_are_none_for_ase() -> None:
    with pytest.raises(UserInputError, match="is disordered, which ASE cannot hold; write CIF or OPTIMADE"):
        to_atoms(stated(shared_site()))


@pytest.mark.parametrize("crystal", [rock_salt(), shared_site(), vacant()], ids=["ordered", "shared", "vacant"])
def test_an_optimade_response_is_valid_and_is_read_back_as_the_same_crystal(tmp_path: Path, crystal: Crystal) -> None:
    models = pytest.importorskip("optimade.models")
    path = tmp_path / "some.json"
    write_optimade(path, [stated(crystal), stated(rock_salt("K"), "KCl")], 2)
    response = models.StructureResponseMany.model_validate_json(path.read_bytes())
    assert response.meta.data_returned == 2
    first = response.data[0]
    assert first.id == crystal.content_hash
    raw = json.loads(path.read_text("utf-8"))["data"][0]["attributes"]
    assert raw["_matsift_licences"] == ["CC-BY-4.0", "CC0-1.0"]
    found = from_optimade(raw, 100).crystal
    assert found is not None
    assert found.content_hash == crystal.content_hash


@pytest.mark.parametrize(
    ("species", "reduced", "anonymous"),
    [(["Na", "Na", "O"], "Na2O", "A2B"), (["Cl", "Cl", "Na", "Na"], "ClNa", "AB"), (["O"] * 3 + ["Ti"], "O3Ti", "A3B")],
)
def test_formulas_are_those_of_optimade(species: list[str], reduced: str, anonymous: str) -> None:
    coords = np.arange(len(species))[:, None] / len(species) * np.ones(3)
    attributes = to_optimade(stated(Crystal.ordered(6 * np.eye(3), species, coords)))["attributes"]
    assert attributes["chemical_formula_reduced"] == reduced
    assert attributes["chemical_formula_anonymous"] == anonymous


@pytest.mark.parametrize(
    ("name", "asked", "found"),
    [
        ("cifs", None, "cif"),
        ("a.db", None, "ase"),
        ("a.xyz", None, "xyz"),
        ("a.json", None, "optimade"),
        ("a.db", "optimade", "optimade"),
    ],
)
def test_the_name_says_the_format(name: str, asked: str | None, found: str) -> None:
    assert structure_format(Path(name), asked) == found


@pytest.mark.parametrize(("name", "asked", "problem"), [("a.txt", None, "says no format"), ("a", "pdf", "as 'pdf'")])
def test_an_unknown_format_is_told(name: str, asked: str | None, problem: str) -> None:
    with pytest.raises(UserInputError, match=problem):
        structure_format(Path(name), asked)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(UserInputError, match="is there already; name a new folder"):
        written(tmp_path, "cif", stated(rock_salt()))
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("form", ["cif", "ase", "xyz", "optimade"])
def test_what_breaks_off_leaves_nothing(tmp_path: Path, form: Any) -> None:
    def chunks() -> Any:
        yield [stated(rock_salt())]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_structures(tmp_path / "broken", chunks(), 2, form)
    assert not list(tmp_path.iterdir())

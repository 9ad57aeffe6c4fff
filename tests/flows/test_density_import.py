"""`matsift density`: files become structures, artifacts and rows, once; what is none becomes a failure."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.factories.crystals import rock_salt
from tests.factories.field_files import density, write_chgcar, write_density_cube
from tests.factories.hostile import matsift, rows_of
from tests.servers.faulty import FaultyServer
from tests.servers.materials_project import KEY
from tests.servers.materials_project_densities import DensityService, chgcar_object

from matsift_adapters.artifacts import ArtifactStore
from matsift_adapters.fields.reading import Wishes, read_field
from matsift_adapters.fields.storage import loads

SALT, POTASSIUM = rock_salt(), rock_salt("K")


@pytest.fixture
def folder(tmp_path: Path, database: str, own_home: None) -> Path:
    """Two densities and a file that is none."""
    inside = tmp_path / "runs"
    inside.mkdir()
    write_chgcar(inside / "CHGCAR", SALT, density(SALT, 8.0), density(SALT, 0.5))
    write_density_cube(inside / "kcl.cube", POTASSIUM, density(POTASSIUM, 36.0))
    (inside / "broken_CHGCAR").write_text("junk", encoding="ascii")
    return inside


def test_a_folder_becomes_rows_once(folder: Path, database: str, tmp_path: Path) -> None:
    first = matsift("density", "import", folder, "--licence", "CC0")
    assert (first.code, first.out.count("dft_charge")) == (1, 2)
    assert "broken_CHGCAR: it is no CHGCAR" in first.err
    query = """SELECT formula, method, electrons, shape, round(n_electron::numeric, 3)::float8, n_electron_expected,
                      round(n_unpaired::numeric, 4)::float8, source, split_part(external_id, '@', 1), artifact_sha256
               FROM analysis.volumetric_field ORDER BY formula"""
    *_, (*salt, sha256) = rows = rows_of(database, query)
    assert salt == ["NaCl", "vasp-chgcar", "valence", [6, 5, 4], 8.0, 8.0, 0.5, "density_files", "CHGCAR"]
    assert rows[0][:6] == ("KCl", "cube", "all", [6, 5, 4], 36.0, 36.0)
    stored = loads(ArtifactStore(tmp_path / "home" / "artifacts").get(sha256))
    np.testing.assert_allclose(stored.values, density(SALT, 8.0), rtol=2e-5)
    tables = ("run", "failure", "structure", "source_entry", "volumetric_field")
    counts = ", ".join(f"(SELECT count(*) FROM matsift.{table})" for table in tables)
    before = rows_of(database, f"SELECT {counts}")
    assert before == [(1, 1, 2, 2, 2)]
    again = matsift("density", "import", folder, "--licence", "CC0")
    assert again.out.count(", known") == 2
    assert rows_of(database, f"SELECT {counts}") == before
    assert rows_of(database, "SELECT stage, detail, error_class FROM matsift.failure") == [
        ("field", "import", "FieldError")
    ]


def test_another_density_by_the_same_method_wants_a_name(folder: Path, database: str) -> None:
    chgcar = folder / "CHGCAR"
    matsift("density", "import", chgcar).done()
    write_chgcar(chgcar, SALT, density(SALT, 14.0))
    assert "name the method of this one with --method" in matsift("density", "import", chgcar).sentence
    said = json.loads(matsift("density", "import", chgcar, "--method", "vasp-pbe-na_pv", "--json").done())
    assert [(one["n_electron_expected"], one["is_new"]) for one in said] == [(14.0, True)]
    assert rows_of(database, "SELECT method FROM analysis.volumetric_field ORDER BY 1") == [
        ("vasp-chgcar",),
        ("vasp-pbe-na_pv",),
    ]


def test_what_is_there_is_shown_and_written_for_viewers(folder: Path, tmp_path: Path) -> None:
    matsift("density", "import", folder)
    shown = matsift("density", "show", "NaCl").done()
    assert "dft_charge by vasp-chgcar, 6 x 5 x 4" in shown
    assert "8.0000 electrons (valence) of 8" in shown
    out = tmp_path / "salt.cube"
    matsift("density", "show", "NaCl", "--out", out).done()
    back = read_field(out, Wishes(electrons="valence"))
    np.testing.assert_allclose(back.grid.values, density(SALT, 8.0), rtol=1e-4)
    assert back.crystal.species == SALT.species


def test_what_cannot_be_done_gets_one_sentence(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    matsift("density", "import", folder / "kcl.cube").done()
    sentences: dict[tuple[object, ...], str] = {
        ("show", "NaF"): "there is no structure 'NaF'",
        ("show", "KCl", "--method", "gpaw"): "KCl has no field by gpaw; there are cube",
        ("show", "KCl", "--out", tmp_path / "no" / "x.cube"): "cannot be written",
        ("import", "nowhere/CHGCAR"): "nowhere/CHGCAR: there is no such file; correct the path",
        ("import", tmp_path / "empty"): "there is no file of a density in",
        ("import", folder / "CHGCAR", "--method", " "): "the method is empty",
        ("fetch", "149"): "'149' is no id of the Materials Project",
    }
    for arguments, told in sentences.items():
        assert told in matsift("density", *arguments).sentence


def test_densities_of_the_materials_project_become_rows(
    database: str, own_home: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mp_api", reason="needs mp-api, matsift[mp]")
    service = DensityService(
        {"mp-1": {"mp-2": "GGA Static"}}, {"mp-2": "2024-01-01T00:00:00"}, {"mp-2": chgcar_object(SALT, 8.0)}
    )
    with FaultyServer(service) as server:
        for name, value in {
            "MP_API_KEY": KEY,
            "MP_API_ENDPOINT": server.url,
            "AWS_ENDPOINT_URL_S3": server.url,
        }.items():
            monkeypatch.setenv(name, value)
        first = matsift("density", "fetch", "mp-1", "mp-7")
        assert "mp-7: the Materials Project has no such material" in first.err
        assert (
            "mp-1: dft_charge by mp-gga-static, 6 x 5 x 4, 8.0000 electrons (valence), known"
            in matsift("density", "fetch", "mp-1").done()
        )
    assert rows_of(database, "SELECT source, external_id, method, n_unpaired FROM analysis.volumetric_field") == [
        ("materials_project_densities", "mp-2", "mp-gga-static", 0.0)
    ]
    assert rows_of(database, "SELECT licence, url FROM analysis.source_entry") == [
        ("CC-BY-4.0", "https://materialsproject.org/materials/mp-1")
    ]

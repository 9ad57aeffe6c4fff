"""`matsift identify`: an answer in lines, kept once, drawn; what is no pattern gets one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session
from tests.factories.crystals import rock_salt
from tests.factories.hostile import matsift, rows_of
from tests.factories.runs import run_id

from matsift.crystal import Crystal
from matsift.descriptors.diffraction import DIFFRACTION
from matsift.diffraction.ideal import ideal_profiles
from matsift.diffraction.simulate import Instrument, simulate_pattern
from matsift.structure_facts import describe
from matsift_flows.diffraction.demonstration import INSTRUMENT, write_xy
from matsift_schema.engine import make_engine
from matsift_schema.store.descriptors import ensure_descriptor_set
from matsift_schema.store.diffraction import write_profiles
from matsift_schema.store.structures import store_structures

SALTS = [rock_salt("Na", "Cl", 5.64), rock_salt("Na", "F", 4.62), rock_salt("K", "Cl", 6.29)]


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rock salt as a diffractometer would measure it."""
    path = tmp_path_factory.mktemp("scan") / "unknown salt.xy"
    write_xy(path, simulate_pattern(SALTS[0], INSTRUMENT, np.random.default_rng(4)), "made for a test")
    return path


@pytest.fixture
def stored(database: str, own_home: None) -> str:
    """A database with the profiles of three salts, and no network."""
    profiles, failures = ideal_profiles(SALTS)
    assert not failures
    with Session(make_engine(database)) as session, session.begin():
        run = run_id(session, "salts")
        ids, _ = store_structures(session, run, [(crystal, describe(crystal), ()) for crystal in SALTS])
        set_id = ensure_descriptor_set(
            session,
            name=DIFFRACTION.name,
            version=DIFFRACTION.version,
            columns=DIFFRACTION.columns,
            description=DIFFRACTION.description,
            package_versions={},
        )
        keys = np.array([ids[crystal.content_hash] for crystal in SALTS])
        write_profiles(session, run, set_id, keys, profiles, seconds=np.full(len(keys), 0.001))
    return database


def test_a_salt_is_found_kept_once_and_drawn(stored: str, scan: Path, tmp_path: Path) -> None:
    first = matsift("identify", scan, "--wavelength", "CuKa").done()
    assert "Fm-3m (225)" in first
    assert "of 3 stored structures" in first
    assert "NaCl" in first
    assert "no network says its volume" in first
    assert (tmp_path / "home" / "patterns" / "unknown_salt.xy-1.html").stat().st_size > 100_000
    again = matsift("identify", scan, "--wavelength", "CuKa", "--out", tmp_path / "salt.svg").done()
    assert "given before" in again
    assert (tmp_path / "salt.svg").exists()
    assert rows_of(stored, "SELECT count(*) FROM matsift.pattern_identification") == [(1,)]
    assert rows_of(stored, "SELECT best_formula, space_group_number FROM analysis.identified_pattern") == [
        ("NaCl", 225)
    ]


def test_a_program_gets_all_of_it(stored: str, scan: Path) -> None:
    said = json.loads(matsift("identify", scan, "--wavelength", "CuKa", "--json", "--top", 2).done())
    assert said["phases"][0]["formula"] == "NaCl"
    assert said["phases"][0]["cell_scale"] == pytest.approx(1.0, abs=0.002)
    assert len(said["phases"]) == 2
    assert said["space_groups"][0]["number"] == 225
    assert said["primitive_cell_volume_angstrom3"] is None
    assert len(said["peaks"]["q_per_angstrom"]) >= 5


@pytest.mark.parametrize(
    ("content", "arguments", "told"),
    [
        ("", ["--wavelength", "CuKa"], "empty"),
        ("sample\tremark\ngood\tbad\nold\tnew\n", ["--wavelength", "CuKa"], "no table of numbers"),
        (None, [], "the file states no wavelength"),
        (None, ["--wavelength", "Copper"], "there is no wavelength 'Copper'"),
        (None, ["--wavelength", "CuKa", "--out", "picture.docx"], "use one of .html, .svg, .png, .pdf"),
        (None, ["--wavelength", "CuKa", "--study", "nowhere"], "the study 'nowhere' has no networks"),
    ],
    ids=["empty", "words", "no wavelength", "unknown wavelength", "unknown picture", "unknown study"],
)
def test_what_cannot_be_answered_gets_one_sentence(
    stored: str, scan: Path, tmp_path: Path, content: str | None, arguments: list[str], told: str
) -> None:
    path = scan
    if content is not None:
        path = tmp_path / "junk.xy"
        path.write_text(content)
    assert told in matsift("identify", path, *arguments).sentence
    assert rows_of(stored, "SELECT count(*) FROM matsift.measured_pattern") == [(0,)]


def test_of_several_files_the_good_ones_are_answered(stored: str, scan: Path, tmp_path: Path) -> None:
    (tmp_path / "junk.xy").write_text("")
    (tmp_path / "copy.xy").write_bytes(scan.read_bytes())
    ended = matsift("identify", scan, tmp_path / "junk.xy", tmp_path / "copy.xy", "--wavelength", "CuKa")
    assert ended.code == 1
    assert ended.sentence.startswith(str(tmp_path / "junk.xy"))
    assert ended.out.count("NaCl") >= 2
    assert ended.out.count("Kept as answer 1") == 2  # the same scan under another name
    refused = matsift("identify", scan, tmp_path / "copy.xy", "--wavelength", "CuKa", "--out", tmp_path / "a.svg")
    assert "names one file for 2 patterns" in refused.sentence


def test_a_database_without_profiles_says_what_to_do(database: str, own_home: None, scan: Path) -> None:
    ended = matsift("identify", scan, "--wavelength", "CuKa")
    assert "there is nothing to identify a pattern with" in ended.sentence


def test_a_demonstration_pattern_is_the_same_every_time(tmp_path: Path) -> None:
    crystal: Crystal = SALTS[0]
    for name in ("a.xy", "b.xy"):
        pattern = simulate_pattern(crystal, Instrument(noisy=True), np.random.default_rng([1, 7]))
        write_xy(tmp_path / name, pattern, "says")
    assert (tmp_path / "a.xy").read_bytes() == (tmp_path / "b.xy").read_bytes()
    assert (tmp_path / "a.xy").read_text().startswith("# says\n10.0000 ")

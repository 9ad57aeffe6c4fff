"""Folders that are handed out: written whole or not at all, known by their card, told apart when they come back."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from pymatgen.core import Structure
from tests.factories.crystals import rock_salt, shared_site
from tests.factories.dft_outputs import pw_output

from matsift.errors import OracleError, UserInputError
from matsift.study.handoff import EspressoOracle, HandOffOracle, ManualOracle, VaspOracle
from matsift_adapters.oracles.handoff import (
    Failed,
    Finished,
    Running,
    handed_out,
    method_of,
    read_card,
    read_folder,
    write_folder,
)
from matsift_adapters.oracles.registry import oracle

ESPRESSO = EspressoOracle(task="energy", pseudopotentials={"Na": "Na.upf", "Cl": "Cl.upf"})
SETTINGS: dict[str, HandOffOracle] = {
    "vasp": VaspOracle(),
    "espresso": ESPRESSO,
    "manual": ManualOracle(method="ultrasound"),
}
CARD = {"campaign": "c0ffee", "worker": "ada", "lease_expires_at": "2026-01-01T00:00:00Z"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for pw.x with rock salt in it."""
    path = tmp_path / "out" / "NaCl"
    write_folder(ESPRESSO, method_of(ESPRESSO), rock_salt(), path, CARD)
    return path


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_card_names_the_acquisition_and_what_was_handed_out(kind: str, tmp_path: Path) -> None:
    settings, crystal = SETTINGS[kind], rock_salt()
    write_folder(settings, "the-method", crystal, tmp_path / "a" / "b", {**CARD, "properties": ["k_vrh"]})
    card = read_card(tmp_path / "a" / "b")
    given = card.pop("handed_out")
    assert card == {**CARD, "properties": ["k_vrh"], "method": "the-method"}
    assert given["oracle"] == kind
    assert given["composition"] == {"Cl": 1, "Na": 1}
    assert (given["formula"], given["n_site"]) == ("NaCl", 2)
    assert given["structure_hash"] == crystal.content_hash
    assert given["volume_angstrom3"] == pytest.approx(crystal.volume, abs=1e-6)
    assert (tmp_path / "a" / "b" / "README.txt").is_file()
    assert list((tmp_path / "a").iterdir()) == [tmp_path / "a" / "b"]


@pytest.mark.parametrize("kind", SETTINGS)
def test_nothing_has_come_back_at_first(kind: str, tmp_path: Path) -> None:
    write_folder(SETTINGS[kind], "m", rock_salt(), tmp_path / "x", {})
    returned = read_folder(SETTINGS[kind], tmp_path / "x")
    assert isinstance(returned, Running)
    assert not returned.begun


def test_writing_again_leaves_a_folder_alone(folder: Path) -> None:
    (folder / "pw.out").write_text("half a day of work")
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    write_folder(ESPRESSO, method_of(ESPRESSO), rock_salt(), folder, {"worker": "bob"})
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert read_card(folder)["worker"] == "ada"


@pytest.mark.parametrize("empty", [True, False], ids=["empty folder", "no folder"])
def test_an_empty_folder_is_filled(empty: bool, tmp_path: Path) -> None:
    if empty:
        (tmp_path / "x").mkdir()
    write_folder(ESPRESSO, "m", rock_salt(), tmp_path / "x", {})
    assert sorted(path.name for path in (tmp_path / "x").iterdir()) == ["README.txt", "matsift.json", "pw.in"]
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(("method", "edge"), [("m", 5.7), ("other", 5.64)], ids=["another structure", "another method"])
def test_a_taken_folder_is_refused(method: str, edge: float, tmp_path: Path) -> None:
    write_folder(ESPRESSO, "m", rock_salt(), tmp_path / "x", {})
    with pytest.raises(UserInputError, match="holds another structure or method; name another folder"):
        write_folder(ESPRESSO, method, rock_salt(edge_angstrom=edge), tmp_path / "x", {})


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserInputError, match=r"holds no matsift\.json.*or name another folder to hand out into"):
        write_folder(ESPRESSO, "m", rock_salt(), tmp_path, {})


@pytest.mark.parametrize("kind", ["vasp", "espresso"])
def test_a_structure_without_inputs_leaves_nothing_behind(kind: str, tmp_path: Path) -> None:
    with pytest.raises(OracleError, match="disordered"):
        write_folder(SETTINGS[kind], "m", shared_site(), tmp_path / "x", {})
    assert list(tmp_path.iterdir()) == []


def test_disordered_crystals_can_be_measured(tmp_path: Path) -> None:
    write_folder(SETTINGS["manual"], "m", shared_site(), tmp_path / "x", {})
    there = Structure.from_file(tmp_path / "x" / "structure.cif")
    assert there.composition.reduced_formula == "K0.5Na0.5Cl1"


def test_a_card_that_fits_json_badly_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_folder(ESPRESSO, "m", rock_salt(), tmp_path / "x", {"worker": object()})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [(None, "holds no matsift.json"), ("{", "cannot be read"), ("[1]", "is not a card"), ("{}", "is not a card")],
    ids=["missing", "broken", "a list", "empty"],
)
def test_a_folder_with_a_bad_card_is_an_error(text: str | None, said: str, folder: Path) -> None:
    (folder / "matsift.json").unlink()
    if text is not None:
        (folder / "matsift.json").write_text(text)
    with pytest.raises(OracleError, match=said):
        read_folder(ESPRESSO, folder)


def test_a_folder_of_another_oracle_is_an_error(folder: Path) -> None:
    with pytest.raises(OracleError, match="handed out by the oracle 'espresso', and the study has 'vasp' now"):
        read_folder(VaspOracle(), folder)


def test_the_operator_may_give_up(folder: Path) -> None:
    (folder / "FAILED").write_text("the cell\nflies apart\n")
    assert read_folder(ESPRESSO, folder) == Failed("GivenUpError", "the operator gave up: the cell flies apart")
    (folder / "FAILED").write_text("")
    assert read_folder(ESPRESSO, folder) == Failed("GivenUpError", "the operator gave up: no reason was written")


@pytest.mark.parametrize(("hours", "ended"), [(11.9, False), (12.1, True)], ids=["running", "dead"])
def test_an_output_that_breaks_off_is_running_until_it_is_quiet(hours: float, ended: bool, folder: Path) -> None:
    (folder / "pw.out").write_text(pw_output(rock_salt(), done=False))
    then = time.time() - hours * 3600
    for path in (*folder.iterdir(), folder):
        os.utime(path, (then, then))
    returned = read_folder(ESPRESSO, folder)
    if ended:
        assert isinstance(returned, Failed)
        assert returned.error_class == "TruncatedOutputError"
        assert returned.message == (
            "pw.out breaks off before its end, and nothing in the folder changed for 12 h; run it again"
        )
    else:
        assert returned == Running("pw.out breaks off before its end", begun=True)


def test_a_folder_that_nobody_began_is_never_dead(folder: Path) -> None:
    for path in (*folder.iterdir(), folder):
        os.utime(path, (0, 0))
    assert read_folder(ESPRESSO, folder) == Running("pw.out has not come back yet")


@pytest.mark.parametrize(
    ("wanted", "values"),
    [(["band_gap"], None), (["energy_per_atom", "band_gap"], 1), (["energy_per_atom"], 1), ([], 1)],
    ids=["only what is not there", "some", "all", "nothing"],
)
def test_a_finished_run_without_anything_wanted_is_a_failure(
    wanted: list[str], values: int | None, tmp_path: Path
) -> None:
    write_folder(ESPRESSO, "m", rock_salt(), tmp_path / "x", {"properties": wanted})
    (tmp_path / "x" / "pw.out").write_text(pw_output(rock_salt()))
    returned = read_folder(ESPRESSO, tmp_path / "x")
    if values is None:
        reason = "there are no empty bands, or the XML file is not here"
        assert returned == Failed("MissingPropertyError", f"the run is finished, but gives no band_gap: {reason}")
    else:
        assert isinstance(returned, Finished)
        assert len(returned.values) == values


def test_folders_are_found_in_a_place_and_in_themselves(tmp_path: Path) -> None:
    for name in ("b", "a"):
        write_folder(ESPRESSO, "m", rock_salt(), tmp_path / name, {})
    (tmp_path / "notes").mkdir()
    (tmp_path / "list.txt").write_text("")
    assert list(handed_out(tmp_path)) == [tmp_path / "a", tmp_path / "b"]
    assert list(handed_out(tmp_path / "a")) == [tmp_path / "a"]
    assert list(handed_out(tmp_path / "list.txt")) == []
    assert list(handed_out(tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (VaspOracle(), VaspOracle(input_set="MPRelaxSet", quiet_hours=1), True),
        (VaspOracle(), VaspOracle(incar={"ENCUT": 600}), False),
        (VaspOracle(incar={"encut": 600}), VaspOracle(incar={"ENCUT": 600}), True),
        (VaspOracle(), VaspOracle(task="energy"), False),
        (VaspOracle(), VaspOracle(kpoints={"reciprocal_density": 100}), False),
        (VaspOracle(), VaspOracle(potcars={"Na": "Na"}), False),
        (VaspOracle(), VaspOracle(potcar_functional="PBE_54"), False),
        (ESPRESSO, ESPRESSO.model_copy(update={"pseudopotential_folder": "/elsewhere", "quiet_hours": 1.0}), True),
        (ESPRESSO, ESPRESSO.model_copy(update={"cutoff_ry": 61.0}), False),
        (ESPRESSO, ESPRESSO.model_copy(update={"kpoint_spacing": 0.1}), False),
        (ESPRESSO, ESPRESSO.model_copy(update={"smearing": "none"}), False),
        (ESPRESSO, ESPRESSO.model_copy(update={"pseudopotentials": {"Na": "Na.upf", "Cl": "other.upf"}}), False),
        (ESPRESSO, ESPRESSO.model_copy(update={"namelists": {"system": {"nspin": 2}}}), False),
        (ManualOracle(method="x"), ManualOracle(method="x", units={"k_vrh": "kbar"}), True),
    ],
)
def test_methods_differ_where_the_number_may(one: HandOffOracle, other: HandOffOracle, same: bool) -> None:
    assert (method_of(one) == method_of(other)) is same


def test_the_registry_hands_off() -> None:
    asked = oracle(VaspOracle(task="elasticity"))
    assert (asked.name, asked.mode, asked.origin) == ("vasp", "hands_off", "oracle:vasp")
    assert asked.method.startswith("vasp-MVLElasticSet-elasticity-")
    assert {"k_vrh", "g_vrh"} <= set(asked.properties)
    assert oracle(ManualOracle(method="resonant-ultrasound")).method == "resonant-ultrasound"

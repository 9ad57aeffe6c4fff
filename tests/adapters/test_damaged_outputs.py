"""Outputs damaged at random: a folder is finished, failed or running, and never an error of ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.factories.crystals import rock_salt
from tests.factories.dft_outputs import outcar, pw_output, run_of, unpacked

from matsift.crystal import Crystal
from matsift.errors import OracleError
from matsift.study.handoff import EspressoOracle, HandOffOracle, VaspOracle
from matsift_adapters.oracles.handoff import Failed, Finished, Running, read_folder, write_folder

VASP = VaspOracle(task="elasticity")
ESPRESSO = EspressoOracle(task="energy", pseudopotentials={"Na": "Na.upf", "Cl": "Cl.upf", "Si": "Si.upf"})

#: Cuts: where, how long, and what stands in their place.
DAMAGE = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 400),
        st.sampled_from([b"", b"****", b"\xff\x00", b"nan", b"</i>", b"<r>", b"-1"]),
    ),
    min_size=1,
    max_size=4,
)


def damaged(whole: bytes, damage: list[tuple[float, int, bytes]]) -> bytes:
    """Return a file of which pieces are cut out or written over."""
    for where, length, instead in damage:
        start = int(where * len(whole))
        whole = whole[:start] + instead + whole[start + length :]
    return whole


def check(asked: HandOffOracle, folder: Path) -> None:
    """Assert that a folder has an outcome with one short sentence, and finite values if it has any."""
    try:
        returned = read_folder(asked, folder)
    except OracleError as error:
        pytest.fail(f"a damaged output is no error: {error}")
    if isinstance(returned, Finished):
        assert all(abs(value) < float("inf") for value in returned.values.values())
        return
    assert isinstance(returned, Failed | Running)
    assert "\n" not in returned.message
    assert 0 < len(returned.message) < 500


@pytest.fixture(scope="module")
def vasp_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose run of VASP is finished."""
    folder = tmp_path_factory.mktemp("vasp") / "x"
    write_folder(VASP, "m", rock_salt(), folder, {})
    (folder / "vasprun.xml").write_text(run_of(folder))
    (folder / "OUTCAR").write_text(outcar(tensor_gpa=np.eye(6) * 50 + 20))
    assert isinstance(read_folder(VASP, folder), Finished)
    return folder


@pytest.fixture(scope="module")
def espresso_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose run of pw.x is finished."""
    folder = tmp_path_factory.mktemp("espresso") / "x"
    write_folder(ESPRESSO, "m", rock_salt(), folder, {})
    (folder / "pw.out").write_text(pw_output(rock_salt()))
    assert isinstance(read_folder(ESPRESSO, folder), Finished)
    return folder


@pytest.mark.parametrize("name", ["vasprun.xml", "OUTCAR"])
@settings(max_examples=60)
@given(damage=DAMAGE)
def test_damaged_outputs_of_vasp(name: str, damage: list[tuple[float, int, bytes]], vasp_folder: Path) -> None:
    whole = (vasp_folder / name).read_bytes()
    try:
        (vasp_folder / name).write_bytes(damaged(whole, damage))
        check(VASP, vasp_folder)
    finally:
        (vasp_folder / name).write_bytes(whole)


@settings(max_examples=60)
@given(damage=DAMAGE)
def test_damaged_outputs_of_pw(damage: list[tuple[float, int, bytes]], espresso_folder: Path) -> None:
    whole = (espresso_folder / "pw.out").read_bytes()
    try:
        (espresso_folder / "pw.out").write_bytes(damaged(whole, damage))
        check(ESPRESSO, espresso_folder)
    finally:
        (espresso_folder / "pw.out").write_bytes(whole)


@pytest.fixture(scope="module")
def real_xml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the XML file of a real run, of silicon."""
    folder = tmp_path_factory.mktemp("xml")
    fixtures = unpacked("aiida_qe_pw_fixtures.tar.gz", folder / "real") / "fixtures" / "pw"
    silicon = Crystal.ordered(2.7 * (np.ones((3, 3)) - np.eye(3)), ["Si", "Si"], np.array([[0.0] * 3, [0.25] * 3]))
    write_folder(ESPRESSO, "m", silicon, folder / "x", {})
    card = json.loads((folder / "x" / "matsift.json").read_text())
    card["handed_out"]["inputs"] = {}
    (folder / "x" / "matsift.json").write_text(json.dumps(card))
    shutil.copy(fixtures / "default_xml_220603" / "data-file-schema.xml", folder / "x")
    assert isinstance(read_folder(ESPRESSO, folder / "x"), Finished)
    return folder / "x"


@settings(max_examples=60)
@given(damage=DAMAGE)
def test_damaged_xml_of_pw(damage: list[tuple[float, int, bytes]], real_xml: Path) -> None:
    whole = (real_xml / "data-file-schema.xml").read_bytes()
    try:
        (real_xml / "data-file-schema.xml").write_bytes(damaged(whole, damage))
        check(ESPRESSO, real_xml)
    finally:
        (real_xml / "data-file-schema.xml").write_bytes(whole)

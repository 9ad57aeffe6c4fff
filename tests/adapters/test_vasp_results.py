"""VASP folders read back: every real output has its outcome, and whatever is wrong is told in one sentence."""

from __future__ import annotations

import gzip
import json
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymatgen.io.vasp.outputs import Outcar, Vasprun
from tests.factories.crystals import rock_salt
from tests.factories.dft_outputs import outcar, run_of, unpacked

from matsift.crystal import Crystal
from matsift.elasticity.moduli import moduli
from matsift.study.handoff import VaspOracle
from matsift_adapters.oracles.band_gap import band_gap
from matsift_adapters.oracles.handoff import Failed, Finished, Running, read_folder, write_folder

TENSOR = np.diag([100.0, 110.0, 120.0, 30.0, 31.0, 32.0])
TENSOR[0, 1] = TENSOR[1, 0] = 40.0
TENSOR[0, 2] = TENSOR[2, 0] = 50.0
TENSOR[1, 2] = TENSOR[2, 1] = 45.0
TENSOR[3, 5] = TENSOR[5, 3] = 2.5

#: Real output -> composition, task, and its energy per atom (eV) and gap (eV), or its failure.
REAL: dict[str, tuple[dict[str, int], str, tuple[float, float] | str]] = {
    "Al": ({"Al": 1}, "relaxation", (-3.74198121, 0.0)),
    "BSE": ({"Si": 2}, "energy", "WrongTaskError"),
    "GW0": ({"Si": 2}, "energy", "WrongTaskError"),
    "LiF": ({"F": 1, "Li": 1}, "energy", (-4.82294842, 8.7259)),
    "LiH_bad_efermi": ({"H": 1, "Li": 1}, "energy", (-3.410245745, 3.583)),
    "bad": ({"Fe": 4, "Li": 1, "O": 16, "P": 4}, "energy", "TruncatedOutputError"),
    "bad_fermi": ({"Si": 2}, "energy", "WrongTaskError"),
    "charged": ({"Si": 2}, "relaxation", (-3.323072765, 0.0)),
    "chi": ({"C": 1, "Si": 1}, "energy", "WrongTaskError"),
    "dfpt.phonon": ({"Si": 16}, "energy", (-5.423025971875, 0.6506)),
    "dfpt.unconverged": ({"Si": 2}, "energy", "UnconvergedError"),
    "dfpt": ({"Al": 4, "O": 6}, "energy", (-7.480839851, 6.0447)),
    "dielectric": ({"Si": 2}, "energy", (-5.42454063, 0.6233)),
    "dielectric_5.4.4": ({"F": 32, "Fe": 12, "O": 2}, "energy", "UnreadableOutputError"),
    "dielectric_6.0.8": ({"Bi": 4, "Li": 12, "O": 14}, "energy", (-6.328491939666667, 1.1466)),
    "dielectric_bad": ({"F": 32, "Fe": 12, "O": 2}, "energy", "UnreadableOutputError"),
    "ediffg_set_to_0": ({"F": 1, "Rb": 2}, "relaxation", (-11.53388068, 0.0)),
    "etest1": ({"Cu": 1}, "relaxation", (-11.18981538, 0.0)),
    "etest2": ({"Cu": 1}, "relaxation", (-11.18986774, 0.0)),
    "etest3": ({"Cu": 1}, "relaxation", (-15.89355324, 0.0)),
    "etest4": ({"Cu": 1}, "relaxation", (-15.89364691, 0.0)),
    "force_hybrid_like_calc": ({"O": 6, "Si": 3}, "energy", (-7.90797306, 5.6909)),
    "indirect": ({"Si": 2}, "energy", "WrongTaskError"),
    "md": ({"Si": 64}, "relaxation", "WrongTaskError"),
    "optical_transitions": ({"Si": 2}, "energy", "WrongTaskError"),
    "scan_rvv10": ({"Li": 8, "N": 1, "O": 3}, "energy", (-5.346920285, 0.0)),
    "split.charged": ({"B": 2}, "energy", (-1.280320925, 0.0)),
    "uniform": ({"Si": 2}, "energy", "WrongTaskError"),
    "vdw": ({"Cl": 1, "Cs": 1}, "relaxation", (-4.891553385, 5.1381)),
    "wrong_sp": ({"Zn": 1}, "energy", "UnreadableOutputError"),
    "xe": ({"Xe": 1}, "relaxation", (0.5559329, 6.1511)),
    "Li_no_projected": ({"Li": 1}, "relaxation", (-1.92655647, 0.0)),
    "Si_bands": ({"Si": 2}, "energy", "WrongTaskError"),
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The published outputs by what tells their names apart."""
    folder = unpacked("pymatgen_vasprun_small.tar.gz", tmp_path_factory.mktemp("vasp"))
    named = {path: re.sub(r"^vasprun[._]|\.xml\.gz$", "", path.name) for path in folder.rglob("*.gz")}
    return {name: path for path, name in named.items()}


def put(folder: Path, composition: dict[str, int], source: Path) -> None:
    """Lay a real output into a folder as if its structure had been handed out."""
    folder.mkdir()
    given = {"oracle": "vasp", "composition": composition, "inputs": {}}
    (folder / "matsift.json").write_text(json.dumps({"method": "m", "handed_out": given}))
    (folder / "vasprun.xml.gz").write_bytes(source.read_bytes())


def test_every_real_output_stands_in_the_table(real: dict[str, Path]) -> None:
    assert set(REAL) == set(real)


@pytest.mark.parametrize("name", REAL)
def test_real_outputs(name: str, real: dict[str, Path], tmp_path: Path) -> None:
    composition, task, expected = REAL[name]
    put(tmp_path / "x", composition, real[name])
    returned = read_folder(VaspOracle.model_validate({"task": task, "quiet_hours": 0}), tmp_path / "x")
    if isinstance(expected, str):
        assert isinstance(returned, Failed)
        assert returned.error_class == expected
        assert "\n" not in returned.message
        assert len(returned.message) < 300
        return
    assert isinstance(returned, Finished)
    assert returned.values["energy_per_atom"] == pytest.approx(expected[0], abs=1e-9)
    assert returned.values["band_gap"] == pytest.approx(expected[1], abs=1e-6)
    assert returned.detail["n_atom"] == sum(composition.values())
    assert returned.detail["code"].startswith("VASP ")
    json.dumps(returned.detail, allow_nan=False)


@pytest.mark.parametrize("name", [name for name, (_, _, expected) in REAL.items() if not isinstance(expected, str)])
def test_gaps_agree_with_pymatgen_where_no_band_is_partly_filled(name: str, real: dict[str, Path]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run = Vasprun(str(real[name]), parse_dos=False, parse_potcar_file=False)
    assert run.eigenvalues is not None
    ours = band_gap([(values[..., 0], values[..., 1]) for values in run.eigenvalues.values()])
    occupations = np.concatenate([values[..., 1].ravel() for values in run.eigenvalues.values()])
    partly = np.minimum(np.abs(occupations), np.abs(1 - occupations)).max() > 0.1
    if partly or ours == 0:
        assert ours == 0
    else:
        assert ours == pytest.approx(run.eigenvalue_band_properties[0], abs=1e-6)


@pytest.mark.parametrize("name", ["Al", "LiF", "dfpt"])
@pytest.mark.parametrize("kept", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("packed", [True, False], ids=["broken gz", "broken xml"])
def test_truncated_outputs_are_running_then_dead(
    name: str, kept: float, packed: bool, real: dict[str, Path], tmp_path: Path
) -> None:
    composition, task, _ = REAL[name]
    put(tmp_path / "x", composition, real[name])
    path = tmp_path / "x" / "vasprun.xml.gz"
    whole = path.read_bytes()
    if packed:
        path.write_bytes(whole[: int(kept * len(whole))])
    else:
        text = gzip.decompress(whole)
        path.unlink()
        (tmp_path / "x" / "vasprun.xml").write_bytes(text[: int(kept * len(text))])
    running = read_folder(VaspOracle.model_validate({"task": task}), tmp_path / "x")
    assert isinstance(running, Running)
    assert running.begun
    dead = read_folder(VaspOracle.model_validate({"task": task, "quiet_hours": 0}), tmp_path / "x")
    assert isinstance(dead, Failed)
    assert dead.error_class == "TruncatedOutputError"


@pytest.mark.parametrize(
    "content",
    [
        b"data_NaCl\n_cell_length_a 5.6\n",
        b"<html><body>404</body></html>",
        b"\x00\x01\x02" * 500,
        b"<?xml version='1.0'?><cml/>",
    ],
    ids=["cif", "html", "bytes", "other xml"],
)
def test_a_wrong_file_is_a_failure(content: bytes, tmp_path: Path) -> None:
    folder = _handed(tmp_path, VaspOracle())
    (folder / "vasprun.xml").write_bytes(content)
    returned = read_folder(VaspOracle(), folder)
    assert returned == Failed("WrongFileError", "vasprun.xml is no output of VASP; bring back the file that VASP wrote")


def _handed(tmp_path: Path, settings: VaspOracle, crystal: Crystal | None = None) -> Path:
    write_folder(settings, "m", crystal or rock_salt(), tmp_path / "x", {})
    return tmp_path / "x"


def _run(folder: Path, tags: dict[str, Any] | None = None, **said: Any) -> None:
    (folder / "vasprun.xml").write_text(run_of(folder, tags, **said))


def test_a_tensor_stands_in_voigt_order_and_gpa(tmp_path: Path) -> None:
    settings = VaspOracle(task="elasticity")
    folder = _handed(tmp_path, settings)
    _run(folder, energies=(-6.4, -6.5), stress_kbar=10.0)
    (folder / "OUTCAR").write_text(outcar(tensor_gpa=TENSOR))
    returned = read_folder(settings, folder)
    assert isinstance(returned, Finished)
    assert np.array(returned.detail["tensor_gpa"]) == pytest.approx(TENSOR)
    expected = moduli(TENSOR)
    for name in ("k_vrh", "g_vrh", "k_voigt", "k_reuss", "g_voigt", "g_reuss"):
        assert returned.values[name] == pytest.approx(float(getattr(expected, name)[0]))
    assert returned.values["energy_per_atom"] == -3.2
    assert returned.detail["born_stable"]
    assert returned.detail["pressure_gpa"] == pytest.approx(1.0)
    theirs = Outcar.__new__(Outcar)
    theirs.filename, theirs.data = str(folder / "OUTCAR"), {}
    theirs.read_elastic_tensor()
    order = [0, 1, 2, 4, 5, 3]
    assert np.array(theirs.data["elastic_tensor"])[np.ix_(order, order)] / 10 == pytest.approx(TENSOR)


def test_a_tensor_that_is_not_stable_is_told_as_it_is(tmp_path: Path) -> None:
    settings = VaspOracle(task="elasticity")
    folder = _handed(tmp_path, settings)
    _run(folder)
    (folder / "OUTCAR").write_text(outcar(tensor_gpa=TENSOR - np.diag([0, 0, 0, 60.0, 0, 0])))
    returned = read_folder(settings, folder)
    assert isinstance(returned, Finished)
    assert returned.detail["born_stable"] is False


@pytest.mark.parametrize(
    ("change", "error_class", "said"),
    [
        (lambda f: _run(f, stress_kbar=30.0), "NotRelaxedError", "stands under 3.0 GPa, more than 2; relax it first"),
        (lambda f: (f / "OUTCAR").write_text(outcar()), "MissingOutputError", "OUTCAR holds no total elastic moduli"),
        (lambda f: (f / "OUTCAR").unlink(), "MissingOutputError", "OUTCAR has not come back"),
        (
            lambda f: (f / "OUTCAR").write_text(outcar(tensor_gpa=np.full((6, 6), 50.0))),
            "SingularTensorError",
            "singular",
        ),
        (
            lambda f: (f / "OUTCAR").write_text(outcar(tensor_gpa=TENSOR).replace("1100.0000", "*" * 9)),
            "MissingOutputError",
            "OUTCAR holds no total elastic moduli",
        ),
        (
            lambda f: (f / "OUTCAR").write_text(outcar(tensor_gpa=TENSOR, energy=-7.0)),
            "MixedOutputError",
            "of different runs",
        ),
        (
            lambda f: (f / "OUTCAR").write_text(outcar(tensor_gpa=TENSOR, n_ion=4)),
            "MixedOutputError",
            "of different runs",
        ),
        (lambda f: (f / "vasprun.xml").unlink(), "MissingOutputError", "vasprun.xml is not here; bring it back too"),
        (
            lambda f: (f / "vasprun.xml").write_text((f / "vasprun.xml").read_text()[:-200]),
            "TruncatedOutputError",
            "VASP ended, but an output breaks off",
        ),
        (lambda f: _run(f, n_electronic=60), "UnconvergedError", "did not converge within NELM = 60 steps"),
    ],
    ids=[
        "pressure",
        "no tensor",
        "no OUTCAR",
        "singular",
        "stars",
        "other energy",
        "other atoms",
        "no xml",
        "half xml",
        "nelm",
    ],
)
def test_what_can_go_wrong_with_a_tensor(
    change: Callable[[Path], Any], error_class: str, said: str, tmp_path: Path
) -> None:
    settings = VaspOracle(task="elasticity", incar={"NELM": 60})
    folder = _handed(tmp_path, settings)
    _run(folder)
    (folder / "OUTCAR").write_text(outcar(tensor_gpa=TENSOR))
    assert isinstance(read_folder(settings, folder), Finished)
    change(folder)
    returned = read_folder(settings, folder)
    assert isinstance(returned, Failed)
    assert (returned.error_class, said in returned.message) == (error_class, True), returned.message


@pytest.mark.parametrize(
    ("change", "error_class", "said"),
    [
        (
            lambda f: _run(f, {"ENCUT": 400.0}),
            "ChangedInputsError",
            "ENCUT was 400.0 in the run and 520.0 when it was handed out",
        ),
        (
            lambda f: _run(f, {"METAGGA": "R2SCAN"}),
            "ChangedInputsError",
            "METAGGA was R2scan in the run and not set when",
        ),
        (lambda f: _run(f, {"LDAU": True}), "ChangedInputsError", "LDAU was True in the run and not set when"),
        (lambda f: _run(f, {"NELECT": 15.0}), "ChangedInputsError", "NELECT was 15.0"),
        (lambda f: _run(f, {"ISMEAR": 0}), "ChangedInputsError", "ISMEAR was 0 in the run and -5"),
        (lambda f: _run(f, mesh=(1, 1, 1)), "ChangedInputsError", "the k-point mesh was [1, 1, 1] in the run"),
        (lambda f: _run(f, potcars=("Na", "Cl")), "ChangedInputsError", "took the pseudopotentials ['Na', 'Cl']"),
        (lambda f: _run(f, crystal=rock_salt("Cl", "Na")), "fine", ""),
        (lambda f: _run(f, crystal=rock_salt("K", "Cl")), "WrongStructureError", "is about Cl1 K1, and Cl1 Na1 was"),
        (lambda f: _run(f, {"NSW": 0}), "WrongTaskError", "it is a single point"),
        (lambda f: _run(f, {"IBRION": 0}), "WrongTaskError", "molecular dynamics"),
        (lambda f: _run(f, {"NSW": 1, "ICHARG": 11}), "WrongTaskError", "its charge density was held fixed"),
        (lambda f: _run(f, {"ALGO": "GW0"}), "WrongTaskError", "no ground-state energy (ALGO = gw0)"),
        (lambda f: _run(f, energies=[-6.5] * 99), "UnconvergedError", "stopped after 99 steps before it converged"),
        (
            lambda f: (f / "OUTCAR").write_text(outcar().replace("reached required accuracy", "")),
            "UnconvergedError",
            "stopped after 1 steps before it converged; go on from CONTCAR",
        ),
        (lambda f: (f / "OUTCAR").write_text("  hard stop encountered!"), "VaspError", "STOPCAR ended the run"),
        (lambda f: (f / "vasp.out").write_text("VERY BAD NEWS! internal error"), "VaspError", "(VERY BAD NEWS)"),
        (lambda f: _run(f, {"ENCUT": 520.00000001, "PREC": "accura", "NCORE": 4, "ALGO": "Normal"}), "fine", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_go_wrong_with_a_relaxation(
    change: Callable[[Path], Any], error_class: str, said: str, tmp_path: Path
) -> None:
    folder = _handed(tmp_path, VaspOracle())
    _run(folder)
    assert isinstance(read_folder(VaspOracle(), folder), Finished)
    change(folder)
    returned = read_folder(VaspOracle(), folder)
    if error_class == "fine":
        assert isinstance(returned, Finished)
        return
    assert isinstance(returned, Failed)
    assert (returned.error_class, said in returned.message) == (error_class, True), returned.message


def test_the_energy_of_a_cell_is_not_that_of_another(tmp_path: Path) -> None:
    settings = VaspOracle(task="energy")
    folder = _handed(tmp_path, settings)
    _run(folder)
    assert isinstance(read_folder(settings, folder), Finished)
    for said in ({"crystal": rock_salt(edge_angstrom=5.7)}, {"energies": (-6.4, -6.5)}):
        _run(folder, **said)
        returned = read_folder(settings, folder)
        assert isinstance(returned, Failed)
        assert returned.error_class == "WrongTaskError"
        assert "its cell or its atoms moved" in returned.message


def test_plus_u_and_moments_by_element_come_back_as_they_went(tmp_path: Path) -> None:
    settings = VaspOracle(incar={"LDAU": True, "LDAUU": {"Fe": 4.0}})
    folder = _handed(tmp_path, settings, rock_salt("Fe", "O", 4.3))
    _run(folder, potcars=("Fe_pv", "O"))
    assert isinstance(read_folder(settings, folder), Finished)
    _run(folder, {"LDAUU": [5.0, 0]}, potcars=("Fe_pv", "O"))
    returned = read_folder(settings, folder)
    assert isinstance(returned, Failed)
    assert returned.message.startswith("LDAUU was [5.0, 0.0] in the run and [4.0, 0] when it was handed out")


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ([([[0, 1]], [[1, 0]])], 1.0),
        ([([[0, 1], [0.5, 3]], [[1, 0], [1, 0]])], 0.5),
        ([([[0, 1], [1.5, 3]], [[1, 0], [1, 0]])], 0.0),
        ([([[0, 1], [0, 1]], [[1, 0], [1, 1]])], 0.0),
        ([([[0, 1]], [[1, 0.4]])], 0.0),
        ([([[0, 1]], [[1, 0.04]])], 1.0),
        ([([[0, 1]], [[1, 1]])], None),
        ([([[0, 1]], [[0, 0]])], None),
        ([([[0, float("nan")]], [[1, 0]])], None),
        ([([[0, 2]], [[1, 0]]), ([[0, 1.5]], [[1, 0]])], 1.5),
        ([([[0, 2]], [[1, 1]]), ([[3, 4]], [[0, 0]])], 1.0),
    ],
    ids=[
        "one k",
        "indirect",
        "overlap",
        "crossing",
        "partly filled",
        "smeared",
        "no empty",
        "no full",
        "no number",
        "two spins",
        "ferromagnet",
    ],
)
def test_band_gaps(channels: list[tuple[list[list[float]], list[list[float]]]], expected: float | None) -> None:
    assert band_gap([(np.array(e, float), np.array(f, float)) for e, f in channels]) == expected

"""GPAW as an oracle: the real one where it is installed, and a stand-in that dies, lies and does not converge."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import bulk

from matsift.candidates.cubic import cubic_crystal
from matsift.crystal import Crystal
from matsift.density.grid import DensityGrid
from matsift.density.promolecule import SMEARING_B_ANGSTROM2, promolecule
from matsift.density.resample import smeared
from matsift.errors import OracleError, UserInputError
from matsift.study.oracles import GpawOracle
from matsift_adapters.oracles import gpaw, gpaw_density
from matsift_adapters.oracles.registry import oracle

PYTHON = "/usr/bin/python3"
_HAS_GPAW = (
    Path(PYTHON).exists()
    and subprocess.run([PYTHON, "-I", "-c", "import gpaw"], capture_output=True, check=False).returncode == 0
)
needs_gpaw = pytest.mark.skipif(not _HAS_GPAW, reason="GPAW is not installed: apt-get install gpaw gpaw-data")

#: Coarse, so that a point takes a second.
COARSE: dict[str, Any] = {"cutoff_ev": 250.0, "kpoint_density": 1.2}

_DIRECT = """
import json
from ase.build import bulk
from gpaw import GPAW, PW, FermiDirac
atoms = bulk("Al", "fcc", a=4.05)
atoms.calc = GPAW(mode=PW(250), xc="PBE", kpts={"size": KPOINTS, "gamma": True}, occupations=FermiDirac(0.1), txt=None)
print(json.dumps(atoms.get_potential_energy()))
"""


def crystal(name: str = "Al", prototype: str = "fcc", a: float = 4.05) -> Crystal:
    atoms = bulk(name, prototype, a=a)
    return Crystal.ordered(atoms.cell.array, list(atoms.get_chemical_symbols()), atoms.get_scaled_positions())


def label(of: Crystal, **settings: Any) -> dict[str, Any]:
    return gpaw.label((GpawOracle(**{**COARSE, **settings}).model_dump(), of))


@needs_gpaw
def test_the_energy_is_that_of_a_run_by_hand() -> None:
    said = label(crystal(), task="energy")
    script = _DIRECT.replace("KPOINTS", str(said["detail"]["kpoints"]))
    by_hand = subprocess.run([PYTHON, "-I", "-c", script], capture_output=True, text=True, check=True, env=_clean())
    assert said["energy_per_atom"] == pytest.approx(json.loads(by_hand.stdout.splitlines()[-1]), abs=1e-3)


@needs_gpaw
def test_the_equation_of_state_of_aluminium_and_what_stands_beside_it() -> None:
    conventional = crystal(a=3.9).to_pymatgen().to_conventional()
    said = label(Crystal.from_pymatgen(conventional), step=0.025)
    assert len(said["detail"]["relaxed"]["species"]) == 1, "the primitive cell is computed"
    assert said["k_vrh"] == pytest.approx(77, abs=15)  # PBE
    detail = said["detail"]
    assert detail["volume_per_atom_angstrom3"] == pytest.approx(16.5, abs=0.6)
    assert len(detail["energies_ev"]) == len(detail["volumes_angstrom3"]) == 5
    assert np.argmin(detail["energies_ev"]) == 2
    assert detail["versions"]["gpaw"] == GpawOracle().version
    assert set(detail["setups"]) == {"Al"}
    assert detail["parameters"]["cutoff_ev"] == 250.0
    assert json.loads(json.dumps(detail)) == detail


@needs_gpaw
@pytest.mark.bench
def test_the_tensor_of_silicon_is_that_of_the_literature_and_of_its_volumes() -> None:
    said = label(crystal("Si", "diamond", 5.45), task="elasticity", cutoff_ev=300.0, kpoint_density=1.5)
    tensor = np.array(said["detail"]["tensor_gpa"])
    c11, c12, c44 = tensor[0, 0], tensor[0, 1], tensor[3, 3]
    np.testing.assert_allclose([c11, c12, c44], [153, 57, 74], rtol=0.1)  # PBE, Materials Project mp-149
    assert said["k_vrh"] == pytest.approx(said["detail"]["k_equation_of_state_gpa"], rel=0.1)
    assert said["born_stable"]


@needs_gpaw
def test_silicon_has_its_gap_by_pbe_between_two_k_points() -> None:
    said = label(crystal("Si", "diamond", 5.43), task="band_gap", kpoint_density=1.0)
    assert said["band_gap"] == pytest.approx(0.65, abs=0.12)
    assert said["energy_per_atom"] < -4
    detail = said["detail"]
    assert detail["valence_band_maximum_kpoint"] == [0, 0, 0]
    assert detail["conduction_band_minimum_kpoint"] != [0, 0, 0]
    assert detail["conduction_band_minimum_ev"] - detail["valence_band_maximum_ev"] == pytest.approx(said["band_gap"])
    assert detail["direct_gap_ev"] > 2
    assert (detail["n_electron"], detail["n_band"]) == (8, 7)
    assert json.loads(json.dumps(detail)) == detail


@needs_gpaw
def test_an_element_without_a_data_set_is_named() -> None:
    with pytest.raises(OracleError, match=r"no data set for an element.*Pu"):
        label(crystal("Pu", "fcc", 4.6))


@needs_gpaw
def test_gpaw_ends_with_the_worker_that_asked_it(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    script = (
        "import sys, time; from pathlib import Path\n"
        "from matsift.study.oracles import GpawOracle\n"
        "from matsift_adapters.oracles.gpaw import GpawEngine\n"
        "engine = GpawEngine(('Al',), GpawOracle().model_dump())\n"
        "Path(sys.argv[1]).write_text(str(engine._process.pid))\n"
        "time.sleep(600)\n"
    )
    worker = subprocess.Popen([sys.executable, "-c", script, str(told)])
    _wait_until(lambda: told.exists() and told.read_text() != "")
    pid = int(told.read_text())
    os.kill(pid, 0)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    _wait_until(lambda: not _runs(pid))


@pytest.mark.parametrize(
    ("python", "sentence"),
    [
        pytest.param("/no/such/python", "/no/such/python cannot be run .*apt-get install gpaw", id="no interpreter"),
        pytest.param("/bin/false", "GPAW is not installed for /bin/false; install it with `apt-get", id="no gpaw"),
    ],
)
def test_where_gpaw_is_absent_the_remedy_is_told_before_anything_is_claimed(python: str, sentence: str) -> None:
    asked = oracle(GpawOracle(python=python))
    with pytest.raises(UserInputError, match=sentence):
        asked.check()
    with pytest.raises(UserInputError, match=sentence):
        asked.payload(crystal())


def stand_in(folder: Path, *answers: str, exit_code: int = 0) -> str:
    """An executable in place of Python that answers each line of its input with the next of some lines."""
    lines = "".join(f"read -r line\necho '{answer}'\n" for answer in answers)
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{lines}read -r line\nexit {exit_code}\n")
    path.chmod(0o755)
    return str(path)


VERSIONS = '{"versions": {"gpaw": "22.8.0"}}'


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        pytest.param([], "GPAW died with exit code 3", id="dies at once"),
        pytest.param([VERSIONS], "GPAW died with exit code 3", id="dies on a cell"),
        pytest.param([VERSIONS, "Segmentation fault"], "what is no JSON: 'Segmentation fault", id="no JSON"),
        pytest.param(
            [VERSIONS, '{"error": "KohnShamConvergenceError", "message": "see the log"}'],
            "the self-consistent cycle of GPAW did not converge",
            id="no convergence",
        ),
        pytest.param([VERSIONS, '{"error": "MemoryError", "message": ""}'], "stopped with MemoryError", id="memory"),
        pytest.param(['{"error": "no gpaw", "message": "x"}'], "GPAW is not installed; install it with", id="no gpaw"),
        pytest.param(['{"versions": {"gpaw": "24.6.0"}}'], "has GPAW 24.6.0, the study asks for 22.8.0", id="version"),
    ],
)
def test_what_goes_wrong_is_one_sentence(tmp_path: Path, answers: list[str], sentence: str) -> None:
    with pytest.raises(OracleError, match=sentence):
        label(crystal(), python=stand_in(tmp_path, *answers, exit_code=3))


def test_an_interpreter_of_another_version_is_refused_before_anything_is_claimed(tmp_path: Path) -> None:
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\necho 24.6.0\n")
    path.chmod(0o755)
    with pytest.raises(UserInputError, match=r"has GPAW 24\.6\.0.*set the oracle's `version`"):
        gpaw.check(str(path), "22.8.0")
    gpaw.check(str(path), "24.6.0")


BANDS: dict[str, Any] = {
    "energy": -9.0,
    "forces": [[0.0, 0.0, 0.5]],
    "how": {},
    "bands": {"kpoints": [[0, 0, 0], [0.5, 0, 0]], "n_electron": 4.0},
}
FILLED, EMPTY = [[-4.0, -1.0], [-3.0, 0.0]], [[2.5, 5.0, 9.0, 9.0], [1.5, 6.0, 9.0, 9.0]]


def with_bands(folder: Path, empty: list[list[float]], n_electron: float = 4.0) -> str:
    """A stand-in for GPAW that says so of any cell."""
    bands = BANDS["bands"] | {"eigenvalues": [a + b for a, b in zip(FILLED, empty, strict=True)]}
    return stand_in(folder, VERSIONS, json.dumps(BANDS | {"bands": bands | {"n_electron": n_electron}}))


def test_the_gap_lies_between_the_bands_and_the_unconverged_ones_are_left_out(tmp_path: Path) -> None:
    said = label(crystal(), task="band_gap", empty_bands=4, python=with_bands(tmp_path, EMPTY))
    assert (said["band_gap"], said["energy_per_atom"]) == (1.5, -9.0)
    detail = said["detail"]
    assert (detail["valence_band_maximum_ev"], detail["conduction_band_minimum_ev"]) == (0.0, 1.5)
    assert detail["valence_band_maximum_kpoint"] == detail["conduction_band_minimum_kpoint"] == [0.5, 0, 0]
    assert (detail["n_band"], detail["largest_force_ev_per_angstrom"]) == (4, 0.5)


@pytest.mark.parametrize(
    ("empty", "n_electron"),
    [
        pytest.param([[-0.5, 5.0, 9.0, 9.0], [1.5, 6.0, 9.0, 9.0]], 4.0, id="bands overlap"),
        pytest.param(EMPTY, 5.0, id="half a band is filled"),
    ],
)
def test_a_metal_has_no_gap_and_no_band_edges(tmp_path: Path, empty: list[list[float]], n_electron: float) -> None:
    said = label(crystal(), task="band_gap", empty_bands=4, python=with_bands(tmp_path, empty, n_electron))
    assert said["band_gap"] == 0.0
    assert said["detail"]["valence_band_maximum_ev"] is None
    assert said["detail"]["conduction_band_minimum_kpoint"] is None


@pytest.mark.parametrize("task", ["band_gap", "energy"])
def test_a_crystal_of_too_many_atoms_is_refused_before_gpaw_starts(task: str) -> None:
    large = Crystal.from_pymatgen(crystal().to_pymatgen().to_conventional())
    with pytest.raises(OracleError, match="the structure has 4 atoms, more than the 3 of max_atoms"):
        label(large, task=task, max_atoms=3, python="/no/such/python")


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | {
        "OMP_NUM_THREADS": "1"
    }


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until(happened: Any) -> None:
    for _ in range(600):
        if happened():
            return
        time.sleep(0.1)
    pytest.fail("it did not happen within a minute")


@needs_gpaw
def test_the_density_holds_all_electrons_and_is_largest_at_the_nuclei() -> None:
    salt = cubic_crystal("rock-salt", ("Li", "H"), 4.0)
    with gpaw.GpawEngine(salt.species, GpawOracle(**COARSE).model_dump()) as engine:
        found = engine.densities(salt.lattice, salt.frac_coords @ salt.lattice)
        energy = engine.evaluate(salt.lattice[None], (salt.frac_coords @ salt.lattice)[None])[0]
    assert engine.n_evaluation == 2
    assert np.isfinite(energy).all()
    whole = DensityGrid(found["all"], salt.lattice)
    assert whole.values.dtype == np.float32
    assert whole.n_electron == pytest.approx(4, abs=1e-4)
    assert (np.array(found["all"].shape) == 2 * np.array(found["pseudo"].shape)).all()
    n = whole.shape[0]
    assert whole.values[0, 0, 0] == whole.values.max()  # lithium
    assert whole.values[n // 2, n // 2, n // 2] > 10 * np.median(whole.values)  # hydrogen, along the body diagonal
    alike = whole.values.transpose(1, 2, 0)  # a threefold axis
    np.testing.assert_allclose(whole.values, alike, atol=2e-3 * float(np.median(whole.values)))
    free = promolecule(salt, whole.shape)
    difference = np.abs(smeared(whole, SMEARING_B_ANGSTROM2).values - free.values).mean() / free.values.mean()
    assert difference < 0.25  # an ionic crystal is near its neutral atoms, not on them


@needs_gpaw
def test_a_label_with_its_densities_is_at_the_minimum() -> None:
    start = cubic_crystal("rock-salt", ("Li", "H"), 4.1)
    said = gpaw_density.label((GpawOracle(**COARSE, step=0.03).model_dump(), start))
    relaxed = said["detail"]["relaxed"]
    volume = abs(np.linalg.det(np.array(relaxed["lattice"])))
    assert volume == pytest.approx(2 * said["detail"]["volume_per_atom_angstrom3"])
    assert said["densities"]["all"].mean(dtype=np.float64) * volume == pytest.approx(4, abs=1e-4)
    assert said["detail"]["n_evaluation"] > len(said["detail"]["energies_ev"]) - 1
    assert said["k_vrh"] == pytest.approx(37, abs=8)  # PBE

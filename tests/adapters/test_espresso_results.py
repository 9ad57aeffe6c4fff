"""Folders of pw.x read back: every real output has its outcome, and whatever is wrong is told in one sentence."""

from __future__ import annotations

import gzip
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.factories.crystals import rock_salt
from tests.factories.dft_outputs import DFT, pw_output, unpacked

from matsift.study.handoff import EspressoOracle
from matsift_adapters.oracles.card import composition_of
from matsift_adapters.oracles.espresso_output import read_output
from matsift_adapters.oracles.espresso_xml import read_xml
from matsift_adapters.oracles.handoff import Failed, Finished, Returned, Running, read_folder, write_folder

EV_PER_RY = 13.605693122994
SALT = EspressoOracle(task="energy", pseudopotentials={"Na": "Na.upf", "Cl": "Cl.upf"})
SI2 = {"Si": 2}

#: Finished real outputs -> composition, task, total energy (Ry, as pw.x printed it) and gap (eV).
FINISHED: dict[str, tuple[dict[str, int], str, float, float | None]] = {
    "default": (SI2, "energy", -22.65170508, None),
    "default_no_xml": (SI2, "relaxation", -22.65168737, None),
    "default_xml_190304": (SI2, "energy", -22.65170350, None),
    "default_xml_191206": ({"Al": 4}, "energy", -157.51615258, None),
    "default_xml_200420": (SI2, "energy", -22.64596645, None),
    "default_xml_210716": (SI2, "energy", -22.65170438, None),
    "default_xml_211101": (SI2, "energy", -22.13271119, 1.3195),
    "default_xml_220603": (SI2, "energy", -22.65373597, 0.6441),
    "default_xml_230310": ({"Co": 1, "Li": 1, "O": 2}, "energy", -396.09758618, None),
    "default_xml_240411": (SI2, "relaxation", -22.66279398, 0.5888),
    "default_xml_241015": (SI2, "energy", -22.67145894, 0.4622),
    "default_xml_241104": (SI2, "energy", -22.47950757, None),
    "default_xml_250521": ({"F": 4, "Li": 4}, "energy", -252.68718165, 8.6728),
    "default_xml_260128": ({"I": 2, "Zn": 1}, "energy", -469.71511080, 1.8899),
    "diff_total_abs_mag": (SI2, "energy", -22.47950757, None),
    "finished_npools_too_high": ({"Fe": 1}, "energy", -328.68767430, None),
    "fixed_coords_relax": (SI2, "relaxation", -22.74402753, None),
    "fixed_coords_vcrelax": (SI2, "relaxation", -22.77276374, None),
    "magnetic_moments_v68": ({"H": 1, "Na": 1}, "energy", -96.34322116, None),
    "relax_success": (SI2, "relaxation", -22.65170508, None),
    "scf_electric_field": ({"F": 4, "Li": 4}, "energy", -252.74625285, None),
    "scf_success_rVV10": (SI2, "energy", -22.78579812, None),
    "tot_magnetization": (SI2, "energy", -22.80554665, 0.0),
    "vcrelax_failed_not_converged_final_scf": (SI2, "relaxation", -22.66052921, None),
    "vcrelax_success": (SI2, "relaxation", -22.66052957, None),
    "vcrelax_success_atoms_shape": ({"Ge": 1, "Te": 1}, "relaxation", -240.16252748, None),
    "vcrelax_success_external_pressure": (SI2, "relaxation", -22.66052956, None),
}

#: Real outputs that are no result -> task, class of failure, and words of the reason.
FAILED: dict[str, tuple[str, str, str]] = {
    "failed_base_exception": ("energy", "TruncatedOutputError", "pw.out is empty"),
    "failed_broyden_factorization": ("energy", "EspressoError", "broyden (1): factorization"),
    "failed_broyden_factorization_stdout": ("energy", "EspressoError", "broyden (1): factorization"),
    "failed_computing_cholesky": ("energy", "EspressoError", "problems computing cholesky"),
    "failed_computing_cholesky_stdout": ("energy", "EspressoError", "problems computing cholesky"),
    "failed_dexx_negative": ("energy", "EspressoError", "dexx is negative!"),
    "failed_dexx_negative_stdout": ("energy", "EspressoError", "dexx is negative!"),
    "failed_eigenvectors_convergence": ("energy", "EspressoError", "eigenvectors failed to converge"),
    "failed_eigenvectors_convergence_stdout": ("energy", "EspressoError", "eigenvectors failed to converge"),
    "failed_g_par": ("energy", "EspressoError", "G_par is NOT a reciprocal lattice vector"),
    "failed_g_par_stdout": ("energy", "EspressoError", "pw.x stopped"),
    "failed_interrupted": ("energy", "TruncatedOutputError", "pw.out breaks off before its end"),
    "failed_interrupted_relax": ("relaxation", "TruncatedOutputError", "pw.out breaks off before its end"),
    "failed_interrupted_stdout": ("energy", "TruncatedOutputError", "pw.out breaks off before its end"),
    "failed_interrupted_xml": ("energy", "TruncatedOutputError", "pw.x ended, but data-file-schema.xml breaks off"),
    "failed_npools_too_high": ("energy", "EspressoError", "some nodes have no k-points"),
    "failed_npools_too_high_stdout": ("energy", "EspressoError", "some nodes have no k-points"),
    "failed_out_of_walltime": ("relaxation", "EspressoError", "it ran out of its time limit"),
    "failed_out_of_walltime_interrupted": ("relaxation", "EspressoError", "it ran out of its time limit"),
    "failed_qr_failed": ("energy", "EspressoError", "[Q, R] = qr(X, 0) failed"),
    "failed_qr_failed_stdout": ("energy", "EspressoError", "pw.x stopped"),
    "failed_s_matrix_not_positive_definite": ("energy", "EspressoError", "S matrix not positive definite"),
    "failed_s_matrix_not_positive_definite_stdout": ("energy", "EspressoError", "S matrix not positive definite"),
    "failed_scf_not_converged": ("energy", "UnconvergedError", "the electrons did not converge"),
    "failed_scf_not_converged_intentional": ("energy", "UnconvergedError", "the electrons did not converge"),
    "failed_too_many_bands_not_converged": ("energy", "EspressoError", "too many bands are not converged"),
    "failed_too_many_bands_not_converged_stdout": ("energy", "EspressoError", "too many bands are not converged"),
    "failed_zhegvd_failed": ("energy", "EspressoError", "zhegvd failed"),
    "failed_zhegvd_failed_stdout": ("energy", "EspressoError", "zhegvd failed"),
    "initialization_xml_new": ("energy", "MissingOutputError", "ended without a total energy"),
    "relax_failed_electronic": ("relaxation", "UnconvergedError", "the electrons did not converge"),
    "relax_failed_not_converged_nstep": ("relaxation", "UnconvergedError", "the relaxation stopped before"),
    "vcrelax_failed_bfgs_history": ("relaxation", "UnconvergedError", "the relaxation stopped before"),
    "vcrelax_failed_bfgs_history_final_scf": ("relaxation", "UnconvergedError", "the electrons did not converge"),
    "vcrelax_failed_charge_wrong": ("relaxation", "EspressoError", "charge is wrong"),
    "vcrelax_failed_charge_wrong_stdout": ("relaxation", "EspressoError", "charge is wrong"),
    "vcrelax_failed_electronic": ("relaxation", "UnconvergedError", "the electrons did not converge"),
    "vcrelax_failed_electronic_final_scf": ("relaxation", "UnconvergedError", "the electrons did not converge"),
    "vcrelax_failed_fft_significant_volume_contraction": ("relaxation", "EspressoError", "larger cell_factor"),
    "vcrelax_failed_fft_significant_volume_contraction_stdout": ("relaxation", "EspressoError", "larger cell_factor"),
    "vcrelax_failed_not_converged_nstep": ("relaxation", "UnconvergedError", "the relaxation stopped before"),
    "vcrelax_failed_symmetry_not_orthogonal": ("relaxation", "EspressoError", "not orthogonal operation"),
    "vcrelax_failed_symmetry_not_orthogonal_stdout": ("relaxation", "EspressoError", "not orthogonal operation"),
    "vcrelax_success_fractional": ("relaxation", "MixedOutputError", "pw.out (-15.728618 Ry) and the XML file"),
}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published outputs, a folder each, with what their own parser makes of some of them."""
    return unpacked("aiida_qe_pw_fixtures.tar.gz", tmp_path_factory.mktemp("espresso"))


def put(folder: Path, source: Path, composition: dict[str, int]) -> None:
    """Lay a real output into a folder as if its structure had been handed out."""
    shutil.copytree(source, folder)
    if (folder / "aiida.out").exists():
        (folder / "aiida.out").rename(folder / "pw.out")
    given = {"oracle": "espresso", "composition": composition, "inputs": {}}
    (folder / "matsift.json").write_text(json.dumps({"method": "m", "handed_out": given}))


def read(folder: Path, task: str) -> Returned:
    """Return what a folder says that nobody works on any more."""
    settings: dict[str, Any] = {"task": task, "pseudopotentials": {"Si": "Si.upf"}, "quiet_hours": 0}
    return read_folder(EspressoOracle.model_validate(settings), folder)


def test_every_real_output_stands_in_a_table(real: Path) -> None:
    there = {path.name for path in (real / "fixtures" / "pw").iterdir() if path.is_dir()}
    assert there == {*FINISHED, *FAILED, "failed_missing"}


@pytest.mark.parametrize("name", FINISHED)
def test_finished_real_outputs(name: str, real: Path, tmp_path: Path) -> None:
    composition, task, energy_ry, gap = FINISHED[name]
    put(tmp_path / "x", real / "fixtures" / "pw" / name, composition)
    returned = read(tmp_path / "x", task)
    assert isinstance(returned, Finished), returned
    n_atom = sum(composition.values())
    assert returned.values["energy_per_atom"] == pytest.approx(energy_ry * EV_PER_RY / n_atom, abs=1e-8)
    assert returned.values.get("band_gap") == (None if gap is None else pytest.approx(gap, abs=1e-4))
    json.dumps(returned.detail, allow_nan=False)


@pytest.mark.parametrize("name", FAILED)
def test_failed_real_outputs(name: str, real: Path, tmp_path: Path) -> None:
    task, error_class, said = FAILED[name]
    atoms = {"O": 2} if "fft" in name and "stdout" not in name else SI2
    put(tmp_path / "x", real / "fixtures" / "pw" / name, atoms)
    returned = read(tmp_path / "x", task)
    assert isinstance(returned, Failed), returned
    assert (returned.error_class, said in returned.message) == (error_class, True), returned.message
    assert "\n" not in returned.message


def test_an_empty_folder_is_still_running(real: Path, tmp_path: Path) -> None:
    put(tmp_path / "x", real / "fixtures" / "pw" / "failed_missing", SI2)
    assert read(tmp_path / "x", "energy") == Running("pw.out has not come back yet")


def test_energies_agree_with_the_parser_of_aiida(real: Path, tmp_path: Path) -> None:
    """They agree to a part in five million: it takes an older value of the Rydberg."""
    compared = 0
    for path in sorted((real / "test_pw").glob("*.yml")):
        theirs = yaml.safe_load(path.read_text()).get("output_parameters", {}).get("energy")
        name = path.stem.removeprefix("test_pw_").rstrip("_")
        if theirs is None or name not in FINISHED:
            continue
        composition, task, _, _ = FINISHED[name]
        put(tmp_path / name, real / "fixtures" / "pw" / name, composition)
        returned = read(tmp_path / name, task)
        assert isinstance(returned, Finished)
        assert returned.values["energy_per_atom"] * sum(composition.values()) == pytest.approx(theirs, rel=2e-7), name
        compared += 1
    assert compared >= 15


def test_the_output_of_version_5_alone_is_enough(tmp_path: Path) -> None:
    if not (DFT / "pymatgen_Si.pwscf.out.gz").exists():
        pytest.skip(f"{DFT} is not there; set MATSIFT_DATA to the folder of the published data")
    (tmp_path / "x").mkdir()
    put(tmp_path / "x" / "y", tmp_path / "x", SI2)
    shutil.copy(DFT / "pymatgen_Si.pwscf.out.gz", tmp_path / "x" / "y" / "pw.out.gz")
    returned = read(tmp_path / "x" / "y", "energy")
    assert isinstance(returned, Finished)
    with gzip.open(DFT / "pymatgen_Si.pwscf.out.gz", "rt") as file:
        printed = [float(line.split()[4]) for line in file if line.startswith("!")]
    assert returned.values == {"energy_per_atom": pytest.approx(printed[-1] * EV_PER_RY / 2)}
    assert returned.detail["code"] == "Quantum ESPRESSO 5.1.2"


def test_the_xml_of_jarvis_alone_is_enough(tmp_path: Path) -> None:
    path = DFT / "jarvis_qe_data-file-schema.xml.gz"
    if not path.exists():
        pytest.skip(f"{DFT} is not there; set MATSIFT_DATA to the folder of the published data")
    (tmp_path / "x").mkdir()
    put(tmp_path / "x" / "y", tmp_path / "x", SI2)
    shutil.copy(path, tmp_path / "x" / "y" / "data-file-schema.xml.gz")
    returned = read(tmp_path / "x" / "y", "relaxation")
    assert isinstance(returned, Finished)
    xml = read_xml(path)
    assert xml is not None
    assert xml.energy_ry is not None
    assert returned.values["energy_per_atom"] == pytest.approx(xml.energy_ry * EV_PER_RY / 2)
    assert returned.detail["code"] == "Quantum ESPRESSO 6.6"


@pytest.mark.parametrize("kept", [0.0, 0.01, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("broken", ["pw.out", "data-file-schema.xml"])
def test_truncated_outputs_are_no_result(kept: float, broken: str, real: Path, tmp_path: Path) -> None:
    put(tmp_path / "x", real / "fixtures" / "pw" / "default", SI2)
    path = tmp_path / "x" / broken
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    returned = read(tmp_path / "x", "energy")
    if broken == "pw.out" and kept == 0.0:
        assert isinstance(returned, Finished)  # the XML file is whole, and says that it converged
    else:
        assert isinstance(returned, Failed)
        assert returned.error_class in {"TruncatedOutputError", "WrongFileError"}


def handed(tmp_path: Path) -> Path:
    """Return a folder for rock salt."""
    write_folder(SALT, "m", rock_salt(), tmp_path / "x", {})
    return tmp_path / "x"


@pytest.mark.parametrize(
    ("text", "error_class", "said"),
    [
        ("data_NaCl\n", "WrongFileError", "pw.out is no output of pw.x"),
        (pw_output(rock_salt("K", "Cl")), "WrongStructureError", "is about Cl1 K1, and Cl1 Na1 was handed out"),
        (pw_output(rock_salt(), cutoff_ry=40), "ChangedInputsError", "cutoff_ry was 40.0 in the run and 60.0 when"),
        (
            pw_output(rock_salt()).replace("has been achieved in   6", "NOT achieved after 100"),
            "UnconvergedError",
            "the electrons did not converge",
        ),
        (
            pw_output(rock_salt()) + "     BFGS Geometry Optimization\n     End of BFGS Geometry Optimization\n",
            "WrongTaskError",
            "the run is a relaxation, and the task is 'energy'",
        ),
    ],
    ids=["cif", "other atoms", "other cutoff", "unconverged", "relaxation"],
)
def test_what_can_go_wrong(text: str, error_class: str, said: str, tmp_path: Path) -> None:
    folder = handed(tmp_path)
    (folder / "pw.out").write_text(text)
    returned = read_folder(SALT, folder)
    assert isinstance(returned, Failed)
    assert (returned.error_class, said in returned.message) == (error_class, True), returned.message


def test_the_energy_of_a_hybrid_is_the_one_with_exact_exchange(tmp_path: Path) -> None:
    folder = handed(tmp_path)
    text = pw_output(rock_salt(), energy_ry=-20.0)
    line = "!!   total energy              =     -20.50000000 Ry\n     EXX self-consistency reached\n   JOB DONE."
    (folder / "pw.out").write_text(text.replace("   JOB DONE.", line))
    returned = read_folder(SALT, folder)
    assert isinstance(returned, Finished)
    assert returned.values["energy_per_atom"] == pytest.approx(-20.5 * EV_PER_RY / 2)


def test_a_request_to_cite_a_paper_is_no_error(tmp_path: Path) -> None:
    folder, rule = handed(tmp_path), " " + "%" * 78
    banner = f"{rule}\n % You are using vdW-DF. Please cite the following two papers. %\n{rule}\n"
    (folder / "pw.out").write_text(
        pw_output(rock_salt()).replace("     convergence has", f"{banner}     convergence has")
    )
    assert isinstance(read_folder(SALT, folder), Finished)
    stopped = f"{rule}\n     Error in routine c_bands (1):\n     too many bands\n{rule}\n"
    (folder / "pw.out").write_text(pw_output(rock_salt(), done=False) + banner + stopped)
    returned = read_folder(SALT, folder)
    assert isinstance(returned, Failed)
    assert "pw.x stopped: Error in routine c_bands (1): too many bands" in returned.message


REFERENCES = Path("/usr/share/doc/quantum-espresso/examples/PW")


@pytest.mark.skipif(not REFERENCES.is_dir(), reason="the examples of quantum-espresso-data are not installed")
def test_the_examples_that_come_with_pw_have_their_outcome(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    for number, path in enumerate(sorted(REFERENCES.glob("*/reference*/*.out.gz"))):
        with gzip.open(path, "rt", errors="replace") as file:
            text = file.read()
        if "Program PWSCF" not in text[:3000]:
            continue
        output = read_output(text)
        folder = tmp_path / str(number)
        folder.mkdir()
        put(folder / "x", folder, composition_of(output.species))
        (folder / "x" / "pw.out").write_text(text)
        returned = read(folder / "x", "relaxation" if output.cell_or_atoms_moved else "energy")
        name = returned.error_class if isinstance(returned, Failed) else type(returned).__name__
        assert name in {"Finished", "MissingOutputError", "UnconvergedError"}, (path, returned)
        if name == "MissingOutputError":
            assert "!    total energy" not in text
        outcomes[name] += 1
    assert outcomes["Finished"] > 50


@pytest.mark.parametrize("content", ["<a><b/></a>", "<?xml version='1.0'?><Root/>"], ids=["xml", "xml of version 5"])
def test_another_xml_beside_a_whole_output_does_not_matter(content: str, tmp_path: Path) -> None:
    folder = handed(tmp_path)
    (folder / "data-file-schema.xml").write_text(content)
    returned = read_folder(SALT, folder)
    assert isinstance(returned, Failed)
    assert returned.error_class == "WrongFileError"
    (folder / "pw.out").write_text(pw_output(rock_salt()))
    assert isinstance(read_folder(SALT, folder), Finished)

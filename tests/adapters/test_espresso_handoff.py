"""Folders for pw.x: other readers find the structure in them, and pw.x itself runs them where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.io.espresso import read_fortran_namelist
from pymatgen.io.pwscf import PWInput
from tests.factories.crystals import many, rock_salt

from matsift.crystal import Crystal
from matsift.errors import OracleError
from matsift.study.handoff import EspressoOracle
from matsift_adapters.oracles.espresso import kpoint_mesh
from matsift_adapters.oracles.handoff import Failed, Finished, method_of, read_card, read_folder, write_folder

PSEUDO = Path("/usr/share/espresso/pseudo")
SILICON_FILE = "Si.pbe-rrkj.UPF"
SALT = EspressoOracle(pseudopotentials={"Na": "Na.upf", "Cl": "Cl.upf", "Ag": "Ag.upf"})


def silicon(edge_angstrom: float = 5.43) -> Crystal:
    """Return the primitive cell of silicon."""
    lattice = edge_angstrom / 2 * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    return Crystal.ordered(lattice, ["Si", "Si"], np.array([[0.0, 0, 0], [0.25, 0.25, 0.25]]))


@pytest.mark.parametrize("crystal", [rock_salt(), *many(2, "Ag")], ids=["NaCl", "AgCl", "AgCl larger"])
def test_other_readers_find_the_structure(crystal: Crystal, tmp_path: Path) -> None:
    write_folder(SALT, "m", crystal, tmp_path / "x", {})
    atoms = ase.io.read(tmp_path / "x" / "pw.in", format="espresso-in")
    assert atoms.get_chemical_symbols() == list(crystal.species)
    assert atoms.cell.array == pytest.approx(crystal.lattice, abs=1e-9)
    assert atoms.get_scaled_positions() == pytest.approx(crystal.frac_coords, abs=1e-9)
    theirs = PWInput.from_file(str(tmp_path / "x" / "pw.in"))
    assert theirs.structure.matches(crystal.to_pymatgen(), scale=False)
    assert theirs.sections["control"]["calculation"] == "vc-relax"
    assert theirs.sections["system"]["ecutwfc"] == 60


def test_only_elements_of_the_structure_stand_in_the_folder(tmp_path: Path) -> None:
    write_folder(SALT, "m", rock_salt(), tmp_path / "x", {})
    assert "Ag.upf" not in (tmp_path / "x" / "pw.in").read_text()
    inputs = read_card(tmp_path / "x")["handed_out"]["inputs"]
    assert inputs["pseudopotentials"] == {"Na": "Na.upf", "Cl": "Cl.upf"}
    assert "pw.x -in pw.in > pw.out" in (tmp_path / "x" / "README.txt").read_text()


def test_variables_of_the_study_stand_over_ours(tmp_path: Path) -> None:
    settings = EspressoOracle(
        task="energy",
        pseudopotentials={"Na": "Na.upf", "Cl": "Cl.upf"},
        smearing="none",
        density_cutoff_ry=480,
        namelists={"system": {"ECUTWFC": 40.0, "nspin": 2}, "electrons": {"mixing_beta": 0.3}},
    )
    write_folder(settings, "m", rock_salt(), tmp_path / "x", {})
    with (tmp_path / "x" / "pw.in").open() as file:
        sections, _ = read_fortran_namelist(file)
    assert (sections["system"]["ecutwfc"], sections["system"]["nspin"]) == (40, 2)
    assert sections["system"]["occupations"] == "fixed"
    assert "degauss" not in sections["system"]
    assert sections["electrons"]["mixing_beta"] == 0.3
    inputs = read_card(tmp_path / "x")["handed_out"]["inputs"]
    assert (inputs["calculation"], inputs["cutoff_ry"], inputs["density_cutoff_ry"]) == ("scf", 40.0, 480.0)
    assert inputs["smearing_width_ry"] is None


def test_an_element_without_a_pseudopotential_is_named(tmp_path: Path) -> None:
    with pytest.raises(OracleError, match="names no pseudopotential for F, K; add it to pseudopotentials"):
        write_folder(SALT, "m", rock_salt("K", "F"), tmp_path / "x", {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("edges", "spacing", "expected"),
    [
        ((10, 10, 10), 2 * np.pi / 10, [1, 1, 1]),
        ((10, 10, 10), 2 * np.pi / 10.001, [2, 2, 2]),
        ((10, 5, 2), 2 * np.pi / 40, [4, 8, 20]),
        ((40, 5, 5), 0.5, [1, 3, 3]),
    ],
)
def test_meshes(edges: tuple[float, float, float], spacing: float, expected: list[int]) -> None:
    crystal = Crystal.ordered(np.diag(edges).astype(float), ["Si"], np.zeros((1, 3)))
    assert kpoint_mesh(crystal, spacing) == expected


def test_meshes_of_skewed_cells_follow_the_reciprocal_vectors() -> None:
    crystal = rock_salt(edge_angstrom=5.64)
    reciprocal = 2 * np.pi * np.sqrt(3) / 5.64
    assert kpoint_mesh(crystal, 0.2) == [int(np.ceil(reciprocal / 0.2))] * 3
    assert kpoint_mesh(crystal, 0.2) == [
        int(np.ceil(length / 0.2)) for length in crystal.to_pymatgen().lattice.reciprocal_lattice.abc
    ]


def run_pw(folder: Path) -> None:
    """Run pw.x as the note in the folder says."""
    program = shutil.which("pw.x")
    if program is None or not (PSEUDO / SILICON_FILE).exists():
        pytest.skip("pw.x is not installed: apt-get install quantum-espresso quantum-espresso-data")
    with (folder / "pw.out").open("w") as out:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        subprocess.run([program, "-in", "pw.in"], cwd=folder, stdout=out, check=False, env=environment, timeout=120)


def real_settings(task: str) -> EspressoOracle:
    """Return settings that solve silicon in a second."""
    return EspressoOracle.model_validate(
        {
            "task": task,
            "pseudopotentials": {"Si": SILICON_FILE},
            "pseudopotential_folder": str(PSEUDO),
            "cutoff_ry": 18,
            "kpoint_spacing": 0.5,
        }
    )


def test_pw_relaxes_silicon_to_its_lattice_constant(tmp_path: Path) -> None:
    settings = real_settings("relaxation")
    write_folder(settings, method_of(settings), silicon(), tmp_path / "x", {"properties": list(settings.properties)})
    run_pw(tmp_path / "x")
    returned = read_folder(settings, tmp_path / "x")
    assert isinstance(returned, Finished)
    edge = 2 * np.abs(np.array(returned.detail["relaxed"]["lattice"])).max()
    assert edge == pytest.approx(5.469, abs=0.03)  # PBE: Haas, Tran and Blaha, Phys. Rev. B 79, 085104 (2009)
    assert returned.values["band_gap"] == pytest.approx(0.6, abs=0.15)
    assert abs(returned.detail["pressure_gpa"]) < 0.1
    assert returned.detail["code"].startswith("Quantum ESPRESSO ")


def test_pw_finds_the_strained_cell_higher_in_energy(tmp_path: Path) -> None:
    settings = real_settings("energy")
    energies = []
    for edge in (5.3, 5.43):
        folder = tmp_path / str(edge)
        write_folder(settings, "m", silicon(edge), folder, {})
        run_pw(folder)
        returned = read_folder(settings, folder)
        assert isinstance(returned, Finished)
        energies.append(returned.values["energy_per_atom"])
    assert 0.02 < energies[0] - energies[1] < 0.1


def test_pw_without_its_pseudopotential_is_a_failure_with_the_reason(tmp_path: Path) -> None:
    settings = real_settings("energy").model_copy(update={"pseudopotentials": {"Si": "Si.none.UPF"}})
    write_folder(settings, "m", silicon(), tmp_path / "x", {})
    run_pw(tmp_path / "x")
    returned = read_folder(settings, tmp_path / "x")
    assert isinstance(returned, Failed)
    assert returned.error_class == "EspressoError"
    assert "readpp" in returned.message


def test_pw_that_ran_with_another_cutoff_does_not_count(tmp_path: Path) -> None:
    settings = real_settings("energy")
    write_folder(settings, "m", silicon(), tmp_path / "x", {})
    text = (tmp_path / "x" / "pw.in").read_text()
    (tmp_path / "x" / "pw.in").write_text(text.replace("ecutwfc          = 18", "ecutwfc          = 14"))
    run_pw(tmp_path / "x")
    returned = read_folder(settings, tmp_path / "x")
    assert isinstance(returned, Failed)
    assert returned.error_class == "ChangedInputsError"
    assert returned.message.startswith("cutoff_ry was 14.0 in the run and 18.0 when it was handed out")

"""Densities of VASP in MATSIFT_DATA: in the conventional cell, under its symmetry, and beside the promolecule."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
from benchmarks.repro_001.real_data import data_folder
from pymatgen.core import Structure
from pymatgen.io.vasp import Chgcar

from matsift.crystal import Crystal
from matsift.density.conventional import standardise
from matsift.density.grid import DensityGrid
from matsift.density.promolecule import promolecule
from matsift.density.resample import in_cell, resample, smeared
from matsift.density.symmetry_average import space_group_operations, symmetrised

FOLDER = data_folder() / "charge_density"
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="no published densities (MATSIFT_DATA)")


def read(name: str, folder: Path) -> tuple[Crystal, DensityGrid]:
    file = folder / name
    with gzip.open(FOLDER / f"{name}.gz") as packed, file.open("wb") as plain:
        shutil.copyfileobj(packed, plain)
    found = Chgcar.from_file(str(file))
    values = found.data["total"] / found.structure.volume
    structure = found.structure
    assert isinstance(structure, Structure)
    return Crystal.from_pymatgen(structure), DensityGrid(values, structure.lattice.matrix)


def test_silicon_of_vasp_has_its_electrons_and_symmetry_in_the_conventional_cell(tmp_path: Path) -> None:
    crystal, own = read("workshop_Si_static_CHGCAR", tmp_path)
    assert own.n_electron == pytest.approx(8, abs=1e-4)
    found = standardise(crystal)
    there = in_cell(own, found.transform)
    assert there.n_electron == pytest.approx(32, abs=1e-3)
    mean = symmetrised(there, space_group_operations(found.space_group_number))
    assert found.space_group_number == 227
    assert np.abs(mean.values - there.values).max() < 0.01 * there.values.max()
    assert resample(own, (30, 30, 30)).n_electron == pytest.approx(own.n_electron, rel=1e-12)


def test_all_electrons_of_vasp_stand_near_the_promolecule(tmp_path: Path) -> None:
    crystal, core = read("workshop_Si_static_AECCAR0", tmp_path)
    valence = read("workshop_Si_static_AECCAR2", tmp_path)[1]
    b_iso = 4.0
    dft = smeared(DensityGrid(core.values + valence.values, core.cell), b_iso)
    atoms = promolecule(crystal, dft.shape, b_iso=b_iso)
    between = atoms.values < 1.0
    assert np.corrcoef(dft.values[between], atoms.values[between])[0, 1] > 0.95
    one, other = crystal.frac_coords
    bond = (other - one + 0.5) % 1.0 - 0.5
    middle = tuple(np.round((one + bond / 2) * dft.shape).astype(int) % dft.shape)
    assert dft.values[middle] > 1.2 * atoms.values[middle]  # a bond gathers electrons that no atom has there

"""Densities of GPAW restart files: GPAW's own count, and a sentence where there is none."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from matsift.errors import FieldError
from matsift.study.oracles import GpawOracle
from matsift_adapters.fields.gpaw_file import read_gpw
from matsift_adapters.fields.reading import Wishes, read_field

PYTHON = GpawOracle().python
_HAS_GPAW = (
    Path(PYTHON).exists()
    and subprocess.run([PYTHON, "-I", "-c", "import gpaw"], capture_output=True, check=False).returncode == 0
)
needs_gpaw = pytest.mark.skipif(not _HAS_GPAW, reason="GPAW is not installed: apt-get install gpaw gpaw-data")

# A coarse calculation of lithium hydride, spin-polarised by one electron, and the same atoms in a box without images.
_COMPUTE = """
import sys
from ase import Atoms
from gpaw import GPAW, PW
cell = [[0, 2, 2], [2, 0, 2], [2, 2, 0]]
for name, pbc in (("lih", True), ("box", [True, True, False])):
    atoms = Atoms("LiH", cell=cell if pbc is True else [4, 4, 4], pbc=pbc)
    atoms.set_scaled_positions([[0, 0, 0], [0.5, 0.5, 0.5]])
    if pbc is True:
        atoms.set_initial_magnetic_moments([0, 0.5])
    atoms.calc = GPAW(mode=PW(150), h=0.35, maxiter=2, convergence={"maximum iterations": 2}, txt=None)
    try:
        atoms.get_potential_energy()
    except Exception:
        pass
    atoms.calc.write(sys.argv[1] + f"/{name}.gpw")
"""


@pytest.fixture(scope="module")
def restarts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the two restart files."""
    folder = tmp_path_factory.mktemp("gpaw")
    subprocess.run([PYTHON, "-I", "-W", "ignore", "-c", _COMPUTE, str(folder)], check=True, capture_output=True)
    return folder


@needs_gpaw
def test_a_restart_file_gives_all_electrons(restarts: Path) -> None:
    found = read_field(restarts / "lih.gpw")
    assert found.method.startswith("gpaw-")
    assert found.method.endswith("-lda-all-electron")
    assert (found.crystal.species, found.electrons, found.n_electron_expected) == (("Li", "H"), "all", 4.0)
    assert found.grid.n_electron == pytest.approx(4.0, abs=1e-6)
    assert found.n_unpaired is not None
    np.testing.assert_allclose(found.grid.cell, [[0, 2, 2], [2, 0, 2], [2, 2, 0]], atol=1e-9)
    np.testing.assert_allclose(found.crystal.frac_coords, np.array([[0.0] * 3, [0.5] * 3]), atol=1e-9)
    assert found.grid.values.argmax() == 0


@needs_gpaw
def test_what_is_not_periodic_is_no_crystal(restarts: Path) -> None:
    with pytest.raises(FieldError, match=r"box\.gpw: GPAW cannot give its density \(NotPeriodic"):
        read_field(restarts / "box.gpw", Wishes(method="mine"))


@needs_gpaw
def test_junk_is_told(tmp_path: Path) -> None:
    (tmp_path / "junk.gpw").write_bytes(b"junk")
    with pytest.raises(FieldError, match=r"junk\.gpw: GPAW cannot give its density"):
        read_gpw(tmp_path / "junk.gpw")


def test_without_gpaw_there_is_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(FieldError, match=r"a\.gpw: GPAW reads it, and .* cannot be run; install it with"):
        read_gpw(tmp_path / "a.gpw", python=str(tmp_path / "python3"))

"""Lines found in published patterns against those of the structure in the same file, which was refined on them."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Structure

from matsift.crystal import Crystal
from matsift.diffraction.grid import Q_HIGH, q_of_two_theta
from matsift.diffraction.measured import ProcessedPattern, process
from matsift.diffraction.radiation import lorentz_polarisation
from matsift.diffraction.reflections import reflections
from matsift_adapters.patterns import read_pattern

ARCHIVE = (
    Path(os.environ.get("MATSIFT_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
    / "xrd"
    / "iucr_powder_cifs_15.tar.gz"
)
pytestmark = [
    pytest.mark.skipif(not ARCHIVE.exists(), reason="needs the IUCr patterns of the shared data (MATSIFT_DATA)"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # pymatgen tells of the blocks that hold no structure
]

#: A line of the structure is to be found when it reaches this part of the highest; and so near, in 1/angstrom.
_VISIBLE, _SAME_Q = 0.03, 1.2e-3


def _read(name: str, folder: Path) -> tuple[ProcessedPattern, Crystal]:
    with tarfile.open(ARCHIVE) as archive:
        member = next(one for one in archive if Path(one.name).name.startswith(name))
        content = archive.extractfile(member)
        assert content is not None
        path = folder / "pattern.cif"
        path.write_bytes(content.read())
    return process(read_pattern(path)), Crystal.from_pymatgen(Structure.from_file(path))


def _structure_lines(crystal: Crystal, found: ProcessedPattern) -> tuple[np.ndarray, np.ndarray]:
    """Return q of the structure's lines in the measured range, and which of them are visible."""
    low, high = found.peaks.q_low * 1.005, min(found.peaks.q_high, Q_HIGH) * 0.995
    single = reflections(crystal, q_low=low, q_high=high, b_iso=1.0)
    q, place = np.unique(np.round(single.q, 5), return_inverse=True)
    strength = np.bincount(place, weights=single.intensity)
    angles = 2 * np.degrees(np.arcsin(q * found.peaks.wavelength_angstrom / 2))
    height = strength * lorentz_polarisation(angles)
    return q[height > 1e-3 * height.max()], q[height > _VISIBLE * height.max()]


@pytest.mark.parametrize(
    ("name", "doublet", "recall", "precision"),
    [
        pytest.param("av5088", False, 0.75, 0.9, id="C4Br4S, 80 lines, K-alpha1 only"),
        pytest.param("br1322", False, 0.95, 0.8, id="ZnO with impurities"),
        pytest.param("gw5052Mg2Si", False, 1.0, 0.8, id="Mg2Si, synchrotron"),
        pytest.param("ks5409", True, 0.95, 0.85, id="BaTiO3"),
        pytest.param("sh0123", True, 0.85, 0.9, id="Sr2YbNbO6"),
        pytest.param("sq1033", True, 0.9, 0.7, id="LaInO3"),
        pytest.param("wm2446", True, 0.9, 0.8, id="KLaTiO4"),
        pytest.param("wn6225", True, 0.85, 0.9, id="KCaCO3F"),
    ],
)
def test_lines_of_published_patterns(name: str, doublet: bool, recall: float, precision: float, tmp_path: Path) -> None:
    found, crystal = _read(name, tmp_path)
    assert found.k_alpha2 == doublet
    every, visible = _structure_lines(crystal, found)
    strong = found.peaks.take((found.peaks.intensity > 0.05) & (found.peaks.q < Q_HIGH))
    is_found = np.abs(found.peaks.q[:, None] - visible).min(axis=0) < _SAME_Q
    is_true = np.abs(strong.q[:, None] - every).min(axis=1) < _SAME_Q
    assert is_found.mean() >= recall, (is_found.mean(), is_true.mean())
    assert is_true.mean() >= precision, (is_found.mean(), is_true.mean())


def test_angles_and_wavelength_of_a_file_give_its_q(tmp_path: Path) -> None:
    found, _ = _read("gw5052Mg2Si", tmp_path)
    assert found.peaks.wavelength_angstrom == 0.49935
    assert np.allclose(found.peaks.q, q_of_two_theta(found.peaks.two_theta_deg, 0.49935))
    assert found.notes[-1].endswith("Lorentz factor only")

"""The published CHGCAR, AECCAR and ELFCAR files: their electrons, pymatgen's numbers, and a round trip."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pymatgen.io.vasp import Chgcar, Elfcar

from matsift.density.conventional import conventional_transform
from matsift.density.grid import NETWORK_SHAPE
from matsift.density.resample import in_cell, resample
from matsift_adapters.artifacts import ArtifactStore
from matsift_adapters.fields.reading import found_files, read_field
from matsift_adapters.fields.storage import SUFFIX, dumps, loads

FOLDER = Path(os.environ.get("MATSIFT_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "charge_density"

#: File -> formula of the cell, electrons, points along an axis, unpaired electrons.
DENSITIES = {
    "pymatgen_CHGCAR.nospin.gz": ("Li", 1, 32, None),
    "pymatgen_CHGCAR.spin.gz": ("Li", 1, 48, -0.0203),
    "pymatgen_chargemol_spin_unpolarized_CHGCAR.gz": ("NaCl", 8, 56, None),
    "workshop_Cr1_2.33_CHGCAR.relax2.gz": ("Cr", 12, 36, 0.0),
    "workshop_Si_static_CHGCAR.gz": ("SiSi", 8, 60, 0.0),
}


@pytest.fixture(scope="module", autouse=True)
def _files() -> None:
    if not FOLDER.is_dir():
        pytest.skip(f"{FOLDER} is not there; set MATSIFT_DATA to the folder of the published data")


@pytest.mark.parametrize(("name", "facts"), DENSITIES.items(), ids=DENSITIES)
def test_a_real_chgcar_integrates_to_its_electrons(
    name: str, facts: tuple[str, int, int, float | None], tmp_path: Path
) -> None:
    atoms, n_electron, n_point, n_unpaired = facts
    found = read_field(FOLDER / name)
    assert ("".join(found.crystal.species), found.grid.shape) == (atoms, (n_point,) * 3)
    assert (found.n_electron_expected, found.electrons) == (n_electron, "valence")
    assert found.grid.n_electron == pytest.approx(n_electron, abs=1e-6)
    assert found.n_unpaired == (None if n_unpaired is None else pytest.approx(n_unpaired, abs=1e-4))
    theirs = Chgcar.from_file(str(FOLDER / name))
    np.testing.assert_allclose(found.grid.values * found.crystal.volume, theirs.data["total"], rtol=1e-12)
    store = ArtifactStore(tmp_path)
    back = loads(store.get(store.put(dumps(found.grid), SUFFIX).sha256))
    np.testing.assert_array_equal(back.values, found.grid.values.astype(np.float32))
    np.testing.assert_array_equal(back.cell, found.grid.cell)
    assert back.n_electron == pytest.approx(n_electron, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "space_group", "n_electron"),
    [("workshop_Si_static_CHGCAR.gz", 227, 32), ("pymatgen_chargemol_spin_unpolarized_CHGCAR.gz", 225, 32)],
    ids=["Si", "NaCl"],
)
def test_a_real_density_in_the_conventional_cell(name: str, space_group: int, n_electron: int) -> None:
    found = read_field(FOLDER / name)
    transform, number = conventional_transform(found.crystal)
    cubic = in_cell(found.grid, transform, NETWORK_SHAPE)
    assert number == space_group
    assert cubic.n_electron == pytest.approx(n_electron, abs=1e-5)
    assert resample(cubic, (45, 48, 50), "trilinear").n_electron == pytest.approx(n_electron, rel=1e-3)
    scale = cubic.values.max()
    for permuted in ((1, 2, 0), (2, 0, 1), (1, 0, 2)):
        np.testing.assert_allclose(cubic.values, cubic.values.transpose(permuted), atol=1e-5 * scale)


def test_the_real_aeccars_hold_all_electrons() -> None:
    found = read_field(FOLDER / "workshop_Si_static_AECCAR2.gz")
    assert (found.electrons, found.n_electron_expected) == ("all", 28.0)
    assert found.grid.n_electron == pytest.approx(23.2536 + 8.0131, abs=1e-3)
    assert found.notes[0].startswith("the grid is too coarse for the cores")


def test_the_real_elfcar_lies_between_0_and_1() -> None:
    found = read_field(FOLDER / "pymatgen_ELFCAR.gz")
    theirs = Elfcar.from_file(str(FOLDER / "pymatgen_ELFCAR.gz")).data
    np.testing.assert_allclose(found.grid.values, (theirs["spin_up"] + theirs["spin_down"]) / 2, rtol=1e-12)
    assert (found.grid.values.min(), found.grid.values.max()) == pytest.approx((0.0005, 0.868), abs=1e-3)


def test_the_folder_is_known_by_its_names() -> None:
    assert {path.name for path in found_files([FOLDER])} == {
        *DENSITIES,
        "pymatgen_ELFCAR.gz",
        "workshop_Si_static_AECCAR2.gz",
    }

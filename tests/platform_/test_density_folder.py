"""What worker processes make of crystals, and densities in a folder that several trainings read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from matsift.crystal import Crystal
from matsift.density.chunks import promolecule_chunk
from matsift.density.conventional import conventional_cell
from matsift.density.field_folder import read_field_folder, write_field_folder
from matsift.density.field_source import InMemoryFields, OrbitFields
from matsift.density.grid import DensityGrid
from matsift.density.promolecule import promolecule
from matsift.errors import BadStructureError

SHAPE = (12, 12, 12)


def crystal(
    group: str, edge: float, species: list[str], places: list[list[float]], *, primitive: bool = True
) -> Crystal:
    """Return a cubic crystal in its primitive or its conventional cell."""
    whole = Structure.from_spacegroup(group, Lattice.cubic(edge), species, places)
    found = whole.get_primitive_structure() if primitive else whole
    return Crystal.ordered(found.lattice.matrix, [site.specie.symbol for site in found], found.frac_coords)


SALT = crystal("Fm-3m", 5.6, ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
BLENDE = crystal("F-43m", 5.4, ["Zn", "S"], [[0, 0, 0], [0.25, 0.25, 0.25]])
CHLORIDE = crystal("Pm-3m", 4.1, ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
PYRITE = crystal("Pa-3", 5.4, ["Fe", "S"], [[0, 0, 0], [0.385, 0.385, 0.385]])


def test_a_chunk_holds_densities_of_conventional_cells_with_all_electrons() -> None:
    found = promolecule_chunk(([SALT, BLENDE], SHAPE))
    assert found.failures == {}
    assert [found.n_electron[i] for i in range(2)] == [4 * (11 + 17), 4 * (30 + 16)]
    for place, edge in ((0, 5.6), (1, 5.4)):
        grid = found.grids[place]
        assert grid.values.dtype == np.float32
        assert grid.cell == pytest.approx(edge * np.eye(3), abs=1e-6)
        assert grid.n_electron == pytest.approx(found.n_electron[place], rel=1e-3)


def test_a_crystal_that_has_no_density_fails_alone() -> None:
    shared = Crystal(np.eye(3) * 4, ("Na", "K"), np.zeros((2, 3)), np.array([0.5, 0.5]), np.zeros(2, dtype=np.int64))
    heavy = crystal("Fm-3m", 5.75, ["Es"], [[0, 0, 0]])
    found = promolecule_chunk(([shared, SALT, heavy], SHAPE))
    assert sorted(found.grids) == [1]
    assert {place: said[0] for place, said in found.failures.items()} == dict.fromkeys((0, 2), "BadStructureError")
    assert "Es has no X-ray form factor" in found.failures[2][1]


@pytest.mark.parametrize(
    ("crystals", "group"),
    [([SALT, SALT], 225), ([SALT, CHLORIDE], 221), ([SALT, BLENDE], 216), ([CHLORIDE, BLENDE], 215)],
    ids=["rock salt", "with a primitive cube", "with a tetrahedron", "both"],
)
def test_only_points_are_kept_that_the_common_symmetry_leaves_apart(
    crystals: list[Crystal], group: int, tmp_path: Path
) -> None:
    grids = [promolecule(conventional_cell(one), SHAPE) for one in crystals]
    assert write_field_folder(grids, 2, SHAPE, tmp_path) == group
    source = read_field_folder(tmp_path)
    assert isinstance(source, OrbitFields)
    assert source.values.shape[1] < 12**3 / 12
    loaded = source.load(np.array([1, 0]))
    for values, grid in zip(loaded, reversed(grids), strict=True):
        assert values == pytest.approx(grid.values, abs=1e-4 * grid.values.max())


def test_where_no_symmetry_is_common_all_points_are_kept(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grids = [DensityGrid(rng.random(SHAPE), np.eye(3) * 4) for _ in range(3)]
    assert write_field_folder(grids, 3, SHAPE, tmp_path) is None
    source = read_field_folder(tmp_path)
    assert isinstance(source, InMemoryFields)
    assert len(source) == 3
    assert source.load(np.array([2]))[0] == pytest.approx(grids[2].values, rel=1e-6)


def test_a_crystal_without_mirrors_leaves_the_threefold_axes(tmp_path: Path) -> None:
    grids = [promolecule(conventional_cell(PYRITE), SHAPE)]
    group = write_field_folder(grids, 1, SHAPE, tmp_path)
    assert group in (None, 195)
    assert read_field_folder(tmp_path).load(np.array([0]))[0] == pytest.approx(grids[0].values, rel=1e-3, abs=1e-3)


def test_densities_of_another_shape_are_refused(tmp_path: Path) -> None:
    grid = promolecule(conventional_cell(SALT), (10, 10, 10))
    with pytest.raises(BadStructureError, match=r"\(10, 10, 10\) points"):
        write_field_folder([grid], 1, SHAPE, tmp_path)

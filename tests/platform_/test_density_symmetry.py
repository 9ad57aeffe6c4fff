"""Symmetry of densities: orbits, averages, views that are alike, and fields of which only unique points are kept."""

from __future__ import annotations

import numpy as np
import pytest
from tests.platform_.density_cases import salt, silicon

from matsift.crystal import Crystal
from matsift.density.conventional import conventional_cell
from matsift.density.field_source import InMemoryFields, OrbitFields, empty_fields
from matsift.density.grid import DensityGrid
from matsift.density.promolecule import promolecule
from matsift.density.symmetry_average import (
    cube_operations,
    orbit_fields,
    orbit_labels,
    space_group_operations,
    symmetrised,
)
from matsift.density.views import Normalisation, pooled, views
from matsift.errors import BadStructureError, UserInputError

SHAPE = (12, 12, 12)
FM3M = 225


def salt_grid(shape: tuple[int, int, int] = SHAPE) -> DensityGrid:
    return promolecule(conventional_cell(salt()), shape)


def test_the_cube_has_48_operations_that_make_a_group() -> None:
    rotations, translations = cube_operations()
    assert len({rotation.tobytes() for rotation in rotations}) == 48
    assert set(np.round(np.linalg.det(rotations)).astype(int).tolist()) == {-1, 1}
    products = {(one @ other).tobytes() for one in rotations for other in rotations}
    assert products == {rotation.tobytes() for rotation in rotations}
    assert not translations.any()


def test_a_density_of_fm3m_is_invariant_under_48_operations_and_centring() -> None:
    values = salt_grid().values
    axes, steps = np.arange(3), np.arange(12)
    for rotation in cube_operations()[0]:
        order = np.abs(rotation) @ axes
        turned = np.transpose(values, order)
        for axis in axes[rotation.sum(axis=1) < 0]:
            turned = np.take(turned, -steps % 12, axis=axis)
        np.testing.assert_allclose(turned, values, atol=1e-10)
    labels = orbit_labels(space_group_operations(FM3M), SHAPE)
    np.testing.assert_array_equal(np.roll(labels, (6, 6, 0), axis=(0, 1, 2)), labels)


@pytest.mark.parametrize(("number", "n_operation", "n_orbit"), [(1, 1, 1728), (FM3M, 192, 30)], ids=["P1", "Fm-3m"])
def test_orbits_are_counted_as_burnside_says(number: int, n_operation: int, n_orbit: int) -> None:
    operations = space_group_operations(number)
    labels = orbit_labels(operations, SHAPE)
    points = np.argwhere(np.ones(SHAPE, dtype=bool))
    fixed = 0
    for rotation, translation in zip(*operations, strict=True):
        image = (points @ rotation.T + np.round(translation * 12).astype(int)) % 12
        fixed += int((image == points).all(axis=1).sum())
        np.testing.assert_array_equal(labels[tuple(image.T)], labels[tuple(points.T)])
    assert len(operations[0]) == n_operation
    assert labels.max() + 1 == fixed // n_operation == n_orbit


def test_the_mean_over_operations_is_symmetric_and_keeps_the_electrons() -> None:
    grid = DensityGrid(np.random.default_rng(0).random(SHAPE), 4 * np.eye(3))
    mean = symmetrised(grid, cube_operations())
    assert mean.n_electron == pytest.approx(grid.n_electron, rel=1e-13)
    np.testing.assert_array_equal(np.swapaxes(mean.values, 0, 2), mean.values)
    np.testing.assert_allclose(symmetrised(mean, cube_operations()).values, mean.values, rtol=1e-13)


@pytest.mark.parametrize("number", range(195, 231))
def test_every_cubic_group_turns_x_into_y_into_z(number: int) -> None:
    rotations, translations = space_group_operations(number)
    cyclic = (rotations == np.array([[0, 0, 1], [1, 0, 0], [0, 1, 0]])).all(axis=(1, 2))
    assert (cyclic & (np.abs(translations) < 1e-9).all(axis=1)).any()


def test_the_operations_are_those_of_the_conventional_cell() -> None:
    grid = promolecule(conventional_cell(silicon()), (24, 24, 24))
    np.testing.assert_allclose(symmetrised(grid, space_group_operations(227)).values, grid.values, atol=1e-9)


def test_an_operation_between_the_points_is_refused() -> None:
    with pytest.raises(BadStructureError, match="does not map a grid of"):
        orbit_labels(space_group_operations(227), (10, 10, 10))
    with pytest.raises(BadStructureError, match="does not map a grid of"):
        orbit_labels(cube_operations(), (12, 12, 24))
    with pytest.raises(BadStructureError, match="from 1 to 230"):
        space_group_operations(231)


def test_the_three_views_of_a_cubic_density_are_one_array() -> None:
    values = salt_grid().values[None]
    first, second, third = views(values)
    np.testing.assert_allclose(second, first, atol=1e-11)
    np.testing.assert_allclose(third, first, atol=1e-11)


def test_each_view_moves_its_axis_to_the_channels() -> None:
    values = np.random.default_rng(1).random((2, 3, 4, 5))
    x, y, z = views(values)
    assert [view.shape for view in (x, y, z)] == [(2, 3, 4, 5), (2, 4, 5, 3), (2, 5, 3, 4)]
    assert x[1, 2, 3, 4] == y[1, 3, 4, 2] == z[1, 4, 2, 3] == values[1, 2, 3, 4]


def test_fields_of_unique_points_are_the_whole_densities() -> None:
    labels = orbit_labels(space_group_operations(FM3M), SHAPE)
    grids = [promolecule(conventional_cell(salt(a)), SHAPE) for a in (5.0, 5.6, 6.2)]
    fields = orbit_fields(grids, labels)
    whole = InMemoryFields(np.array([grid.values for grid in grids]))
    rows = np.array([2, 0, 2])
    assert (len(fields), fields.values.shape) == (3, (3, 30))
    assert fields.load(rows).dtype == whole.load(rows).dtype == np.float32
    np.testing.assert_allclose(fields.load(rows), whole.load(rows), rtol=1e-6)
    assert empty_fields(SHAPE).load(np.zeros(0, dtype=np.int64)).shape == (0, *SHAPE)


def test_a_density_that_lacks_the_symmetry_is_refused_or_averaged() -> None:
    labels = orbit_labels(space_group_operations(FM3M), SHAPE)
    moved = promolecule(Crystal.ordered(5 * np.eye(3), ["Na", "Cl"], np.array([[0, 0, 0], [0.4, 0.5, 0.5]])), SHAPE)
    with pytest.raises(BadStructureError, match="density 1 lacks the symmetry"):
        orbit_fields([salt_grid(), moved], labels)
    averaged = orbit_fields([moved], labels, tolerance=None)
    assert isinstance(averaged, OrbitFields)
    assert averaged.load(np.array([0])).mean() == pytest.approx(moved.values.mean(), rel=1e-5)
    with pytest.raises(BadStructureError, match="the orbits are those of"):
        orbit_fields([salt_grid((24, 24, 24))], labels)


def test_pooling_takes_the_largest_value_of_each_cube() -> None:
    values = np.random.default_rng(2).random((2, 60, 60, 60), dtype=np.float32)
    vectors = pooled(values)
    assert vectors.shape == (2, 1000)
    assert vectors[1, 10 * 10 * 3 + 10 * 2 + 9] == values[1, 18:24, 12:18, 54:60].max()
    with pytest.raises(UserInputError, match="does not divide"):
        pooled(values[:, :50], 6)


@pytest.mark.parametrize("kind", ["log1p", "std", "none"])
def test_normalised_densities_vary_by_one_and_keep_their_order(kind: str) -> None:
    values = np.random.default_rng(0).lognormal(0, 2, (3, 6, 6, 6)).astype(np.float32)
    fitted = Normalisation(kind).fit(values)  # type: ignore[arg-type]
    scaled = fitted.apply(values)
    assert scaled.dtype == np.float32
    assert scaled.std() == pytest.approx(values.std() if kind == "none" else 1.0, rel=1e-4)
    assert (np.argsort(scaled, axis=None) == np.argsort(values, axis=None)).all()
    assert Normalisation.from_dict(fitted.to_dict()) == fitted


def test_values_below_zero_have_a_logarithm_and_a_constant_has_no_scale() -> None:
    assert Normalisation("log1p").apply(np.array([-0.1, 0.0], dtype=np.float32)).tolist() == [0.0, 0.0]
    with pytest.raises(UserInputError, match="do not vary"):
        Normalisation("std").fit(np.ones((2, 3, 3, 3)))

"""The networks of paper 003: lengths, gate, views, and the same answers from the unique values of a density."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.platform_.density_network_cases import (
    GRID,
    SMALL_2D,
    SMALL_3D,
    WIDE_2D,
    WIDE_3D,
    labels,
    random_weights,
    symmetric_fields,
    whole,
)
from torch import Tensor, nn
from torch.nn import functional

from matsift.density.networks import Density2d, Density3d, Lengths, MagpieNet, ViewBranch, views
from matsift.density.settings import DENSE, Density2dSettings, Density3dSettings, MagpieCnnSettings
from matsift.density.unique_layers import CubePlan, Rows, ViewPlan, views_alike
from matsift.density.views import views as views_of_arrays
from matsift.errors import UserInputError

FCC_SHIFTS = [(6, 6, 0), (6, 0, 6), (0, 6, 6)]


def sizes(network: nn.Module, kinds: tuple[type[nn.Module], ...], *inputs: Tensor) -> list[tuple[int, ...]]:
    """Return the shapes after each layer of some kinds, without the batch."""
    seen: list[tuple[int, ...]] = []
    handles = [
        layer.register_forward_hook(lambda _layer, _inputs, output: seen.append(tuple(output.shape[1:])))
        for layer in network.modules()
        if isinstance(layer, kinds)
    ]
    with torch.inference_mode():
        network(*inputs)
    for handle in handles:
        handle.remove()
    return seen


def test_lengths_of_the_paper() -> None:
    assert Lengths.in_3d(60, (5, 4)) == (60, 12, 3, 1)
    assert Lengths.in_2d(60, (6, 5)) == (60, 10, 3, 1)


def test_the_picture_shrinks_as_the_paper_says() -> None:
    settings = MagpieCnnSettings()
    shapes = sizes(MagpieNet(settings), (nn.Conv2d, nn.AvgPool2d, nn.Linear), torch.zeros(2, 1, 12, 12))
    assert shapes == [(32, 10, 10), (48, 8, 8), (48, 4, 4), (64, 2, 2), (48,), (32,), (1,)]


def test_widths_of_the_paper() -> None:
    with torch.device("meta"):
        cube, flat = Density3d(Density3dSettings(), 60), Density2d(Density2dSettings(), 60)
    dense = [layer.out_features for layer in [*cube.ladder, cube.answer] if isinstance(layer, nn.Linear)]
    assert dense == [*DENSE, 1]
    assert len(dense) == 7
    assert tuple(cube.first.weight.shape) == (200, 1, 5, 5, 5)
    assert tuple(cube.second.weight.shape) == (200, 200, 4, 4, 4)
    assert cube.ladder[0].in_features == 200
    assert flat.ladder[0].in_features == 384
    branch = flat.branches[0]
    assert isinstance(branch, ViewBranch)
    assert tuple(branch.reduce.weight.shape) == (24, 60, 1, 1)
    assert (branch.squeeze.out_features, branch.excite.out_features) == (4, 24)
    assert tuple(branch.first.weight.shape) == (64, 24, 6, 6)
    assert tuple(branch.second.weight.shape) == (128, 64, 5, 5)


@pytest.mark.parametrize("tied", [False, True], ids=["own weights", "tied"])
def test_shapes_of_the_2d_network_on_60_points(tied: bool) -> None:
    network = Density2d(Density2dSettings(tied=tied, dense=(4, 3)), 60)
    shapes = sizes(network, (nn.Conv2d, nn.Linear), torch.rand(1, 60, 60, 60))
    # the pooling leaves the third of three positions out, so 42 of 60 points are read by the second convolution's input
    one = [(24, 60, 60), (4,), (24,), (64, 7, 7), (128, 2, 2)]
    assert shapes == [*one * 3, (4,), (3,), (1,)]


@pytest.mark.parametrize("grid", [60, 63], ids=str)
def test_the_3d_network_reads_what_the_plain_layers_read(grid: int) -> None:
    network = random_weights(Density3d(Density3dSettings(filters=(3, 4), dense=(4, 3)), grid))
    assert isinstance(network, Density3d)
    field = torch.rand(1, grid, grid, grid)
    plain = functional.relu(network.second(functional.relu(network.first(field[:, None]))))
    wanted = network.ladder(functional.max_pool3d(plain, 2).flatten(1))
    torch.testing.assert_close(network.features(field), wanted)


def test_a_branch_reads_what_the_plain_layers_read() -> None:
    branch = random_weights(ViewBranch(Density2dSettings(channels=3, squeeze=2, filters=(4, 5)), 60))
    assert isinstance(branch, ViewBranch)
    view = torch.rand(2, 60, 60, 60)
    reduced = functional.relu(branch.reduce(view))
    gated = reduced * branch.gate(reduced.mean(dim=(2, 3)))[:, :, None, None]
    plain = functional.relu(branch.second(functional.relu(branch.first(gated))))
    assert plain.shape == (2, 5, 3, 3)
    torch.testing.assert_close(branch(view), functional.max_pool2d(plain, 2).flatten(1))


def test_the_gate_lies_between_0_and_1() -> None:
    branch = random_weights(ViewBranch(Density2dSettings(), 60))
    assert isinstance(branch, ViewBranch)
    factors = branch.gate(torch.rand(50, 24))
    assert bool((factors > 0).all())
    assert bool((factors < 1).all())


def test_a_gate_of_1_changes_nothing() -> None:
    branch = random_weights(ViewBranch(Density2dSettings(**SMALL_2D), GRID))
    assert isinstance(branch, ViewBranch)
    with torch.no_grad():
        branch.excite.weight.zero_()
        branch.excite.bias.fill_(40.0)  # its sigmoid is 1 in single precision
    view = torch.rand(3, GRID, GRID, GRID)
    ungated = functional.relu(branch.first(functional.relu(branch.reduce(view))))
    wanted = functional.max_pool2d(functional.relu(branch.second(ungated)), 2).flatten(1)
    torch.testing.assert_close(branch(view), wanted)


def test_views_are_those_of_the_wing() -> None:
    field = np.random.default_rng(0).random((2, 3, 3, 3))
    for ours, theirs in zip(views(torch.from_numpy(field)), views_of_arrays(field), strict=True):
        assert np.array_equal(ours.numpy(), theirs)


@pytest.mark.parametrize("space_group", [225, 221, 229, 216, 215, 195], ids=str)
def test_tied_branches_say_the_same_of_a_cubic_density(space_group: int) -> None:
    network = random_weights(Density2d(Density2dSettings(**SMALL_2D, tied=True), GRID))
    assert isinstance(network, Density2d)
    field = torch.from_numpy(whole(symmetric_fields(4, space_group)).values)
    assert all(torch.equal(view, field) for view in views(field))
    first, second, third = (network.branches[0](view) for view in views(field))
    torch.testing.assert_close(second, first)
    torch.testing.assert_close(third, first)
    skewed = torch.rand(2, GRID, GRID, GRID)
    first, second, _ = (network.branches[0](view) for view in views(skewed))
    assert not torch.allclose(first, second)


@pytest.mark.parametrize("shift", FCC_SHIFTS, ids=str)
def test_a_centring_translation_changes_no_feature(shift: tuple[int, int, int]) -> None:
    field = torch.from_numpy(whole(symmetric_fields(3)).values)
    moved = torch.roll(field, shift, dims=(1, 2, 3))
    for network in (
        random_weights(Density2d(Density2dSettings(**SMALL_2D), GRID)),
        random_weights(Density3d(Density3dSettings(**SMALL_3D), GRID)),
    ):
        assert isinstance(network, Density2d | Density3d)
        assert torch.equal(network.features(field), network.features(moved))


@pytest.mark.parametrize("space_group", [225, 215], ids=str)
@pytest.mark.parametrize(
    ("settings", "kind", "plan"),
    [
        (Density2dSettings(**SMALL_2D), Density2d, ViewPlan),
        (Density2dSettings(**SMALL_2D, tied=True), Density2d, ViewPlan),
        (Density2dSettings(**WIDE_2D), Density2d, ViewPlan),
        (Density3dSettings(**SMALL_3D), Density3d, CubePlan),
        (Density3dSettings(**WIDE_3D), Density3d, CubePlan),
    ],
    ids=["2D", "2D tied", "2D, pooled to 2 x 2", "3D", "3D, pooled to 2 x 2 x 2"],
)
def test_unique_values_give_the_answers_and_gradients_of_whole_grids(
    settings: Any, kind: Any, plan: Any, space_group: int
) -> None:
    fields = symmetric_fields(5, space_group)
    of = labels(space_group)
    network = random_weights(kind(settings, GRID))
    wanted = network(torch.from_numpy(whole(fields).values))
    gradients = torch.autograd.grad(wanted.square().sum(), list(network.parameters()))
    network.plan = plan(of, settings.kernels)
    said = network(torch.from_numpy(fields.values))
    torch.testing.assert_close(said, wanted, rtol=1e-5, atol=1e-5)
    found = torch.autograd.grad(said.square().sum(), list(network.parameters()))
    for ours, plain in zip(found, gradients, strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-3, atol=1e-4 * float(plain.abs().max() + 1e-6))


def test_what_is_computed_once_on_60_points_of_fm3m() -> None:
    plan = ViewPlan(labels(225, 60), (6, 5))
    assert (plan.n_column, plan.n_channel) == (256, 31)
    assert plan.n_block < 7 * 7
    assert CubePlan(labels(225, 60), (5, 4)).n_block < 8**3


def test_views_that_differ_have_no_plan() -> None:
    tetragonal = labels(225).copy()
    tetragonal[1] += int(tetragonal.max()) + 1
    assert not views_alike(tetragonal)
    with pytest.raises(UserInputError, match="three views"):
        ViewPlan(tetragonal, (2, 3))


@given(seed=st.integers(0, 2**31), n_row=st.integers(1, 9), n=st.integers(1, 30))
@hypothesis_settings(max_examples=20)
def test_the_gradient_of_taken_rows(seed: int, n_row: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    index = rng.integers(0, n_row, n)
    matrix = torch.from_numpy(rng.normal(size=(n_row, 3)).astype(np.float32)).requires_grad_()
    weight = torch.from_numpy(rng.normal(size=(n, 3)).astype(np.float32))
    (found,) = torch.autograd.grad((Rows(index, n_row, torch.device("cpu")).of(matrix) * weight).sum(), matrix)
    wanted = np.zeros((n_row, 3))
    np.add.at(wanted, index, weight.numpy())
    np.testing.assert_allclose(found.numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize(
    "build", [lambda: Lengths.in_3d(20, (5, 4)), lambda: Lengths.in_2d(12, (6, 5))], ids=["3D", "2D"]
)
def test_a_grid_that_is_too_small(build: Any) -> None:
    with pytest.raises(UserInputError, match="too small for convolutions"):
        build()

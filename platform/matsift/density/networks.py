"""The networks of paper 003 (Zhao 2020) layer by layer: composition, densities in 3D, densities in three views, fusion.

Every network has `features`, what it knows before its answer, and gives one number an item.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from matsift.density.settings import Density2dSettings, Density3dSettings, FusionSettings, MagpieCnnSettings
from matsift.density.unique_layers import CubePlan, ViewPlan
from matsift.errors import UserInputError

#: Edge of the picture that 132 features and 12 zeros make.
PICTURE = 12
#: The pooling at the end of the convolutions, and the step of the 2D network's second convolution.
POOL, SECOND_STEP = 2, 2


class Lengths(NamedTuple):
    """Points along an axis: of the grid, after either convolution, and after pooling."""

    grid: int
    first: int
    second: int
    pooled: int

    @classmethod
    def in_3d(cls, grid: int, kernels: tuple[int, int]) -> Lengths:
        """Return the lengths in the 3D network; 60, 12, 3, 1 in the paper."""
        first = grid // kernels[0]
        second = first // kernels[1]
        return _checked(cls(grid, first, second, second // POOL), kernels)

    @classmethod
    def in_2d(cls, grid: int, kernels: tuple[int, int]) -> Lengths:
        """Return the lengths in the 2D network; 60, 10, 3, 1 in the paper."""
        first = grid // kernels[0]
        second = max(0, (first - kernels[1]) // SECOND_STEP + 1)
        return _checked(cls(grid, first, second, second // POOL), kernels)


def _checked(lengths: Lengths, kernels: tuple[int, int]) -> Lengths:
    if lengths.pooled < 1:
        raise UserInputError(
            f"a grid of {lengths.grid} points is too small for convolutions of {kernels[0]} and {kernels[1]} and the "
            f"pooling after them; take a finer grid or smaller kernels"
        )
    return lengths


class Network(nn.Module, ABC):
    """A network that gives one number an item from its features."""

    def __init__(self, n_feature: int) -> None:
        super().__init__()
        self.n_feature = n_feature
        self.answer = nn.Linear(n_feature, 1)

    @abstractmethod
    def features(self, *inputs: Tensor) -> Tensor:
        """Return (n, n_feature), the outputs of the last but one layer."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return (n,) answers."""
        return cast("Tensor", self.answer(self.features(*inputs)))[:, 0]


class MagpieNet(Network):
    """Three convolutions of 3 x 3 on (n, 1, 12, 12) pictures: 12, 10, 8, pooled to 4, 2."""

    def __init__(self, settings: MagpieCnnSettings) -> None:
        super().__init__(settings.dense[-1])
        a, b, c = settings.filters
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, a, 3), nn.ReLU(), nn.Conv2d(a, b, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Conv2d(b, c, 3), nn.ReLU()
        )
        self.ladder = ladder(4 * c, settings.dense)

    def features(self, *inputs: Tensor) -> Tensor:
        """Return what the network knows of the pictures."""
        (pictures,) = inputs
        return cast("Tensor", self.ladder(self.convolutions(pictures).flatten(1)))


class Density3d(Network):
    """Two convolutions whose steps are as wide as they are, and the largest of each 2 x 2 x 2.

    The pooling leaves the third of three positions out, so that a third of each axis is never read; only what is read
    is computed. Parameters: settings, and the points of the grid along each axis.
    """

    def __init__(self, settings: Density3dSettings, grid: int, plan: CubePlan | None = None) -> None:
        super().__init__(settings.dense[-1])
        self.lengths, self.plan = Lengths.in_3d(grid, settings.kernels), plan
        (first, second), (edge, second_edge) = settings.filters, settings.kernels
        self._read = edge * second_edge * POOL * self.lengths.pooled
        self.first = nn.Conv3d(1, first, edge, stride=edge)
        self.second = nn.Conv3d(first, second, second_edge, stride=second_edge)
        self.ladder = ladder(second * self.lengths.pooled**3, settings.dense)

    def features(self, *inputs: Tensor) -> Tensor:
        """Return what the network knows of (n, a, a, a) grids, or with a plan of (n, n_orbit) unique values."""
        (field,) = inputs
        if self.plan is not None:
            return cast("Tensor", self.ladder(self.plan.pooled(self.first, self.second, field)))
        read = slice(self._read)
        x = functional.relu(self.first(field[:, None, read, read, read]))
        x = functional.max_pool3d(functional.relu(self.second(x)), POOL)
        return cast("Tensor", self.ladder(x.flatten(1)))


class ViewBranch(nn.Module):
    """What is made of one view: a 1 x 1 convolution, squeeze and excitation, two convolutions, pooling."""

    def __init__(self, settings: Density2dSettings, grid: int) -> None:
        super().__init__()
        lengths, (edge, second_edge) = Lengths.in_2d(grid, settings.kernels), settings.kernels
        channels, (first, second) = settings.channels, settings.filters
        self._read = edge * (second_edge + SECOND_STEP * (POOL * lengths.pooled - 1))
        self.reduce = nn.Conv2d(grid, channels, 1)
        self.squeeze = nn.Linear(channels, settings.squeeze)
        self.excite = nn.Linear(settings.squeeze, channels)
        self.first = nn.Conv2d(channels, first, edge, stride=edge)
        self.second = nn.Conv2d(first, second, second_edge, stride=SECOND_STEP)

    def gate(self, mean: Tensor) -> Tensor:
        """Return (n, channels) factors between 0 and 1 from the means of the channels over a view (equation 4)."""
        return torch.sigmoid(self.excite(functional.relu(self.squeeze(mean))))

    def forward(self, view: Tensor) -> Tensor:
        """Return (n, m) values of (n, channel, a, a) views."""
        x = functional.relu(self.reduce(view))
        factors = self.gate(x.mean(dim=(2, 3)))
        x = x[:, :, : self._read, : self._read] * factors[:, :, None, None]
        x = functional.relu(self.first(x))
        return functional.max_pool2d(functional.relu(self.second(x)), POOL).flatten(1)


class Density2d(Network):
    """One branch for each of three views, or one for all, and dense layers on what they say."""

    def __init__(self, settings: Density2dSettings, grid: int, plan: ViewPlan | None = None) -> None:
        super().__init__(settings.dense[-1])
        self.lengths, self.plan = Lengths.in_2d(grid, settings.kernels), plan
        self.branches = nn.ModuleList(ViewBranch(settings, grid) for _ in range(1 if settings.tied else 3))
        self.ladder = ladder(3 * settings.filters[1] * self.lengths.pooled**2, settings.dense)

    def features(self, *inputs: Tensor) -> Tensor:
        """Return what the network knows of (n, a, a, a) grids, or with a plan of (n, n_orbit) unique values."""
        (field,) = inputs
        if self.plan is not None:
            columns = self.plan.columns(field)
            said = [self.plan.pooled(cast("ViewBranch", branch), columns) for branch in self.branches]
            said = said if len(said) == 3 else said * 3
        else:
            branches = list(self.branches) if len(self.branches) == 3 else [self.branches[0]] * 3
            said = [branch(view) for branch, view in zip(branches, views(field), strict=True)]
        return cast("Tensor", self.ladder(torch.cat(said, dim=1)))


class Fusion(Network):
    """Dense layers on the features of two networks side by side."""

    def __init__(self, settings: FusionSettings, n_input: int) -> None:
        super().__init__(settings.head[-1])
        self.ladder = ladder(n_input, settings.head)

    def features(self, *inputs: Tensor) -> Tensor:
        """Return what the head knows of (n, n_input) features."""
        return cast("Tensor", self.ladder(torch.cat(inputs, dim=1)))


class TunedFusion(Network):
    """A fusion with its two networks in it, so that they are trained on together with the head."""

    def __init__(self, magpie: MagpieNet, density: Density2d, fusion: Fusion) -> None:
        super().__init__(fusion.n_feature)
        self.magpie, self.density, self.fusion = magpie, density, fusion
        self.answer = fusion.answer

    def features(self, *inputs: Tensor) -> Tensor:
        """Return what the head knows of pictures and densities."""
        pictures, field = inputs
        return self.fusion.features(self.magpie.features(pictures), self.density.features(field))


def views(field: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return (n, channel, a, a) views of (n, a, a, a) grids, as `matsift.density.views.views` does of arrays."""
    return field, field.permute(0, 2, 3, 1), field.permute(0, 3, 1, 2)


def ladder(n_input: int, widths: Sequence[int]) -> nn.Sequential:
    """Return dense layers, each with ReLU."""
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(n_input, width), nn.ReLU()]
        n_input = width
    return nn.Sequential(*layers)


def start_weights(layers: Iterable[nn.Module], start: str) -> None:
    """Set the weights that a training begins with: "he" for ReLU, "glorot" as Keras does, "torch" as they are."""
    for layer in layers:
        if start == "torch" or not isinstance(layer, nn.Linear | nn.Conv2d | nn.Conv3d):
            continue
        if start == "he":
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        else:
            nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)

"""The convolutions of the networks on symmetric densities, each distinct column or block computed once.

A density of Fm-3m on a grid of 60 points repeats itself: its three views are the same picture, 3600 columns of a view
are copies of some 260, and the channels z and -z are equal. A 1 x 1 convolution gives equal columns equal values, and
one of kernel and step k gives equal blocks equal values, so that computing each distinct one once gives what the plain
layers give. What repeats is found by comparing the labels of the orbits, whatever the symmetry.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from matsift.errors import UserInputError

if TYPE_CHECKING:
    from matsift.density.networks import ViewBranch

_POOL, _STEP = 2, 2


class Rows:
    """Which rows to take of a matrix, and for the gradient which of the taken ones go back to each row."""

    def __init__(self, index: NDArray[np.int64], n_row: int, device: torch.device) -> None:
        self.index = torch.from_numpy(index).to(device)
        order = np.argsort(index, kind="stable")
        ends = np.concatenate([[0], np.cumsum(np.bincount(index, minlength=n_row))])
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
            self.back = torch.sparse_csr_tensor(
                torch.from_numpy(ends),
                torch.from_numpy(order),
                torch.ones(len(index)),
                size=(n_row, len(index)),
                check_invariants=False,
            ).to(device)

    def of(self, matrix: Tensor) -> Tensor:
        """Return the rows of a (n_row, m) matrix."""
        return cast("Tensor", _Take.apply(matrix, self))  # type: ignore[no-untyped-call]


class _Take(torch.autograd.Function):
    """Rows of a matrix; the gradient is summed by a sparse product, in a fixed order, unlike an indexed addition's."""

    @staticmethod
    def forward(ctx: Any, matrix: Tensor, rows: Rows) -> Tensor:
        ctx.rows = rows
        return matrix.index_select(0, rows.index)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return ctx.rows.back @ gradients[0].contiguous(), None


@dataclass(eq=False)
class _Gather:
    """The same choice of rows in each of n items: `index` into `n_row` rows of one."""

    index: NDArray[np.int64]
    n_row: int
    _made: dict[tuple[int, torch.device], Rows] = field(default_factory=dict)

    def of(self, matrix: Tensor, n: int) -> Tensor:
        """Return (n * len(index), m) rows of a (n * n_row, m) matrix."""
        key = (n, matrix.device)
        if key not in self._made:
            index = (np.arange(n)[:, None] * self.n_row + self.index).reshape(-1)
            self._made[key] = Rows(index, n * self.n_row, matrix.device)
        return self._made[key].of(matrix)


class CubePlan:
    """Distinct blocks of the 3D network.

    Parameters
    ----------
    labels
        (a, a, a), which orbit each point of the grid belongs to.
    kernels
        Edges of the two convolutions.
    """

    def __init__(self, labels: NDArray[np.int32], kernels: tuple[int, int]) -> None:
        edge, second_edge = kernels
        n_pooled = labels.shape[0] // edge // second_edge // _POOL
        n_first = n_pooled * _POOL * second_edge
        read = n_first * edge
        blocks = _blocks(labels[:read, :read, :read], edge)
        distinct, number = np.unique(blocks, axis=0, return_inverse=True)
        self.points = torch.from_numpy(distinct.reshape(-1).astype(np.int64))
        self.n_block, self.n_point, self.n_pooled = len(distinct), edge**3, n_pooled
        second = _blocks(number.reshape(n_first, n_first, n_first), second_edge)
        pools = _blocks(np.arange(len(second)).reshape((n_pooled * _POOL,) * 3), _POOL)
        self._second = _Gather(second[pools].reshape(-1), self.n_block)

    def pooled(self, first: nn.Conv3d, second: nn.Conv3d, values: Tensor) -> Tensor:
        """Return (n, m), what both convolutions and the pooling make of (n, n_orbit) unique values."""
        n = len(values)
        blocks = values.index_select(1, self.points.to(values.device)).view(n * self.n_block, self.n_point)
        x = functional.relu(functional.linear(blocks, first.weight.flatten(1), first.bias))
        x = self._second.of(x, n).view(n * (_POOL * self.n_pooled) ** 3, -1)
        weight = second.weight.flatten(2).transpose(1, 2).flatten(1)
        x = functional.relu(functional.linear(x, weight, second.bias))
        x = x.view(n, self.n_pooled**3, _POOL**3, -1).amax(dim=2)
        return x.transpose(1, 2).flatten(1)


class ViewPlan:
    """Distinct columns, channels and blocks of the 2D network; parameters as `CubePlan`.

    Raises
    ------
    UserInputError
        If the three views of such densities are not one and the same picture.
    """

    def __init__(self, labels: NDArray[np.int32], kernels: tuple[int, int]) -> None:
        if not views_alike(labels):
            raise UserInputError("the three views of densities of this symmetry differ; load whole grids instead")
        edge, second_edge = kernels
        length, grid = labels.shape[0] // edge, labels.shape[0]
        n_pooled = ((length - second_edge) // _STEP + 1) // _POOL
        n_first = second_edge + _STEP * (_POOL * n_pooled - 1)
        columns, column, count = np.unique(
            labels.reshape(grid, grid * grid), axis=1, return_inverse=True, return_counts=True
        )
        channels, channel = np.unique(columns, axis=0, return_inverse=True)
        self.n_column, self.n_channel, self.n_pooled = columns.shape[1], len(channels), n_pooled
        self._points = torch.from_numpy(channels.T.reshape(-1).astype(np.int64))
        self._share = torch.from_numpy((count / grid**2).astype(np.float32))
        self._fold = torch.zeros(grid, self.n_channel)
        self._fold[np.arange(grid), channel.reshape(-1)] = 1.0
        read = n_first * edge
        blocks, number = np.unique(_blocks(column.reshape(grid, grid)[:read, :read], edge), axis=0, return_inverse=True)
        self._first = _Gather(blocks.reshape(-1), self.n_column)
        self.n_block, self._n_tap = len(blocks), edge * edge
        self._second = _Gather(_windows(number.reshape(n_first, n_first), second_edge, n_pooled), self.n_block)
        self._n_second_tap = second_edge**2

    def columns(self, values: Tensor) -> Tensor:
        """Return (n * n_column, n_channel), the distinct columns of (n, n_orbit) unique values."""
        return values.index_select(1, self._points.to(values.device)).view(-1, self.n_channel)

    def pooled(self, branch: ViewBranch, columns: Tensor) -> Tensor:
        """Return (n, m), what a branch makes of the distinct columns."""
        n = len(columns) // self.n_column
        weight = branch.reduce.weight.flatten(1) @ self._fold.to(columns.device)
        x = functional.relu(functional.linear(columns, weight, branch.reduce.bias)).view(n, self.n_column, -1)
        factors = branch.gate(torch.einsum("nmc,m->nc", x, self._share.to(columns.device)))
        x = self._first.of((x * factors[:, None, :]).flatten(0, 1), n).view(n * self.n_block, -1)
        x = functional.relu(functional.linear(x, _by_tap(branch.first), branch.first.bias))
        x = self._second.of(x, n).view(n * (_POOL * self.n_pooled) ** 2, -1)
        x = functional.relu(functional.linear(x, _by_tap(branch.second), branch.second.bias))
        x = x.view(n, self.n_pooled**2, _POOL**2, -1).amax(dim=2)
        return x.transpose(1, 2).flatten(1)


def views_alike(labels: NDArray[np.int32]) -> bool:
    """Return whether every axis as channels gives the same picture: with a threefold axis along [111]."""
    return len(set(labels.shape)) == 1 and bool((labels == labels.transpose(2, 0, 1)).all())


def _by_tap(convolution: nn.Conv2d) -> Tensor:
    """Return (n_output, n_tap * n_input) weights of a convolution."""
    return convolution.weight.flatten(2).transpose(1, 2).flatten(1)


def _blocks(labels: NDArray[Any], edge: int) -> NDArray[np.int64]:
    """Return (n, edge^d) labels of the blocks of a d-dimensional array, blocks and points in C order."""
    count, d = labels.shape[0] // edge, labels.ndim
    cut = labels.reshape(sum(((count, edge) for _ in range(d)), ()))
    return cut.transpose([*range(0, 2 * d, 2), *range(1, 2 * d, 2)]).reshape(count**d, edge**d).astype(np.int64)


def _windows(number: NDArray[np.int64], edge: int, n_pooled: int) -> NDArray[np.int64]:
    """Return the numbers in the windows of the second convolution, those of one pooling after another."""
    seen = np.lib.stride_tricks.sliding_window_view(number, (edge, edge))[::_STEP, ::_STEP]
    seen = seen.reshape(n_pooled, _POOL, n_pooled, _POOL, edge * edge).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(seen).reshape(-1).astype(np.int64)

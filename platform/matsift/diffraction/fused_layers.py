"""The convolutions of `networks` on the sparse entries of profiles: the same outputs in a fraction of the time.

A profile has a few hundred entries in 10,001 bins, so its first convolution is a sum of rows of the kernel; ReLU,
dropout and pooling follow while a sample is in the cache. The second is one matrix product over ten shifts, in float32
or, where the processor multiplies such numbers twice as fast, in bfloat16 with sums in float32.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional

from matsift.diffraction import fused_loops
from matsift.diffraction.grid import N_BIN
from matsift.diffraction.networks import DROPOUT, STAGES, Answer, SpaceGroupNet
from matsift.diffraction.sparse import SparseProfiles

_POOL = 3
#: Bins a row of the first convolution's input and of the second's: both strides are 5.
_STRIDE = 5


@dataclass(frozen=True)
class _Dropped:
    """Which neurons of a batch are left out: those whose hash with the seed is below the threshold."""

    seed: np.uint32
    threshold: np.uint32
    scale: np.float32

    @classmethod
    def draw(cls, network: SpaceGroupNet) -> _Dropped:
        """Return a draw by the global generator of torch; nothing is dropped outside of training."""
        share = DROPOUT * network.shape.dropout
        if not network.training or not share:
            return cls(np.uint32(0), np.uint32(0), np.float32(1 / _POOL))
        seed = int(torch.randint(2**32, (1,), dtype=torch.int64))
        return cls(np.uint32(seed), np.uint32(share * 2**32), np.float32(1 / (_POOL * (1 - share))))


@dataclass(frozen=True, eq=False)
class _Entries:
    """The entries of a batch, their bins counted from the first zero of the padding."""

    offsets: NDArray[np.int64]
    bins: NDArray[np.int64]
    intensities: NDArray[np.float32]
    n_output: int


def _bits(tensor: Tensor) -> tuple[NDArray[Any], np.uint32]:
    """Return the bits of a contiguous tensor without a copy, and by how much they are narrower than float32."""
    if tensor.dtype == torch.bfloat16:
        return tensor.view(torch.int16).numpy().view(np.uint16), np.uint32(16)
    return tensor.numpy().view(np.uint32), np.uint32(0)


def _apply(layer: type[Function], *arguments: Any) -> Tensor:
    return cast("Tensor", cast("Any", layer).apply(*arguments))


class _FirstLayer(Function):
    """Sparse entries -> first convolution, ReLU, dropout, pooling: (n, pooled length, width)."""

    @staticmethod
    def forward(
        ctx: Any, taps: Tensor, bias: Tensor, entries: _Entries, n_pooled: int, dropped: _Dropped, dtype: torch.dtype
    ) -> Tensor:
        n, width = len(entries.offsets) - 1, len(bias)
        pooled = torch.empty(n, n_pooled * width, dtype=dtype)
        bits, shift = _bits(pooled)
        alive = np.empty((n, entries.n_output * width), dtype=np.bool_)
        listed = (entries.offsets, entries.bins, entries.intensities)
        numbers = (dropped.seed, dropped.threshold, dropped.scale)
        fused_loops.entries_forward(*listed, taps.numpy(), bias.numpy(), *numbers, alive, bits, shift)
        ctx.kept = (listed, alive, dropped.scale, taps.shape, width)
        return pooled.view(n, n_pooled, width)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        listed, alive, scale, shape, width = ctx.kept
        taps, bias = np.zeros(shape, dtype=np.float32), np.zeros(width, dtype=np.float32)
        bits, shift = _bits(gradient.contiguous().view(len(alive), -1))
        offsets, bins, intensities = listed
        fused_loops.entries_backward(offsets, bins, intensities, bits, shift, scale, alive, taps, bias)
        return torch.from_numpy(taps), torch.from_numpy(bias), None, None, None, None


class _SecondLayer(Function):
    """Products of rows and taps -> sum over shifts, ReLU, dropout, pooling: (n, pooled length, width) float32."""

    @staticmethod
    def forward(ctx: Any, products: Tensor, bias: Tensor, lengths: tuple[int, int], dropped: _Dropped) -> Tensor:
        n, width = len(products), len(bias)
        pooled = torch.empty(n, lengths[1] * width)
        bits, shift = _bits(products)
        alive = np.empty((n, lengths[0] * width), dtype=np.bool_)
        numbers = (dropped.seed, dropped.threshold, dropped.scale)
        fused_loops.shifts_forward(bits, shift, bias.numpy(), *numbers, alive, pooled.numpy())
        ctx.kept = (alive, dropped.scale, width, products.shape, products.dtype)
        return pooled.view(n, lengths[1], width)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Any:
        alive, scale, width, shape, dtype = ctx.kept
        products, bias = torch.empty(shape, dtype=dtype), np.zeros(width, dtype=np.float32)
        bits, shift = _bits(products)
        rows = gradient.contiguous().view(len(alive), -1).numpy()
        fused_loops.shifts_backward(rows, scale, alive, bias, bits, shift)
        return products, torch.from_numpy(bias), None, None


def fused_answer(network: SpaceGroupNet, profiles: SparseProfiles, dtype: torch.dtype = torch.float32) -> Answer:
    """Return what a network on the CPU says of profiles; as its own layers on the dense profiles.

    Parameters
    ----------
    network
        In training its dropout draws from the global generator of torch, other numbers than its own layers would.
    profiles
        A batch; a hundred rows at a time stay in the cache.
    dtype
        Of the factors of the second convolution's products: float32, or bfloat16 for speed in training.
    """
    shape, lengths = network.shape, network.shape.lengths()
    n, width = len(profiles), shape.width
    first, second, third = (cast("nn.Conv1d", layer) for layer in network.convolutions)
    left, _ = shape.padded(STAGES[0], N_BIN)
    heights = (shape.factor * profiles.intensities**shape.power).astype(np.float32)
    entries = _Entries(profiles.offsets, profiles.bins.astype(np.int64) + left, heights, lengths[0])
    taps = first.weight.view(width, -1, _STRIDE).permute(2, 1, 0).flip(1).reshape(_STRIDE, -1)
    x = _apply(_FirstLayer, taps, first.bias, entries, lengths[1], _Dropped.draw(network), dtype)
    before, behind = shape.padded(STAGES[1], lengths[1])
    if before or behind:
        x = functional.pad(x, (0, 0, before, behind))
    taps = second.weight.view(width, width, -1, _STRIDE).permute(3, 1, 2, 0).reshape(_STRIDE * width, -1)
    products = (x.reshape(-1, _STRIDE * width) @ taps.to(dtype)).view(n, x.shape[1] // _STRIDE, -1)
    x = _apply(_SecondLayer, products, second.bias, (lengths[2], lengths[3]), _Dropped.draw(network))
    return network.heads(_third(network, x, shape.padded(STAGES[2], lengths[3]), third))


def _third(network: SpaceGroupNet, x: Tensor, padding: tuple[int, int], layer: nn.Conv1d) -> Tensor:
    """Return the flattened output of the last convolution with its pooling, from (n, length, width)."""
    stage, n, width = STAGES[2], len(x), network.shape.width
    windows = functional.pad(x, (0, 0, *padding)).unfold(1, stage.kernel, stage.stride)
    n_row = windows.shape[1]
    x = functional.linear(windows.reshape(n * n_row, -1), layer.weight.view(width, -1), layer.bias)
    x = functional.dropout(functional.relu(x), DROPOUT * network.shape.dropout, network.training).view(n, n_row, width)
    n_pooled = (n_row - stage.pool) // stage.pool_stride + 1
    x = x[:, : n_pooled * stage.pool].reshape(n, n_pooled, stage.pool, width).mean(dim=2)
    return x.transpose(1, 2).flatten(1)

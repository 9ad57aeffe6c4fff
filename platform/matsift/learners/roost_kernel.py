"""The gated means over pairs of elements on a processor, pair by pair within its cache: values and derivatives.

`roost_network.Attention` does the same with arrays of all pairs, which a processor spends most of its time to move.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matsift.descriptors.compiling import compiled_sums

#: Slope of the hidden layers below 0, that of torch's LeakyReLU.
SLOPE = 0.01

_Array = NDArray[Any]


class PairMeans(torch.autograd.Function):
    """Gated means (m, heads x hidden) of the hidden layers of messages, float32 or float64, on a processor.

    Arguments: `own` and `theirs` (m, 2 x heads x hidden), what an element brings as the first and as the second of a
    pair, for gates, then for messages; `weights` (m, heads), what is added to the logit of a neighbour; `gate` (heads,
    hidden); `blocks`, how many compositions of how many elements follow each other.
    """

    @staticmethod
    def forward(
        ctx: Any, own: Tensor, theirs: Tensor, weights: Tensor, gate: Tensor, blocks: Sequence[tuple[int, int]]
    ) -> Tensor:
        """Return the means."""
        mine, other, added, weight = (_array(tensor) for tensor in (own, theirs, weights, gate))
        ends, (heads, hidden) = _ends(blocks), weight.shape
        means = np.zeros((len(mine), heads * hidden), dtype=mine.dtype)
        gates = np.zeros((len(mine), max(k for _, k in blocks), heads), dtype=mine.dtype)
        _forward(mine, other, added, weight, ends, means, gates)
        ctx.arrays, ctx.ends, ctx.gates = (mine, other, added, weight), ends, gates
        return torch.from_numpy(means)

    @staticmethod
    def backward(ctx: Any, *changes: Any) -> Any:
        """Return the derivatives by own, theirs, weights and gate."""
        own, theirs, _, gate = ctx.arrays
        given = [np.zeros_like(array) for array in ctx.arrays]
        _backward(own, theirs, gate, ctx.ends, ctx.gates, _array(changes[0]), *given)
        return (*(torch.from_numpy(array) for array in given), None)


def pair_means(own: Tensor, theirs: Tensor, weights: Tensor, gate: Tensor, blocks: Sequence[tuple[int, int]]) -> Tensor:
    """Return the means (m, heads x hidden) of `PairMeans`, with derivatives."""
    means: Tensor = PairMeans.apply(own, theirs, weights, gate, blocks)  # type: ignore[no-untyped-call]
    return means


def _array(tensor: Tensor) -> _Array:
    return tensor.detach().contiguous().numpy()


def _ends(blocks: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Return (n + 1,) where each composition begins among the elements, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(np.repeat([k for _, k in blocks], [n for n, _ in blocks]))]).astype(np.int64)


@compiled_sums
def _forward(
    own: _Array, theirs: _Array, weights: _Array, gate: _Array, ends: _Array, means: _Array, gates: _Array
) -> None:
    heads, hidden = gate.shape
    slope = gate.dtype.type(SLOPE)
    for c in range(len(ends) - 1):
        low, high = ends[c], ends[c + 1]
        for i in range(low, high):
            for head in range(heads):
                at, past = head * hidden, (heads + head) * hidden
                mine, weight = own[i, at : at + hidden], gate[head]
                largest = gate.dtype.type(-np.inf)
                for j in range(low, high):
                    other = theirs[j, at : at + hidden]
                    logit = weights[j, head]
                    for d in range(hidden):
                        z = mine[d] + other[d]
                        logit += weight[d] * max(z, slope * z)
                    gates[i, j - low, head] = logit
                    largest = max(largest, logit)
                total = gate.dtype.type(0)
                for j in range(high - low):
                    gates[i, j, head] = np.exp(gates[i, j, head] - largest)
                    total += gates[i, j, head]
                mine, mean = own[i, past : past + hidden], means[i, at : at + hidden]
                for j in range(low, high):
                    other = theirs[j, past : past + hidden]
                    g = gates[i, j - low, head] / total
                    gates[i, j - low, head] = g
                    for d in range(hidden):
                        z = mine[d] + other[d]
                        mean[d] += g * max(z, slope * z)


@compiled_sums
def _backward(
    own: _Array,
    theirs: _Array,
    gate: _Array,
    ends: _Array,
    gates: _Array,
    change: _Array,
    d_own: _Array,
    d_theirs: _Array,
    d_weights: _Array,
    d_gate: _Array,
) -> None:
    heads, hidden = gate.shape
    slope, one = gate.dtype.type(SLOPE), gate.dtype.type(1)
    d_logit = np.zeros(gates.shape[1], dtype=gate.dtype)
    for c in range(len(ends) - 1):
        low, high = ends[c], ends[c + 1]
        for i in range(low, high):
            for head in range(heads):
                at, past = head * hidden, (heads + head) * hidden
                mine, d_mine = own[i, past : past + hidden], d_own[i, past : past + hidden]
                asked = change[i, at : at + hidden]
                mean = gate.dtype.type(0)
                for j in range(low, high):
                    other, d_other = theirs[j, past : past + hidden], d_theirs[j, past : past + hidden]
                    g = gates[i, j - low, head]
                    d_g = gate.dtype.type(0)
                    for d in range(hidden):
                        z = mine[d] + other[d]
                        d_g += asked[d] * max(z, slope * z)
                    for d in range(hidden):
                        step = g * asked[d] * (one if mine[d] + other[d] > 0 else slope)
                        d_mine[d] += step
                        d_other[d] += step
                    d_logit[j - low] = d_g
                    mean += g * d_g
                mine, d_mine = own[i, at : at + hidden], d_own[i, at : at + hidden]
                weight, d_weight = gate[head], d_gate[head]
                for j in range(low, high):
                    other, d_other = theirs[j, at : at + hidden], d_theirs[j, at : at + hidden]
                    d_z = gates[i, j - low, head] * (d_logit[j - low] - mean)
                    d_weights[j, head] += d_z
                    for d in range(hidden):
                        z = mine[d] + other[d]
                        d_weight[d] += d_z * max(z, slope * z)
                    for d in range(hidden):
                        step = d_z * weight[d] * (one if mine[d] + other[d] > 0 else slope)
                        d_mine[d] += step
                        d_other[d] += step

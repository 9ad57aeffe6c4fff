"""Compiled loops of `fused_layers`: samples of a batch one after the other, channels innermost.

Numbers that go to and from matrix products come as their bits: float32 as uint32 with a shift of 0, bfloat16 as uint16
with a shift of 16.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.compiling import compiled

Bits = NDArray[Any]
Floats = NDArray[np.float32]


@compiled
def _add_scaled(total: Floats, row: Floats, factor: np.float32) -> None:
    for i in range(total.shape[0]):
        total[i] += factor * row[i]


@compiled
def _widen(bits: Bits, wide: Bits, shift: np.uint32) -> None:
    for i in range(bits.shape[0]):
        wide[i] = np.uint32(bits[i]) << shift


@compiled
def _narrow(wide: Bits, bits: Bits, shift: np.uint32) -> None:
    """Round to the nearest, ties to even."""
    if shift == np.uint32(0):
        for i in range(bits.shape[0]):
            bits[i] = wide[i]
    else:
        for i in range(bits.shape[0]):
            even = np.uint32(np.uint32(0x7FFF) + ((wide[i] >> np.uint32(16)) & np.uint32(1)))
            bits[i] = np.uint32(wide[i] + even) >> np.uint32(16)


@compiled
def _rectify(values: Floats, alive: NDArray[np.bool_], counter: np.uint32, threshold: np.uint32) -> None:
    """Set to 0 what is not positive or is dropped: where a hash of the neuron's number is below the threshold."""
    for i in range(values.shape[0]):
        h = np.uint32(counter + np.uint32(i))
        h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D))
        h = np.uint32((h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B))
        h = np.uint32(h ^ (h >> np.uint32(16)))
        kept = (h >= threshold) & (values[i] > np.float32(0))
        alive[i] = kept
        values[i] = values[i] if kept else np.float32(0)


@compiled
def _pool(values: Floats, pooled: Floats, width: int, stride: int, scale: np.float32) -> None:
    """Sum three neighbours, times the scale."""
    for p in range(pooled.shape[0] // width):
        at = p * stride * width
        first, second = values[at : at + width], values[at + width : at + 2 * width]
        third, out = values[at + 2 * width : at + 3 * width], pooled[p * width : (p + 1) * width]
        for c in range(width):
            out[c] = (first[c] + second[c] + third[c]) * scale


@compiled
def _unpool(
    gradient: Floats, alive: NDArray[np.bool_], values: Floats, width: int, stride: int, scale: np.float32
) -> None:
    values[:] = np.float32(0)
    for p in range(gradient.shape[0] // width):
        at = p * stride * width
        row = gradient[p * width : (p + 1) * width]
        for k in range(3):
            _add_scaled(values[at + k * width : at + (k + 1) * width], row, scale)
    for i in range(values.shape[0]):
        values[i] = values[i] if alive[i] else np.float32(0)


@compiled
def entries_forward(
    offsets: NDArray[np.int64],
    bins: NDArray[np.int64],
    intensities: Floats,
    taps: Floats,
    bias: Floats,
    seed: np.uint32,
    threshold: np.uint32,
    scale: np.float32,
    alive: NDArray[np.bool_],
    pooled: Bits,
    shift: np.uint32,
) -> None:
    """First convolution of sparse rows (kernel 100, stride 5), ReLU, dropout and pooling (3, stride 2).

    `taps` (5, 20 width) has for each remainder of a bin the rows of the kernel from the last to the first, so that
    what an entry adds to its twenty outputs is contiguous. `alive` (n, length width) is kept for the gradient.
    """
    width, reach = bias.shape[0], taps.shape[1] // bias.shape[0]
    length = alive.shape[1] // width
    values = np.empty(length * width, np.float32)
    wide = np.empty(pooled.shape[1], np.uint32)
    for s in range(alive.shape[0]):
        for t in range(length):
            values[t * width : (t + 1) * width] = bias
        for e in range(offsets[s], offsets[s + 1]):
            last = bins[e] // 5
            first = last - reach + 1
            low, high = max(0, first), min(last + 1, length)
            if low < high:
                row = taps[bins[e] - 5 * last]
                _add_scaled(
                    values[low * width : high * width],
                    row[(low - first) * width : (high - first) * width],
                    intensities[e],
                )
        _rectify(values, alive[s], np.uint32(seed + np.uint32(s * length * width)), threshold)
        _pool(values, wide.view(np.float32), width, 2, scale)
        _narrow(wide, pooled[s], shift)


@compiled
def entries_backward(
    offsets: NDArray[np.int64],
    bins: NDArray[np.int64],
    intensities: Floats,
    gradient: Bits,
    shift: np.uint32,
    scale: np.float32,
    alive: NDArray[np.bool_],
    taps: Floats,
    bias: Floats,
) -> None:
    """Add the gradients of `taps` and `bias` to the two last arrays."""
    width, reach = bias.shape[0], taps.shape[1] // bias.shape[0]
    length = alive.shape[1] // width
    values = np.empty(length * width, np.float32)
    wide = np.empty(gradient.shape[1], np.uint32)
    for s in range(alive.shape[0]):
        _widen(gradient[s], wide, shift)
        _unpool(wide.view(np.float32), alive[s], values, width, 2, scale)
        for t in range(length):
            _add_scaled(bias, values[t * width : (t + 1) * width], np.float32(1))
        for e in range(offsets[s], offsets[s + 1]):
            last = bins[e] // 5
            first = last - reach + 1
            low, high = max(0, first), min(last + 1, length)
            if low < high:
                row = taps[bins[e] - 5 * last]
                _add_scaled(
                    row[(low - first) * width : (high - first) * width],
                    values[low * width : high * width],
                    intensities[e],
                )


@compiled
def shifts_forward(
    products: Bits,
    shift: np.uint32,
    bias: Floats,
    seed: np.uint32,
    threshold: np.uint32,
    scale: np.float32,
    alive: NDArray[np.bool_],
    pooled: Floats,
) -> None:
    """Sum of the products (n, rows, taps width) over shifted rows, bias, ReLU, dropout, pooling (3, stride 3)."""
    width = bias.shape[0]
    n_tap, length = products.shape[2] // width, alive.shape[1] // width
    values = np.empty(length * width, np.float32)
    wide = np.empty(products.shape[2], np.uint32)
    row = wide.view(np.float32)
    for s in range(alive.shape[0]):
        for t in range(length):
            values[t * width : (t + 1) * width] = bias
        for r in range(products.shape[1]):
            _widen(products[s, r], wide, shift)
            for j in range(max(0, r - length + 1), min(n_tap, r + 1)):
                at = (r - j) * width
                _add_scaled(values[at : at + width], row[j * width : (j + 1) * width], np.float32(1))
        _rectify(values, alive[s], np.uint32(seed + np.uint32(s * length * width)), threshold)
        _pool(values, pooled[s], width, 3, scale)


@compiled
def shifts_backward(
    gradient: Floats,
    scale: np.float32,
    alive: NDArray[np.bool_],
    bias: Floats,
    products: Bits,
    shift: np.uint32,
) -> None:
    """Write the gradient of the products, and add that of the bias to `bias`."""
    width = bias.shape[0]
    n_tap, length = products.shape[2] // width, alive.shape[1] // width
    values = np.empty(length * width, np.float32)
    row = np.empty(products.shape[2], np.float32)
    for s in range(alive.shape[0]):
        _unpool(gradient[s], alive[s], values, width, 3, scale)
        for t in range(length):
            _add_scaled(bias, values[t * width : (t + 1) * width], np.float32(1))
        for r in range(products.shape[1]):
            for j in range(n_tap):
                t = r - j
                if 0 <= t < length:
                    row[j * width : (j + 1) * width] = values[t * width : (t + 1) * width]
                else:
                    row[j * width : (j + 1) * width] = np.float32(0)
            _narrow(row.view(np.uint32), products[s, r], shift)

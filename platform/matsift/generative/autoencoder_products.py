"""Transposed 3 x 3 convolutions of maps with channels last, as matrix products between shifted copies.

Each function is one step with its own gradient, since what torch derives for sums of slices writes each of them whole.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor

_TAPS = 3


def taps(weight: Tensor, kind: torch.dtype) -> Tensor:
    """Return (3 out, 3 in), for `spread_columns`, of the (in, out, 3, 3) weights of a transposed convolution."""
    return weight.flip(3).permute(2, 1, 3, 0).flatten(2).flatten(0, 1).to(kind)


def spread_columns(x: Tensor) -> Tensor:
    """Return (..., columns + 2, 3 c) of (..., columns, c): at each column the two before it and itself, or zeros."""
    return cast("Tensor", _SpreadColumns.apply(x))  # type: ignore[no-untyped-call]


def overlapping_rows(y: Tensor, bias: Tensor, n_row: int) -> Tensor:
    """Return (n, n_row, columns, c): what the rows i give to 2 i, 2 i + 1 and 2 i + 2, added, plus bias, cut at 0.

    Parameters
    ----------
    y
        (n, rows, columns, 3, c), what each row gives.
    bias
        (c,).
    n_row
        2 rows + 1, or one more, which only the bias reaches.
    """
    return cast("Tensor", _OverlappingRows.apply(y, bias, n_row))  # type: ignore[no-untyped-call]


def sum_of_taps(given: Tensor) -> Tensor:
    """Return (n, rows, columns) in float32: the sum of what each place gives to itself and its eight neighbours.

    Parameters
    ----------
    given
        (n, rows, columns, 9), by row, then column of the 3 x 3 weights of a transposed convolution.
    """
    return cast("Tensor", _SumOfTaps.apply(given))  # type: ignore[no-untyped-call]


class _SpreadColumns(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        *front, n_column, c = x.shape
        spread = x.new_empty(*front, n_column + 2, _TAPS * c)
        for j in range(_TAPS):
            spread[..., 2 - j : 2 - j + n_column, j * c : (j + 1) * c] = x
        spread[..., 0, : 2 * c] = 0
        spread[..., 1, :c] = 0
        spread[..., -1, c:] = 0
        spread[..., -2, 2 * c :] = 0
        return spread

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0]
        c, n_column = gradient.shape[-1] // _TAPS, gradient.shape[-2] - 2
        back = gradient[..., 2 : 2 + n_column, :c] + gradient[..., 1 : 1 + n_column, c : 2 * c]
        return back.add_(gradient[..., :n_column, 2 * c :])


class _OverlappingRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor, bias: Tensor, n_row: int) -> Tensor:
        n, given, n_column, _, c = y.shape
        rows = y.new_empty(n, n_row, n_column, c)
        rows[:, 0 : 2 * given : 2] = y[:, :, :, 0]
        rows[:, 1 : 2 * given : 2] = y[:, :, :, 1]
        rows[:, 2 : 2 * given : 2] += y[:, :-1, :, 2]
        rows[:, 2 * given] = y[:, -1, :, 2]
        rows[:, 2 * given + 1 :] = 0
        rows.add_(bias).relu_()
        ctx.save_for_backward(rows)
        ctx.given = given
        return rows

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        (rows,) = ctx.saved_tensors
        given = ctx.given
        kept = torch.ops.aten.threshold_backward(gradients[0], rows, 0)
        n, _, n_column, c = rows.shape
        back = rows.new_empty(n, given, n_column, _TAPS, c)
        back[:, :, :, 0] = kept[:, 0 : 2 * given : 2]
        back[:, :, :, 1] = kept[:, 1 : 2 * given : 2]
        back[:, :, :, 2] = kept[:, 2 : 2 * given + 1 : 2]
        return back, kept.sum(dim=(0, 1, 2), dtype=torch.float32).to(rows.dtype), None


class _SumOfTaps(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, given: Tensor) -> Tensor:
        n, n_row, n_column, _ = given.shape
        ctx.kind = given.dtype
        total = torch.zeros(n, n_row + 2, n_column + 2, device=given.device)
        for tap in range(_TAPS * _TAPS):
            down, right = divmod(tap, _TAPS)
            total[:, down : down + n_row, right : right + n_column] += given[..., tap]
        return total[:, 1:-1, 1:-1]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = torch.nn.functional.pad(gradients[0].to(ctx.kind), (1, 1, 1, 1))
        n_row, n_column = gradients[0].shape[1:]
        parts = [
            gradient[:, down : down + n_row, right : right + n_column]
            for down in range(_TAPS)
            for right in range(_TAPS)
        ]
        return torch.stack(parts, dim=-1)

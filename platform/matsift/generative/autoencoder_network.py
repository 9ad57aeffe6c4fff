"""The autoencoder of one-hot matrices of Xin 2021 (its code, `ae.py`), and the same products made faster.

Encoder: 3 x 3 convolutions to 32 and 128 channels with steps (2, 1) and (3, 1), a dense layer to 128 latent values;
decoder: the way back by transposed convolutions, sigmoid at the end. `plain_latents` and `plain_logits` are that, layer
by layer. `latents` computes each distinct block of the sparse matrices once; `logits` makes of the transposed
convolutions, whose steps keep rows apart, matrix products, in bfloat16 where asked. Both give what the plain layers give
but for rounding.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from matsift.errors import UserInputError
from matsift.generative.autoencoder_blocks import BLOCK_ROWS, Batch

_KERNEL, _FIRST_STEP, _SECOND_STEP = 3, 2, 3


@dataclass(frozen=True)
class NetworkShape:
    """Sizes: E elements, L counts, channels of the two convolutions, latent values (paper: 87, 20, 32, 128, 128)."""

    n_element: int = 87
    n_count: int = 20
    first: int = 32
    second: int = 128
    n_latent: int = 128

    def __post_init__(self) -> None:
        if self.n_element < BLOCK_ROWS or self.n_count < 2 * _KERNEL - 1:
            raise UserInputError(
                f"the autoencoder reads tables of at least {BLOCK_ROWS} elements and {2 * _KERNEL - 1} counts, "
                f"not {self.n_element} x {self.n_count}"
            )

    @property
    def first_rows(self) -> int:
        """Rows after the first convolution."""
        return (self.n_element - _KERNEL) // _FIRST_STEP + 1

    @property
    def n_block(self) -> int:
        """Rows after the second convolution."""
        return (self.first_rows - _KERNEL) // _SECOND_STEP + 1

    @property
    def first_map(self) -> tuple[int, int]:
        """Rows and columns after the first convolution."""
        return self.first_rows, self.n_count - _KERNEL + 1

    @property
    def second_map(self) -> tuple[int, int]:
        """Rows and columns after the second convolution."""
        return self.n_block, self.n_count - 2 * (_KERNEL - 1)

    @property
    def n_flat(self) -> int:
        """Values between the convolutions and the dense layer."""
        return math.prod(self.second_map) * self.second

    @property
    def n_unread(self) -> int:
        """Elements at the end of the table that the second convolution does not read; two of 87 in the paper."""
        return self.n_element - (_FIRST_STEP * (_SECOND_STEP * self.n_block - 1) + _KERNEL)

    def plain(self) -> dict[str, Any]:
        """Return the sizes as JSON values."""
        return asdict(self)


class AutoencoderNetwork(nn.Module):
    """The network of a shape, with the uniform weights of Glorot and biases of 0 as Keras begins with.

    Parameters
    ----------
    shape
        The sizes.
    seed
        Of the weights at the start.
    """

    def __init__(self, shape: NetworkShape, seed: int = 0) -> None:
        super().__init__()
        self.shape = shape
        spare = shape.first_rows - _SECOND_STEP * shape.n_block
        last = shape.n_element - _FIRST_STEP * (shape.first_rows - 1) - _KERNEL
        self.first = nn.Conv2d(1, shape.first, _KERNEL, (_FIRST_STEP, 1))
        self.second = nn.Conv2d(shape.first, shape.second, _KERNEL, (_SECOND_STEP, 1))
        self.to_latent = nn.Linear(shape.n_flat, shape.n_latent)
        self.from_latent = nn.Linear(shape.n_latent, shape.n_flat)
        self.third = nn.ConvTranspose2d(
            shape.second, shape.second, _KERNEL, (_SECOND_STEP, 1), output_padding=(spare, 0)
        )
        self.fourth = nn.ConvTranspose2d(shape.second, shape.first, _KERNEL, (_FIRST_STEP, 1), output_padding=(last, 0))
        self.last = nn.ConvTranspose2d(shape.first, 1, _KERNEL, padding=1)
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            else:
                nn.init.xavier_uniform_(parameter, generator=generator)

    def plain_latents(self, matrices: Tensor) -> Tensor:
        """Return (n, 128) latent values of (n, E, L) matrices, layer by layer."""
        x = functional.relu(self.first(matrices[:, None]))
        x = functional.relu(self.second(x))
        return cast("Tensor", self.to_latent(x.permute(0, 2, 3, 1).flatten(1)))

    def plain_logits(self, latents: Tensor) -> Tensor:
        """Return (n, E, L) logits of (n, 128) latent values, layer by layer; their sigmoid is the output."""
        x = self.from_latent(latents).view(-1, *self.shape.second_map, self.shape.second).permute(0, 3, 1, 2)
        x = functional.relu(self.third(x))
        x = functional.relu(self.fourth(x))
        return cast("Tensor", self.last(x))[:, 0]

    def latents(self, batch: Batch) -> Tensor:
        """Return (n, 128) latent values of the matrices whose blocks a batch holds."""
        shape, device = self.shape, self.first.weight.device
        blocks = torch.zeros(batch.n_pattern, 1, BLOCK_ROWS, shape.n_count, device=device)
        owner, row, column = torch.from_numpy(batch.ones).to(device).unbind(1)
        blocks[owner, 0, row, column] = 1
        x = functional.relu(self.second(functional.relu(self.first(blocks))))[:, :, 0]
        x = x.transpose(1, 2).flatten(1)
        weight = self.to_latent.weight.view(shape.n_latent, shape.n_block, x.shape[1])
        ends = torch.from_numpy(batch.group).bincount(minlength=shape.n_block).tolist()
        chosen = x.index_select(0, torch.from_numpy(batch.pattern).to(device)).split(ends)
        shares = torch.cat([functional.linear(part, weight[:, block]) for block, part in enumerate(chosen)])
        member = torch.zeros(batch.member.shape[0], len(batch.group), device=device)
        member.scatter_(1, torch.from_numpy(batch.member).to(device), 1.0)
        return torch.addmm(self.to_latent.bias, member, shares)

    def logits(self, latents: Tensor, kind: torch.dtype = torch.float32) -> Tensor:
        """Return (n, E, L) logits of (n, 128) latent values, by matrix products whose factors are of a type."""
        shape = self.shape
        n, (n_row, n_column) = len(latents), shape.second_map
        x = functional.linear(latents.to(kind), self.from_latent.weight.to(kind), self.from_latent.bias.to(kind))
        x = _spread_columns(x.view(n, n_row, n_column, shape.second))
        x = functional.linear(x, _taps(self.third.weight, kind), self.third.bias.to(kind).repeat(_KERNEL)).relu_()
        x = x.view(n, n_row, n_column + 2, _KERNEL, shape.second).transpose(2, 3).flatten(1, 2)
        weight = _taps(self.fourth.weight, kind)
        y = functional.linear(_spread_columns(x), weight)
        if spare := shape.first_rows - _SECOND_STEP * shape.n_block:  # rows that only the bias reaches
            rest = functional.relu(self.third.bias).to(kind).expand(1, spare, n_column + 2, shape.second)
            rest = functional.linear(_spread_columns(rest), weight)
            y = torch.cat([y, rest.expand(n, *rest.shape[1:])], dim=1)
        return self._last_rows(y.view(n, shape.first_rows, shape.n_count, _KERNEL, shape.first), kind)

    def _last_rows(self, y: Tensor, kind: torch.dtype) -> Tensor:
        """Return the logits of (n, rows, L, 3, first): what each row gives to the rows 2 i, 2 i + 1 and 2 i + 2."""
        n, n_row, n_count = y.shape[:3]
        bias = self.fourth.bias.to(kind)
        even = functional.pad(y[:, :, :, 0], (0, 0, 0, 0, 0, 1)) + functional.pad(y[:, :, :, 2], (0, 0, 0, 0, 1, 0))
        odd = y[:, :, :, 1]
        rest = self.shape.n_element - 2 * n_row - 1
        if rest:
            odd = functional.pad(odd, (0, 0, 0, 0, 0, 1))
        else:
            odd = functional.pad(odd, (0, 0, 0, 0, 0, 0))
        weight = self.last.weight.view(self.shape.first, _KERNEL * _KERNEL).t().to(kind)
        given_even = functional.linear(functional.relu(even + bias), weight).float()
        given_odd = functional.linear(functional.relu(odd + bias), weight).float()
        rows = torch.zeros(n, self.shape.n_element, n_count, _KERNEL * _KERNEL, device=y.device)
        rows[:, 0::2], rows[:, 1::2] = given_even, given_odd
        rows = functional.pad(rows, (0, 0, 1, 1, 1, 1))
        height, width = self.shape.n_element, n_count
        logits: Tensor = self.last.bias.view(1, 1, 1)
        for down in range(_KERNEL):
            for right in range(_KERNEL):
                part = rows[:, 2 - down : 2 - down + height, 2 - right : 2 - right + width, _KERNEL * down + right]
                logits = logits + part
        return logits


def _taps(weight: Tensor, kind: torch.dtype) -> Tensor:
    """Return (3 out, 3 in) of the (in, out, 3, 3) weights of a transposed convolution, for `_spread_columns`."""
    return weight.flip(3).permute(2, 1, 3, 0).flatten(2).flatten(0, 1).to(kind)


def _spread_columns(x: Tensor) -> Tensor:
    """Return (n, rows, columns + 2, 3 c): beside each column the one before and the one after, zeros at the ends."""
    return cast("Tensor", _SpreadColumns.apply(x))  # type: ignore[no-untyped-call]


class _SpreadColumns(torch.autograd.Function):
    """Three copies of columns, each shifted by one; the gradient is the sum of the copies shifted back."""

    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        n, n_row, n_column, c = x.shape
        spread = x.new_empty(n, n_row, n_column + 2, 3 * c)
        for j in range(3):
            spread[:, :, 2 - j : 2 - j + n_column, j * c : (j + 1) * c] = x
        spread[:, :, 0, : 2 * c] = 0
        spread[:, :, 1, :c] = 0
        spread[:, :, -1, c:] = 0
        spread[:, :, -2, 2 * c :] = 0
        return spread

    @staticmethod
    def backward(_: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0]
        c, n_column = gradient.shape[-1] // 3, gradient.shape[2] - 2
        back = gradient[:, :, 2 : 2 + n_column, :c] + gradient[:, :, 1 : 1 + n_column, c : 2 * c]
        return back.add_(gradient[:, :, :n_column, 2 * c :])

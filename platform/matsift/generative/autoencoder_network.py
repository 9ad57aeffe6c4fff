"""The autoencoder of one-hot matrices of Xin 2021 (its code, `ae.py`), and the same products made faster.

Encoder: 3 x 3 convolutions to 32 and 128 channels with steps (2, 1) and (3, 1), a dense layer to 128 latent values;
decoder: the way back by transposed convolutions, sigmoid at the end. `plain_latents` and `plain_logits` are that, layer
by layer. `latents` computes each distinct block of the sparse matrices once; `product_logits` makes of the transposed
convolutions, whose steps keep rows apart, matrix products, which pays where bfloat16 is fast. Both give what the plain
layers give but for rounding.
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
from matsift.generative.autoencoder_products import overlapping_rows, spread_columns, sum_of_taps, taps

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

    def start_at(self, share: float) -> None:
        """Set the last bias so that a network which knows nothing says that a share of the entries is 1."""
        nn.init.constant_(_bias(self.last), math.log(share / (1 - share)))

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
        chosen = torch.split(x.index_select(0, torch.from_numpy(batch.pattern).to(device)), ends)
        shares = torch.cat([functional.linear(part, weight[:, block]) for block, part in enumerate(chosen)])
        member = torch.zeros(batch.member.shape[0], len(batch.group), device=device)
        member.scatter_(1, torch.from_numpy(batch.member).to(device), 1.0)
        return torch.addmm(self.to_latent.bias, member, shares)

    def logits(self, latents: Tensor, kind: torch.dtype = torch.float32) -> Tensor:
        """Return (n, E, L) logits of (n, 128) latent values with factors of a type, the faster way for that type."""
        return self.plain_logits(latents) if kind == torch.float32 else self.product_logits(latents, kind)

    def product_logits(self, latents: Tensor, kind: torch.dtype) -> Tensor:
        """Return (n, E, L) logits of (n, 128) latent values, by matrix products whose factors are of a type."""
        shape = self.shape
        n, (n_row, n_column) = len(latents), shape.second_map
        third_bias, fourth_bias = _bias(self.third), _bias(self.fourth)
        x = functional.linear(latents.to(kind), self.from_latent.weight.to(kind), self.from_latent.bias.to(kind))
        x = spread_columns(x.view(n, n_row, n_column, shape.second))
        x = functional.linear(x, taps(self.third.weight, kind), third_bias.to(kind).repeat(_KERNEL)).relu_()
        x = x.view(n, n_row, n_column + 2, _KERNEL, shape.second).transpose(2, 3)
        weight = taps(self.fourth.weight, kind)
        y = functional.linear(spread_columns(x), weight).flatten(1, 2)
        if spare := shape.first_rows - _SECOND_STEP * shape.n_block:  # rows that only the bias reaches
            rest = functional.relu(third_bias).to(kind).expand(1, spare, n_column + 2, shape.second)
            rest = functional.linear(spread_columns(rest), weight)
            y = torch.cat([y, rest.expand(n, *rest.shape[1:])], dim=1)
        y = y.view(n, shape.first_rows, shape.n_count, _KERNEL, shape.first)
        x = overlapping_rows(y, fourth_bias.to(kind), shape.n_element)
        weight = self.last.weight.view(shape.first, _KERNEL * _KERNEL).t().to(kind)
        return sum_of_taps(functional.linear(x, weight)) + _bias(self.last)


def _bias(layer: nn.ConvTranspose2d) -> Tensor:
    return cast("Tensor", layer.bias)

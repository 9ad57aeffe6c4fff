"""SpgNet and SpgVolNet: space group, and volume of the primitive cell, from a profile (paper 002; Park 2017).

Three convolutions, each with ReLU, dropout 0.3 and average pooling, then dense layers of 10 C, 5 C and C for C groups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from matsift.diffraction.grid import N_BIN
from matsift.diffraction.sparse import SparseProfiles
from matsift.errors import ArtifactError, UserInputError


class _Stage(NamedTuple):
    """One convolution with its pooling: kernel and stride of both."""

    kernel: int
    stride: int
    pool: int
    pool_stride: int


STAGES = (_Stage(100, 5, 3, 2), _Stage(50, 5, 3, 3), _Stage(25, 2, 3, 3))
#: Share of the neurons that are left out in training: after a convolution, in the classification head.
DROPOUT, HEAD_DROPOUT = 0.3, 0.5
#: Widths of the dense layers in units of the number of groups (paper 002: 570, 285, 57 for 57 groups).
HEAD_WIDTHS = (10, 5)


@dataclass(frozen=True)
class NetworkShape:
    """What fixes the parameters of a network.

    Parameters
    ----------
    n_class
        Number of space groups C.
    volume
        Whether it has the second head (SpgVolNet).
    width
        Channels of the convolutions, 80 in the paper.
    padding
        Whether convolutions are padded as Keras' "same" (Park 2017) or not at all (the paper's PyTorch).
    power, factor
        Intensities I enter as factor I^power; 1 and 1 in the paper. A power below 1 shows the weak lines, and a large
        factor makes the entries, few among many zeros, weigh as much as the biases from the first step on.
    dropout
        In units of the paper's, 0 to 1: a short training learns more with less.
    """

    n_class: int
    volume: bool = False
    width: int = 80
    padding: bool = False
    power: float = 1.0
    factor: float = 1.0
    dropout: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what makes no network."""
        if self.n_class < 2:
            raise UserInputError(f"a network needs at least two space groups to tell apart, not {self.n_class}")
        if self.width < 1:
            raise UserInputError(f"the width of a network is a positive number of channels, not {self.width}")
        if not (self.power > 0 and self.factor > 0):
            raise UserInputError(f"power and factor of intensities are above 0, not {self.power:g} and {self.factor:g}")
        if not 0 <= self.dropout <= 1:
            raise UserInputError(f"the share of the paper's dropout is between 0 and 1, not {self.dropout:g}")

    @property
    def learner(self) -> str:
        """Name of the network as the database has it."""
        return "spg_vol_net" if self.volume else "spg_net"

    def plain(self) -> dict[str, Any]:
        """Return the shape as JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the shape that `plain` gave.

        Raises
        ------
        ArtifactError
            If the values are not those of a shape.
        """
        try:
            return cls(**values)
        except TypeError as error:
            raise ArtifactError(f"these are no settings of a network: {error}") from error

    def lengths(self) -> list[int]:
        """Return the length after each convolution and each pooling; without padding 1981, 990, 189, 63, 20, 6."""
        length, lengths = N_BIN, []
        for stage in STAGES:
            length = (length + sum(self.padded(stage, length)) - stage.kernel) // stage.stride + 1
            lengths.append(length)
            length = (length - stage.pool) // stage.pool_stride + 1
            lengths.append(length)
        return lengths

    def padded(self, stage: _Stage, length: int) -> tuple[int, int]:
        """Return the zeros before and behind the input of a convolution."""
        if not self.padding:
            return 0, 0
        total = max(0, (-(-length // stage.stride) - 1) * stage.stride + stage.kernel - length)
        return total // 2, total - total // 2


class Answer(NamedTuple):
    """What a network says of n profiles: logits (n, C), and z (n,), the standardised logarithm of the volume."""

    logits: Tensor
    z: Tensor | None


class SpaceGroupNet(nn.Module):
    """SpgNet, or with a second head SpgVolNet; layers as the paper's, applied one after the other.

    Parameters
    ----------
    shape
        Numbers of groups and channels.
    seed
        Of the weights at the start; the global generator of torch is left as it was.
    he
        Whether weights start as He 2015 has it for ReLU, so that every layer passes on what it gets; else as torch's.
    """

    def __init__(self, shape: NetworkShape, seed: int = 0, *, he: bool = False) -> None:
        super().__init__()
        self.shape = shape
        width, dense = shape.width, [factor * shape.n_class for factor in HEAD_WIDTHS]
        flat = shape.lengths()[-1] * width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.convolutions = nn.ModuleList(
                nn.Conv1d(1 if i == 0 else width, width, stage.kernel, stride=stage.stride)
                for i, stage in enumerate(STAGES)
            )
            self.group_head = _dense(flat, dense, shape.n_class, HEAD_DROPOUT * shape.dropout)
            self.volume_head = _dense(flat, dense, 1, 0.0) if shape.volume else None
            if he:
                self.apply(_start_as_he)

    def forward(self, profiles: Tensor) -> Answer:
        """Return what the network says of (n, `N_BIN`) profiles."""
        x = self.shape.factor * profiles[:, None, :] ** self.shape.power
        for stage, convolution in zip(STAGES, self.convolutions, strict=True):
            x = convolution(functional.pad(x, self.shape.padded(stage, x.shape[-1])))
            x = functional.dropout(functional.relu(x), DROPOUT * self.shape.dropout, self.training)
            x = functional.avg_pool1d(x, stage.pool, stage.pool_stride)
        return self.heads(x.flatten(1))

    def heads(self, flat: Tensor) -> Answer:
        """Return what the heads make of the flattened output of the convolutions."""
        z = None if self.volume_head is None else self.volume_head(flat)[:, 0]
        return Answer(self.group_head(flat), z)


def _start_as_he(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv1d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _dense(n_input: int, widths: list[int], n_output: int, dropout: float) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Linear(n_input, width), nn.ReLU()]
        if dropout:
            layers.append(nn.Dropout(dropout))
        n_input = width
    return nn.Sequential(*layers, nn.Linear(n_input, n_output))


def loss_of(answer: Answer, classes: Tensor, z: Tensor | None, weights: tuple[float, float] = (1.0, 1.0)) -> Tensor:
    """Return c1 times the softmax cross-entropy plus c2 times the mean absolute error of z (paper 002)."""
    total = weights[0] * functional.cross_entropy(answer.logits, classes)
    if answer.z is None or z is None:
        return total
    return total + weights[1] * functional.l1_loss(answer.z, z)


def dense_tensor(profiles: SparseProfiles, device: torch.device) -> Tensor:
    """Return the (n, `N_BIN`) intensities on a device; only the entries are copied to it."""
    rows = np.repeat(np.arange(len(profiles)), np.diff(profiles.offsets))
    dense = torch.zeros(len(profiles), N_BIN, device=device)
    at = (torch.from_numpy(rows).to(device), torch.from_numpy(profiles.bins.astype(np.int64)).to(device))
    dense[at] = torch.from_numpy(np.ascontiguousarray(profiles.intensities)).to(device)
    return dense

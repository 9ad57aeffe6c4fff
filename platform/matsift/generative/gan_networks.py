"""Generator and critic of compositions as (elements x counts) matrices: MatGAN's convolutions, or dense layers."""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor, nn

from matsift.generative.gan_settings import GanSettings

_GENERATOR_CHANNELS = (128, 64, 32, 16)
_CRITIC_CHANNELS = (16, 16, 32, 64, 128)
_SLOPE = 0.2


class RunningNorm(nn.Module):
    """Batch normalisation whose running means are kept with the weights, so that checkpoints hold them.

    Channels stand on axis 1. In training mode the batch's own moments are taken (decay of the running ones 0.9, as
    MatGAN), else the running ones.
    """

    def __init__(self, n_channel: int) -> None:
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(n_channel)), nn.Parameter(torch.zeros(n_channel))
        self.mean = nn.Parameter(torch.zeros(n_channel), requires_grad=False)
        self.variance = nn.Parameter(torch.ones(n_channel), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the input with mean `shift` and standard deviation `scale` by channel."""
        return nn.functional.batch_norm(
            x, self.mean, self.variance, self.scale, self.shift, training=self.training, momentum=0.1
        )


def halved(size: int, times: int) -> list[int]:
    """Return a size and what is left of it after each of `times` halvings, rounded up."""
    sizes = [size]
    for _ in range(times):
        sizes.append(math.ceil(sizes[-1] / 2))
    return sizes


class ConvolutionGenerator(nn.Module):
    """MatGAN's generator: dense, then four transposed convolutions that double the elements, the first the counts too.

    For 85 elements and 8 counts the shapes are (6, 4), (11, 8), (22, 8), (43, 8), (85, 8).
    """

    def __init__(self, n_element: int, n_count: int, noise: int, width: float) -> None:
        super().__init__()
        rows, columns = halved(n_element, 4)[::-1], [math.ceil(n_count / 2), *[n_count] * 4]
        channels = [_scaled(size, width) for size in _GENERATOR_CHANNELS] + [1]
        self.start = (channels[0], rows[0], columns[0])
        self.dense = nn.Linear(noise, math.prod(self.start))
        self.dense_norm = RunningNorm(math.prod(self.start))
        self.layers, self.norms = nn.ModuleList(), nn.ModuleList(RunningNorm(size) for size in channels[1:4])
        for k in range(4):
            kernel, stride = (5, (2, 2)) if k == 0 else (3, (2, 1))
            edge = kernel // 2
            extra = (
                rows[k + 1] - (2 * rows[k] - 2 + kernel - 2 * edge),
                columns[k + 1] - (stride[1] * (columns[k] - 1) + kernel - 2 * edge),
            )
            self.layers.append(
                nn.ConvTranspose2d(channels[k], channels[k + 1], kernel, stride, padding=edge, output_padding=extra)
            )

    def forward(self, noise: Tensor) -> Tensor:
        """Return (n, elements, counts) values before the last function."""
        x = torch.relu(self.dense_norm(self.dense(noise))).reshape(-1, *self.start)
        for k, layer in enumerate(self.layers):
            x = layer(x)
            if k < len(self.norms):
                x = torch.relu(self.norms[k](x))
        return x[:, 0]


class ConvolutionCritic(nn.Module):
    """MatGAN's critic: five convolutions of 16, 16, 32, 64 and 128 channels and a linear layer."""

    def __init__(self, n_element: int, n_count: int, width: float, *, norm: bool) -> None:
        super().__init__()
        channels = [1, *(_scaled(size, width) for size in _CRITIC_CHANNELS)]
        strides = ((1, 1), (2, 1), (1, 1), (1, 1), (2, 2))
        self.layers = nn.ModuleList(
            nn.Conv2d(channels[k], channels[k + 1], 5 if k == 4 else 3, strides[k], padding=2 if k == 4 else 1)
            for k in range(5)
        )
        self.norms = nn.ModuleList(
            RunningNorm(size) if norm and k > 0 else nn.Identity() for k, size in enumerate(channels[1:])
        )
        self.last = nn.Linear(channels[-1] * halved(n_element, 2)[-1] * math.ceil(n_count / 2), 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n,) how real the critic takes (n, elements, counts) matrices to be."""
        x = x[:, None]
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = nn.functional.leaky_relu(norm(layer(x)), _SLOPE)
        return cast("Tensor", self.last(x.flatten(1)))[:, 0]


class DenseGenerator(nn.Module):
    """Three hidden layers that see all of the noise; no order of the elements is assumed.

    Normalised sample by sample: running moments would not be those of the averaged weights that samples are drawn with.
    """

    def __init__(self, n_element: int, n_out: int, noise: int, width: float) -> None:
        super().__init__()
        hidden = _scaled(512, width)
        self.shape = (n_element, n_out)
        sizes = [noise, hidden, hidden, hidden]
        self.layers = nn.ModuleList(nn.Linear(sizes[k], sizes[k + 1]) for k in range(3))
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in sizes[1:])
        self.last = nn.Linear(hidden, n_element * n_out)

    def forward(self, noise: Tensor) -> Tensor:
        """Return (n, elements, out) values before the last function."""
        x = noise
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = torch.relu(norm(layer(x)))
        return cast("Tensor", self.last(x)).reshape(-1, *self.shape)


class DenseCritic(nn.Module):
    """Three hidden layers over all entries of the matrix."""

    def __init__(self, n_element: int, n_count: int, width: float) -> None:
        super().__init__()
        hidden = _scaled(512, width)
        sizes = [n_element * n_count, hidden, hidden, hidden]
        self.layers = nn.ModuleList(nn.Linear(sizes[k], sizes[k + 1]) for k in range(3))
        self.last = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n,) how real the critic takes (n, elements, counts) matrices to be."""
        x = x.flatten(1)
        for layer in self.layers:
            x = nn.functional.leaky_relu(layer(x), _SLOPE)
        return cast("Tensor", self.last(x))[:, 0]


class Generator(nn.Module):
    """Noise to (n, elements, counts) entries between 0 and 1, by the architecture and the output of the settings."""

    def __init__(self, settings: GanSettings, n_element: int) -> None:
        super().__init__()
        self.output = settings.output
        n_out = settings.most_count + (self.output != "sigmoid")  # the first column then says: the element is absent
        made: nn.Module
        if settings.architecture == "matgan":
            made = ConvolutionGenerator(n_element, n_out, settings.noise, settings.width)
        else:
            made = DenseGenerator(n_element, n_out, settings.noise, settings.width)
        self.body = made

    def forward(self, noise: Tensor, lots: Tensor | None = None) -> Tensor:
        """Return (n, elements, counts) entries between 0 and 1.

        With lots (n, elements), even between 0 and 1, they are zeros and ones, drawn by the probabilities that the
        softmax gives; gradients are those of the probabilities (straight through).
        """
        if self.output == "sigmoid":
            return torch.sigmoid(cast("Tensor", self.body(noise)))
        soft = self.shares(noise)
        if lots is not None:
            ones = torch.zeros_like(soft).scatter_(2, drawn_counts(soft, lots)[:, :, None], 1.0)
            soft = ones + (soft - soft.detach())
        return soft[:, :, 1:]

    def shares(self, noise: Tensor) -> Tensor:
        """Return (n, elements, 1 + counts) probabilities that an element is absent, or occurs so many times."""
        return torch.softmax(cast("Tensor", self.body(noise)), dim=2)

    def begin_with(self, counts: Tensor) -> None:
        """Set the last shifts so that elements and counts occur as often as in (n, elements) counts, by themselves.

        Only dense layers whose output is all counts or none have a shift for each; others are left as they are.
        """
        if isinstance(self.body, DenseGenerator) and self.output != "sigmoid":
            n_element, n_out = self.body.shape
            seen = torch.stack([(counts == count).sum(dim=0) for count in range(n_out)], dim=1)
            with torch.no_grad():
                self.body.last.bias.copy_(torch.log((seen + 1 / n_out) / (len(counts) + 1)).reshape(n_element * n_out))


def chance(
    settings: GanSettings, n_element: int, random: torch.Generator, device: torch.device, n: int | None = None
) -> tuple[Tensor, Tensor | None]:
    """Return what n samples (a batch) are made from: (n, noise) normal numbers, and (n, elements) lots to draw by."""
    size = settings.batch if n is None else n
    noise = torch.randn(size, settings.noise, generator=random).to(device)
    if settings.output != "drawn":
        return noise, None
    return noise, torch.rand(size, n_element, generator=random).to(device)


def drawn_counts(shares: Tensor, lots: Tensor) -> Tensor:
    """Return (n, elements) counts, 0 where absent, that lots between 0 and 1 draw of shares."""
    return (shares.detach().cumsum(dim=2)[:, :, :-1] < lots[:, :, None]).sum(dim=2)


def one_hot(counts: Tensor, most_count: int) -> Tensor:
    """Return (n, elements, most_count) matrices of (n, elements) counts: one where an element occurs so many times."""
    matrices = torch.zeros(*counts.shape, most_count + 1, device=counts.device)
    return matrices.scatter_(2, counts[:, :, None], 1.0)[:, :, 1:]


def critic_of(settings: GanSettings, n_element: int) -> nn.Module:
    """Return a fresh critic."""
    if settings.architecture == "matgan":
        return ConvolutionCritic(n_element, settings.most_count, settings.width, norm=settings.critic_norm)
    return DenseCritic(n_element, settings.most_count, settings.width)


def gradient_penalty(critic: nn.Module, real: Tensor, made: Tensor, mix: Tensor) -> Tensor:
    """Return the mean of (|d critic / d x| - 1)^2 at `real + mix * (made - real)`, mix (n,) in [0, 1].

    Gulrajani 2017, the norm over all entries of a matrix, with MatGAN's 1e-8 under the root.
    """
    between = (real + mix[:, None, None] * (made - real)).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    slope = torch.sqrt(1e-8 + gradient.square().sum(dim=(1, 2)))
    return (slope - 1).square().mean()


def _scaled(size: int, width: float) -> int:
    return max(1, round(size * width))

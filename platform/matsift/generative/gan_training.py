"""Training of a generator of compositions against a critic: WGAN-GP, a checkpoint an epoch.

All random numbers of an epoch follow from the seed and the epoch's number, so a training that goes on from a checkpoint
ends, on the same machine with one thread, with the bits of one that was never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from matsift.errors import UserInputError
from matsift.generative.formulas import N_ELEMENT, Compositions
from matsift.generative.gan import CompositionGan
from matsift.generative.gan_networks import Generator, chance, critic_of, drawn_counts, gradient_penalty, one_hot
from matsift.generative.gan_settings import GanSettings
from matsift.generative.validity import validity
from matsift.learners.devices import chosen_device
from matsift.learners.network_checkpoints import Checkpoint, fingerprint

_DECAYS = (0.5, 0.9)


@dataclass(frozen=True)
class GanEpoch:
    """Progress after an epoch: the critic's distance between formulas and samples, the penalty, and the time."""

    epoch: int
    n_epoch: int
    distance: float
    penalty: float
    seconds: float

    def __str__(self) -> str:
        """Return a line for a log."""
        return (
            f"epoch {self.epoch} of {self.n_epoch}: the critic parts formulas and samples by {self.distance:.3f}, "
            f"penalty {self.penalty:.4f}, {self.seconds:.1f} s"
        )


def learnable(compositions: Compositions, settings: GanSettings) -> Compositions:
    """Return the compositions that a generator learns from: of two elements or more, no count above the largest."""
    return compositions.select((compositions.n_element >= 2) & (compositions.largest_count <= settings.most_count))


def fit_gan(
    compositions: Compositions,
    settings: GanSettings | None = None,
    seed: int = 0,
    *,
    checkpoint_dir: Path | None = None,
    on_epoch: Callable[[GanEpoch], None] | None = None,
) -> CompositionGan:
    """Return a generator trained on the learnable ones of compositions, rows as they stand.

    With a folder the state is kept after each epoch and taken up again where the settings but for the number of epochs,
    the seed and the compositions are the same; `on_epoch` hears of each epoch that is done here.

    Raises
    ------
    UserInputError
        If fewer compositions than a batch can be learned from, or the device is not there.
    """
    settings = settings or GanSettings()
    known = learnable(compositions, settings)
    if len(known) < max(settings.batch, 2):
        raise UserInputError(
            f"{len(known)} of {len(compositions)} formulas have two elements or more and counts up to "
            f"{settings.most_count}; a generator learns from a batch of {settings.batch} or more"
        )
    training = _Training(known, settings, seed, checkpoint_dir)
    while training.epoch < settings.epochs:
        report = training.run_epoch()
        if on_epoch:
            on_epoch(report)
    return training.result()


class _Training:
    """Generator, critic, the mean of the generator's weights, and one optimiser over both in two groups."""

    def __init__(self, known: Compositions, settings: GanSettings, seed: int, checkpoint_dir: Path | None) -> None:
        self._settings, self._seed, self._device = settings, seed, chosen_device(settings.device)
        present = (known.counts > 0).any(axis=0)
        self._elements = np.flatnonzero(present)
        self._counts: Tensor = torch.from_numpy(known.counts[:, present].astype(np.int64)).to(self._device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._generator = Generator(settings, len(self._elements)).to(self._device)
            self._critic = critic_of(settings, len(self._elements)).to(self._device)
        self._generator.begin_with(self._counts)
        self._mean = deepcopy(self._generator).requires_grad_(False)
        self._all = nn.ModuleDict({"generator": self._generator, "critic": self._critic, "mean": self._mean})
        self._optimiser = torch.optim.Adam(
            [
                {"params": _trained(self._generator), "lr": settings.generator_rate},
                {"params": _trained(self._critic), "lr": settings.critic_rate},
            ],
            betas=_DECAYS,
        )
        about = fingerprint({**settings.as_dict(), "epochs": None, "seed": seed}, (known.counts,))
        self._checkpoint = Checkpoint.open(checkpoint_dir, "composition_gan", about)
        before = self._checkpoint.restore(self._all, self._optimiser) if self._checkpoint else None
        self.epoch: int = int(before.values["epoch"]) if before else 0
        self._n_step: int = int(before.values["n_step"]) if before else 0

    def run_epoch(self) -> GanEpoch:
        """Take a pass over the formulas: a step of the critic a batch, one of the generator after some of them."""
        started, settings = time.perf_counter(), self._settings
        random = torch.Generator().manual_seed(int(np.random.default_rng([self._seed, self.epoch]).integers(2**62)))
        order = torch.randperm(len(self._counts), generator=random)
        n_batch = len(order) // settings.batch
        distances, penalties = 0.0, 0.0
        self._all.train()
        for batch in range(n_batch):
            rows = order[batch * settings.batch : (batch + 1) * settings.batch].to(self._device)
            distance, penalty = self._critic_step(one_hot(self._counts[rows], settings.most_count), random)
            distances, penalties = distances + distance, penalties + penalty
            if (batch + 1) % settings.critic_steps == 0 or n_batch < settings.critic_steps:
                self._generator_step(random)
        self.epoch += 1
        if self._checkpoint:
            self._checkpoint.save(self._all, self._optimiser, {"epoch": self.epoch, "n_step": self._n_step})
        return GanEpoch(
            self.epoch, settings.epochs, distances / n_batch, penalties / n_batch, time.perf_counter() - started
        )

    def result(self) -> CompositionGan:
        """Return the generator with the mean of its weights, or with the last."""
        network = self._mean if self._settings.average else self._generator
        weights: dict[str, NDArray[np.float32]] = {
            name: value.detach().cpu().numpy().copy() for name, value in network.named_parameters()
        }
        return CompositionGan(self._settings, self._seed, tuple(int(z) + 1 for z in self._elements), weights)

    def _made(self, random: torch.Generator) -> Tensor:
        made: Tensor = self._generator(*chance(self._settings, self._counts.shape[1], random, self._device))
        return made

    def _critic_step(self, real: Tensor, random: torch.Generator) -> tuple[float, float]:
        with torch.no_grad():
            made = self._made(random)
        mix = torch.rand(len(real), generator=random).to(self._device)
        self._optimiser.zero_grad(set_to_none=True)
        distance = self._critic(real).mean() - self._critic(made).mean()
        penalty = gradient_penalty(self._critic, real, made, mix)
        (self._settings.penalty * penalty - distance).backward()
        self._optimiser.step()
        return float(distance.detach()), float(penalty.detach())

    def _gain(self, shares: Tensor, lots: Tensor) -> Tensor:
        """Return what is to grow: the log probability of samples, by how much more valid than others they are.

        The others are those with as many elements: more elements are easier to balance, and that should not pay.
        """
        counts = drawn_counts(shares, lots)
        table = np.zeros((len(counts), N_ELEMENT), dtype=np.int16)
        table[:, self._elements] = counts.cpu().numpy()
        made = Compositions(table)
        valid, size = validity(made).valid.astype(np.float64), made.n_element
        others = np.bincount(size, valid) / np.maximum(np.bincount(size), 1)
        weights = torch.from_numpy(valid - others[size]).to(shares)
        log_probability = shares.gather(2, counts[:, :, None]).log().sum(dim=(1, 2))
        return (weights * log_probability).mean()

    def _generator_step(self, random: torch.Generator) -> None:
        trained = _trained(self._critic)
        for parameter in trained:
            parameter.requires_grad_(False)
        self._optimiser.zero_grad(set_to_none=True)
        noise, lots = chance(self._settings, self._counts.shape[1], random, self._device)
        loss = -self._critic(self._generator(noise, lots)).mean()
        if self._settings.reward and lots is not None:
            loss = loss - self._settings.reward * self._gain(self._generator.shares(noise), lots)
        loss.backward()
        self._optimiser.step()
        for parameter in trained:
            parameter.requires_grad_(True)
        self._n_step += 1
        if self._settings.average:
            decay = min(self._settings.average, self._n_step / (self._n_step + 9))
            with torch.no_grad():
                for kept, value in zip(self._mean.parameters(), self._generator.parameters(), strict=True):
                    kept.lerp_(value, 1 - decay)


def _trained(network: nn.Module) -> list[nn.Parameter]:
    """Return the weights that the optimiser moves: not the running moments."""
    moments = {
        id(p)
        for module in network.modules()
        for name, p in module.named_parameters(recurse=False)
        if name in ("mean", "variance")
    }
    return [parameter for parameter in network.parameters() if id(parameter) not in moments]

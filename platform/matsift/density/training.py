"""Training of one network: shuffled batches, early stop on inner items, a checkpoint an epoch.

All random numbers of an epoch follow from the member's seed and the epoch's number, so a training that goes on from a
checkpoint ends, on the same machine with one thread, with the bits of one that was never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from matsift.density.feeds import Feed, chunks
from matsift.density.loader import Loader, Wanted
from matsift.density.networks import Network
from matsift.density.settings import TrainingSettings
from matsift.errors import UserInputError
from matsift.learners.network_checkpoints import Checkpoint, fingerprint

#: Items whose answers are asked for at once.
ASKED = 64


@dataclass(frozen=True)
class EpochReport:
    """Progress of one member after an epoch (1 to `n_epoch`, if it is not stopped before).

    Parameters
    ----------
    loss
        Mean absolute error of the training batches, in units of the target's standard deviation.
    error
        The same of the inner items, which tell when to stop; NaN without.
    waiting
        Share of the time that the network waited for its inputs.
    """

    kind: str
    member: int
    epoch: int
    n_epoch: int
    loss: float
    error: float
    learning_rate: float
    seconds: float
    samples_per_second: float
    waiting: float

    def __str__(self) -> str:
        """Return a line for a log."""
        return (
            f"{self.kind} {self.member}: epoch {self.epoch} of {self.n_epoch}, loss {self.loss:.4f}, "
            f"inner error {self.error:.4f}, rate {self.learning_rate:g}, {self.samples_per_second:.0f} samples/s, "
            f"{self.waiting:.0%} waiting for inputs"
        )


def inner_items(n: int, fraction: float, seed: int) -> NDArray[np.bool_]:
    """Return (n,) which items are kept back to tell when to stop; none where they would be fewer than two."""
    kept, count = np.zeros(n, dtype=bool), round(n * fraction)
    if count >= 2:
        kept[np.random.default_rng([seed, n]).permutation(n)[:count]] = True
    return kept


class Training:
    """A network in training with its optimiser; the loss is the mean absolute error (paper 003).

    Parameters
    ----------
    kind, member
        For reports, and the name of the checkpoint.
    network
        On its device, with the weights to begin with.
    feed
        What the network is given, by row.
    rows, z
        (n,) rows to learn from, and their scaled targets.
    settings, seed
        Of the training; the seed gives the inner items, the order of the items and which of them are shifted.
    about
        JSON values that say what else the result depends on: settings, scales, a sample of the inputs.
    """

    def __init__(
        self,
        kind: str,
        member: int,
        network: Network,
        feed: Feed,
        rows: NDArray[np.int64],
        z: NDArray[np.float32],
        settings: TrainingSettings,
        seed: int,
        *,
        about: Mapping[str, Any],
        checkpoint_dir: Path | None = None,
    ) -> None:
        self._kind, self._member, self._network, self._feed = kind, member, network, feed
        self._settings, self._seed = settings, seed
        self._device = next(network.parameters()).device
        inner = inner_items(len(rows), settings.inner_fraction, seed)
        self._rows, self._z = rows[~inner], torch.from_numpy(z[~inner])
        self._inner, self._inner_z = rows[inner], z[inner]
        self._optimiser = _optimiser(network, settings)
        self._epoch, self._best_epoch, self._best_error = 0, 0, math.inf
        self._best: dict[str, Tensor] = {}
        data = fingerprint({**about, "kind": kind, "seed": seed}, (rows, z))
        self._checkpoint = Checkpoint.open(checkpoint_dir, f"{kind}-{member}", data)
        before = self._checkpoint.restore(network, self._optimiser) if self._checkpoint else None
        if before:
            self._epoch, self._best_epoch = before.values["epoch"], before.values["best_epoch"]
            self._best_error = float(before.values["best_error"])
            self._best = dict(before.best)

    @property
    def done(self) -> bool:
        """Whether all epochs are done, or the inner error has not become better for too long."""
        stale = len(self._inner) > 0 and self._epoch - self._best_epoch >= self._settings.patience
        return stale or self._epoch >= self._settings.epochs

    def run(self, on_epoch: Callable[[EpochReport], None] | None = None) -> dict[str, NDArray[np.float32]]:
        """Return the weights by name, after all epochs, of the epoch with the smallest inner error."""
        while not self.done:
            report = self.epoch()
            if on_epoch:
                on_epoch(report)
        weights = self._best or self._network.state_dict()
        return {name: value.detach().cpu().numpy().copy() for name, value in weights.items()}

    def epoch(self) -> EpochReport:
        """Learn from all items once, look at the inner ones, and keep the state.

        Raises
        ------
        UserInputError
            If the loss is no finite number any more.
        """
        begin, rate = time.monotonic(), self._settings.rate(self._epoch)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        loader = Loader(self._feed, self._device)
        loss = self._learn(loader)
        self._epoch += 1
        if not math.isfinite(loss):
            raise UserInputError(
                f"the training of {self._kind} went astray in epoch {self._epoch}, its loss is {loss}; "
                f"lower learning_rate, now {rate:g}"
            )
        error = self._inner_error(loader)
        if error < self._best_error:
            self._best_error, self._best_epoch = error, self._epoch
            self._best = {name: value.detach().clone() for name, value in self._network.state_dict().items()}
        self._save()
        seconds = max(time.monotonic() - begin, 1e-9)
        n_epoch, n = self._settings.epochs, len(self._rows)
        return EpochReport(
            self._kind, self._member, self._epoch, n_epoch, loss, error, rate, seconds, n / seconds, loader.waiting
        )

    def _learn(self, loader: Loader) -> float:
        generator = np.random.default_rng([self._seed, self._epoch])
        order = list(chunks(generator.permutation(len(self._rows)), self._settings.batch))
        shifted = [generator.random(len(some)) < 0.5 if self._feed.origins else None for some in order]
        wanted: list[Wanted] = [(self._rows[some], other) for some, other in zip(order, shifted, strict=True)]
        total = torch.zeros((), device=self._device)
        self._network.train()
        for some, inputs in zip(order, loader.batches(wanted), strict=True):
            self._optimiser.zero_grad()
            loss = functional.l1_loss(self._network(*inputs), self._z[some].to(self._device))
            torch.autograd.backward(loss)
            self._optimiser.step()
            total += loss.detach() * len(some)
        return float(total) / len(self._rows)

    def _inner_error(self, loader: Loader) -> float:
        if not len(self._inner):
            return math.nan
        return float(np.abs(answers(self._network, loader, self._feed, self._inner) - self._inner_z).mean())

    def _save(self) -> None:
        if self._checkpoint:
            error = self._best_error if math.isfinite(self._best_error) else "inf"
            values = {"epoch": self._epoch, "best_epoch": self._best_epoch, "best_error": error}
            self._checkpoint.save(self._network, self._optimiser, values, self._best)


def answers(network: Network, loader: Loader, feed: Feed, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (n,) answers for rows; where the feed has two origins the mean of both."""
    origins = (False, True) if feed.origins else (False,)
    return np.asarray(np.mean([ask(network.forward, loader, rows, shifted=other) for other in origins], axis=0))


def ask(
    what: Callable[..., Tensor], loader: Loader, rows: NDArray[np.int64], *, shifted: bool = False
) -> NDArray[np.float64]:
    """Return (n, ...) what a network says of rows, at their other origin if they are `shifted`."""
    wanted: list[Wanted] = [(some, np.ones(len(some), dtype=bool) if shifted else None) for some in chunks(rows, ASKED)]
    with torch.inference_mode():
        said = [what(*inputs).double().cpu().numpy() for inputs in loader.batches(wanted)]
    return np.concatenate(said) if said else np.zeros(0)


def _optimiser(network: Network, settings: TrainingSettings) -> torch.optim.Optimizer:
    if settings.optimiser == "adam":
        return torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True)
    return torch.optim.SGD(network.parameters(), lr=settings.learning_rate, momentum=settings.momentum, fused=True)

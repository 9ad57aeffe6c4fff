"""Training of one Roost: shuffled batches, mean absolute error, AdamW, the best epoch kept, a checkpoint an epoch.

All random numbers of an epoch follow from the member's seed and the epoch's number, so a training that goes on from a
checkpoint ends, on the same machine with one thread, with the bits of one that was never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from matsift.errors import UserInputError
from matsift.learners.network_checkpoints import Checkpoint, fingerprint
from matsift.learners.roost_items import Items
from matsift.learners.roost_network import Roost
from matsift.learners.roost_settings import RoostSettings

#: Rows whose answers are asked for at once.
ASKED = 512

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class RoostReport:
    """Progress of one member after an epoch (1 to `n_epoch`).

    `loss` and `error` are the mean absolute errors of the training batches and of the inner rows, which tell which
    epoch was best, in standard deviations of the target; `error` is NaN without such rows.
    """

    member: int
    epoch: int
    n_epoch: int
    loss: float
    error: float
    seconds: float

    def __str__(self) -> str:
        """Return a line for a log."""
        return (
            f"roost {self.member}: epoch {self.epoch} of {self.n_epoch}, loss {self.loss:.4f}, inner error "
            f"{self.error:.4f}, {self.seconds:.1f} s"
        )


class Training:
    """A network in training with its optimiser.

    Parameters
    ----------
    member
        For reports, and the name of the checkpoint.
    network
        On its device, with the weights to begin with.
    items, z
        n compositions, and their targets (n,) as standard scores.
    settings, seed
        Of the training; the seed gives the inner rows and the order of the others.
    checkpoint_dir
        Where the state after each epoch is kept; a training is gone on from there.
    """

    def __init__(
        self,
        member: int,
        network: Roost,
        items: Items,
        z: NDArray[np.float32],
        settings: RoostSettings,
        seed: int,
        *,
        checkpoint_dir: Path | None = None,
    ) -> None:
        self._member, self._network, self._items, self._z = member, network, items, z
        self._settings, self._seed = settings, seed
        self._device = next(network.parameters()).device
        order = np.random.default_rng([seed, len(z)]).permutation(len(z))
        n_inner = round(len(z) * settings.inner_fraction)
        n_inner = n_inner if n_inner >= 2 else 0
        self._inner, self._rows = np.sort(order[:n_inner]), np.sort(order[n_inner:])
        self._n_step = -(-len(self._rows) // settings.batch)
        self._n_epoch = max(settings.epochs, -(-settings.least_steps // self._n_step))
        self._optimiser = torch.optim.AdamW(
            network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self._epoch, self._best_error = 0, math.inf
        self._best: dict[str, torch.Tensor] = {}
        about = {"settings": settings.model_dump(mode="json"), "seed": seed}
        training = fingerprint(about, (items.elements, items.fractions, z))
        self._checkpoint = Checkpoint.open(checkpoint_dir, f"roost-{member}", training)
        before = self._checkpoint.restore(network, self._optimiser) if self._checkpoint else None
        if before:
            self._epoch, self._best_error = before.values["epoch"], float(before.values["best_error"])
            self._best = dict(before.best)

    def run(self, on_epoch: Callable[[RoostReport], None] | None = None) -> Weights:
        """Return the weights by name, after all epochs, of the epoch with the smallest error of the inner rows."""
        while self._epoch < self._n_epoch:
            report = self.epoch()
            if on_epoch:
                on_epoch(report)
        weights = self._best or self._network.state_dict()
        return {name: value.detach().cpu().numpy().copy() for name, value in weights.items()}

    def epoch(self) -> RoostReport:
        """Learn from all rows once, look at the inner ones, and keep the state.

        Raises
        ------
        UserInputError
            If the loss is no finite number any more.
        """
        begin = time.monotonic()
        loss = self._learn()
        self._epoch += 1
        if not math.isfinite(loss):
            raise UserInputError(
                f"the training of roost went astray in epoch {self._epoch}, its loss is {loss}; lower learning_rate, "
                f"now {self._settings.learning_rate:g}"
            )
        error = math.nan
        if len(self._inner):
            said = answers(self._network, self._items, self._inner)
            error = float(np.abs(said - self._z[self._inner]).mean())
        if error < self._best_error:
            self._best_error = error
            self._best = {name: value.detach().clone() for name, value in self._network.state_dict().items()}
        if self._checkpoint:
            kept = self._best_error if math.isfinite(self._best_error) else "inf"
            values = {"epoch": self._epoch, "best_error": kept}
            self._checkpoint.save(self._network, self._optimiser, values, self._best)
        return RoostReport(self._member, self._epoch, self._n_epoch, loss, error, time.monotonic() - begin)

    def _learn(self) -> float:
        order = np.random.default_rng([self._seed, self._epoch]).permutation(self._rows)
        total = torch.zeros((), device=self._device)
        self._network.train()
        for step, rows in enumerate(np.array_split(order, self._n_step)):
            for group in self._optimiser.param_groups:
                group["lr"] = self._rate((self._epoch + step / self._n_step) / self._n_epoch)
            batch = self._items.batch(rows, self._device)
            wanted = torch.from_numpy(self._z[batch.rows]).to(self._device)
            self._optimiser.zero_grad()
            loss = functional.l1_loss(self._network(batch.elements, batch.fractions, batch.blocks), wanted)
            torch.autograd.backward(loss)
            self._optimiser.step()
            total += loss.detach() * len(rows)
        return float(total) / len(order)

    def _rate(self, done: float) -> float:
        """Return the learning rate after a share of the training."""
        rate = self._settings.learning_rate
        return rate if self._settings.schedule == "constant" else rate * 0.5 * (1 + math.cos(math.pi * done))


def answers(network: Roost, items: Items, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (n,) standard scores that a network gives n rows."""
    said = np.empty(len(rows))
    device = next(network.parameters()).device
    network.eval()
    places = np.argsort(items.count[rows], kind="stable")  # equally many elements together make few blocks
    with torch.inference_mode():
        for start in range(0, len(rows), ASKED):
            here = places[start : start + ASKED]
            batch = items.batch(rows[here], device)
            said[here] = network(batch.elements, batch.fractions, batch.blocks).double().cpu().numpy()
    return said

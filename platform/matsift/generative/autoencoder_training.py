"""Training of the autoencoder: binary cross-entropy, Adam, the weights of the least validation loss, a state an epoch.

All random numbers of an epoch follow from the seed and the epoch's number, so that a training which goes on from its
checkpoint ends, on the same machine with the same threads, with the bits of one that was never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from matsift.errors import UserInputError
from matsift.generative.autoencoder_blocks import Blocks
from matsift.generative.autoencoder_network import AutoencoderNetwork, NetworkShape
from matsift.generative.encoding import Encoding
from matsift.generative.formulas import Compositions
from matsift.learners.devices import chosen_device, fast_type
from matsift.learners.network_checkpoints import Checkpoint, fingerprint

#: Rows whose output is computed at once where nothing is learnt; more leave the processor's cache.
ASKED = 64


@dataclass(frozen=True)
class AutoencoderSettings:
    """How an autoencoder is made and trained; the defaults are those of Xin 2021, which want a GPU.

    Parameters
    ----------
    width
        Of the channels, 1 for 32 and 128 of them as in the paper; a core has time for a quarter.
    n_latent
        Latent values.
    epochs, batch, learning_rate
        Of Adam.
    schedule
        Of the rate from the first to the last step: "constant", "cosine" down to 0, or "one_cycle", up over a fifth.
    validation_fraction
        Share of the compositions that is kept back; the weights with the least loss there are the result.
    informed_start
        Whether the last bias begins at the logit of the share of ones, 2 in 1000, in place of 0: saves the first epoch,
        which learns nothing else.
    whole_table
        Whether rows of zeros follow the table, so that the convolutions read its last elements too. As in the paper, 87
        rows end with two elements, Np and Pu, that the encoder does not read and so cannot give back.
    device
        "auto", "cpu" or "cuda".
    precision
        Of the factors in the products of training: "float32", "bfloat16", or "auto" for what is fast. The trained
        network is always asked in float32.
    """

    width: float = 1.0
    n_latent: int = 128
    epochs: int = 300
    batch: int = 128
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine", "one_cycle"] = "constant"
    validation_fraction: float = 0.2
    informed_start: bool = False
    whole_table: bool = False
    device: str = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        if min(self.epochs, self.batch, self.n_latent) < 1 or not self.learning_rate > 0 or not self.width > 0:
            raise UserInputError("epochs, batch and latent values are at least 1, width and rate above 0")
        if not 0 < self.validation_fraction < 1:
            raise UserInputError(f"the validation fraction lies between 0 and 1, not at {self.validation_fraction:g}")
        if self.schedule not in _SCHEDULES:
            raise UserInputError(f"there is no schedule {self.schedule!r}; choose one of {', '.join(_SCHEDULES)}")

    def shape(self, encoding: Encoding) -> NetworkShape:
        """Return the sizes of the network for a table."""
        first, second = max(1, round(32 * self.width)), max(1, round(128 * self.width))
        shape = NetworkShape(*encoding.shape, first, second, self.n_latent)
        while self.whole_table and shape.n_unread:
            shape = replace(shape, n_element=shape.n_element + 1)
        return shape

    def plain(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)


def _one_cycle(part: float) -> float:
    rise = 0.2
    return 0.1 + 0.9 * part / rise if part < rise else 0.5 * (1 + math.cos(math.pi * (part - rise) / (1 - rise)))


_SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda part: 0.5 * (1 + math.cos(math.pi * part)),
    "one_cycle": _one_cycle,
}


@dataclass(frozen=True)
class EpochReport:
    """Progress after an epoch (1 to `n_epoch`); `exact` is the share of validation rows that come back as they are."""

    epoch: int
    n_epoch: int
    loss: float
    validation_loss: float
    exact: float
    seconds: float
    samples_per_second: float

    def __str__(self) -> str:
        """Return a line for a log."""
        return (
            f"autoencoder: epoch {self.epoch} of {self.n_epoch}, loss {self.loss:.3e}, held out "
            f"{self.validation_loss:.3e}, exact {self.exact:.1%}, {self.samples_per_second:.0f} samples/s"
        )


class Training:
    """A network in training with its optimiser and its two parts of the compositions.

    Parameters
    ----------
    compositions
        What is learnt, with counts as they shall come back (reduced, as a rule); each has a matrix of the table.
    encoding
        The table.
    settings, seed
        Of weights at the start, validation part and order of rows.
    checkpoints
        Folder where the state after each epoch is kept; a state of the same training is gone on from.

    Raises
    ------
    UserInputError
        If a composition has no matrix, there are fewer than two, or the device is not there.
    """

    def __init__(
        self,
        compositions: Compositions,
        encoding: Encoding,
        settings: AutoencoderSettings,
        *,
        seed: int,
        checkpoints: Path | None = None,
    ) -> None:
        self._encoding, self._settings, self._seed = encoding, settings, seed
        self._cells = encoding.cells(compositions)
        self.training, self.validation = parts(len(compositions), settings.validation_fraction, seed)
        shape = settings.shape(encoding)
        self._blocks = Blocks.of(self._cells, shape.n_block, shape.n_count)
        self._device = chosen_device(settings.device)
        self._type = fast_type(settings.precision, self._device)
        self.network = AutoencoderNetwork(shape, seed)
        if settings.informed_start:
            share = len(self._cells.row) / (len(compositions) * shape.n_element * shape.n_count)
            self.network.start_at(share)
        self.network.to(self._device)
        self._optimiser = torch.optim.Adam(self.network.parameters(), lr=settings.learning_rate, fused=True)
        named = {**settings.plain(), **encoding.to_json(), "seed": seed}
        self._checkpoint = Checkpoint.open(
            checkpoints, f"autoencoder-{seed}", fingerprint(named, [compositions.counts])
        )
        self.history: list[dict[str, float]] = []
        self._best: dict[str, Tensor] = {}
        if self._checkpoint and (found := self._checkpoint.restore(self.network, self._optimiser)):
            self.history, self._best = list(found.values["history"]), dict(found.best)

    @property
    def n_done(self) -> int:
        """Epochs that are done."""
        return len(self.history)

    def best_weights(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights after the epoch of the least validation loss, by name."""
        return {name: value.cpu().numpy().copy() for name, value in self._best.items()}

    def epoch(self) -> EpochReport:
        """Learn from the training rows once each, validate, and keep the state."""
        begin, size, n = time.monotonic(), self._settings.batch, len(self.training)
        order = np.random.default_rng([self._seed, self.n_done]).permutation(self.training)
        starts, total = range(0, n, size), 0.0
        for number, start in enumerate(starts):
            rate = _SCHEDULES[self._settings.schedule]((self.n_done + number / len(starts)) / self._settings.epochs)
            for group in self._optimiser.param_groups:
                group["lr"] = self._settings.learning_rate * rate
            rows = order[start : start + size]
            self._optimiser.zero_grad()
            loss = self._loss(rows)[0]
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimiser.step()
            total += float(loss.detach()) * len(rows)
        seconds = max(time.monotonic() - begin, 1e-9)
        validation, exact = self._validate()
        if not self.history or validation < min(past["validation_loss"] for past in self.history):
            self._best = {name: value.detach().clone() for name, value in self.network.named_parameters()}
        self.history.append({"loss": total / n, "validation_loss": validation, "exact": exact})
        if self._checkpoint:
            self._checkpoint.save(self.network, self._optimiser, {"history": self.history}, self._best)
        return EpochReport(
            self.n_done, self._settings.epochs, total / n, validation, exact, time.monotonic() - begin, n / seconds
        )

    def _loss(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """Return the mean cross-entropy of the entries of some rows, and (n,) whether each comes back."""
        wanted = torch.from_numpy(self._encoding.spread(self._cells.take(rows))).to(self._device)
        logits = self.network.logits(self.network.latents(self._blocks.batch(rows)), self._type)
        logits = logits[:, : self._encoding.shape[0]]
        back = ((logits.detach() > 0) == (wanted > 0)).flatten(1).all(dim=1)
        return functional.binary_cross_entropy_with_logits(logits, wanted), back

    @torch.no_grad()
    def _validate(self) -> tuple[float, float]:
        loss, exact = 0.0, 0
        for rows in _runs(self.validation, ASKED):
            part, back = self._loss(rows)
            loss, exact = loss + float(part) * len(rows), exact + int(back.sum())
        return loss / len(self.validation), exact / len(self.validation)


def parts(n: int, fraction: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the training and the validation rows, ascending; at least one each.

    Raises
    ------
    UserInputError
        If there are fewer than two rows.
    """
    if n < 2:
        raise UserInputError(f"an autoencoder is trained on two compositions or more, not {n}")
    order = np.random.default_rng([seed, n]).permutation(n)
    kept = min(max(1, round(n * fraction)), n - 1)
    return np.sort(order[kept:]), np.sort(order[:kept])


def _runs(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def trained_weights(
    training: Training, n_epoch: int, on_epoch: Callable[[EpochReport], None] | None = None
) -> Mapping[str, NDArray[np.float32]]:
    """Return the best weights after n_epoch epochs, some of which may have been done before."""
    while training.n_done < n_epoch:
        report = training.epoch()
        if on_epoch:
            on_epoch(report)
    return training.best_weights()

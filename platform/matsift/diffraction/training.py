"""Training of one network: Adam on shuffled batches, a checkpoint an epoch, and the same weights whether interrupted.

All random numbers of an epoch follow from the member's seed and the epoch's number, so a training that goes on from a
checkpoint ends, on the same machine with one thread, with the bits of one that was never stopped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from matsift.diffraction.checkpoints import Checkpoint, fingerprint
from matsift.diffraction.devices import chosen_device, fast_type
from matsift.diffraction.fused_layers import fused_answer
from matsift.diffraction.networks import Answer, NetworkShape, SpaceGroupNet, dense_tensor, loss_of
from matsift.diffraction.sparse import SparseProfiles
from matsift.errors import UserInputError

Augment = Callable[[SparseProfiles, np.random.Generator], SparseProfiles]

#: Rows whose gradients are taken at once: what a batch needs then stays in the processor's cache.
_CHUNK = {"cpu": 64, "cuda": 4096}


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained; the defaults are the paper's (5000 epochs took an A100 6.5 hours).

    Parameters
    ----------
    width
        Channels of the convolutions; 32 for small machines.
    padding, power, factor, dropout
        As `NetworkShape`.
    he
        As `SpaceGroupNet`.
    epochs, batch, learning_rate
        Of Adam with betas 0.9 and 0.999.
    epoch_items
        Items that are drawn for an epoch where there are more, such as copies of crystals at other volumes; by default
        all.
    schedule
        Of the learning rate: "constant", "cosine" to zero, or "one_cycle", which rises over the first fifth.
    loss_weights
        Of the cross-entropy and of the error of the volume.
    device
        "cpu", "cuda", or "auto": a GPU where there is one.
    precision
        Of the factors in large products: "float32", "bfloat16", or "auto": bfloat16 where the device is faster with it.
    """

    width: int = 80
    padding: bool = False
    power: float = 1.0
    factor: float = 1.0
    dropout: float = 1.0
    he: bool = False
    epochs: int = 5000
    batch: int = 500
    epoch_items: int | None = None
    learning_rate: float = 1e-3
    schedule: Literal["constant", "cosine", "one_cycle"] = "constant"
    loss_weights: tuple[float, float] = (1.0, 1.0)
    device: str = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"

    def __post_init__(self) -> None:
        """Refuse what cannot be trained with."""
        if min(self.epochs, self.batch, self.epoch_items or 1) < 1:
            raise UserInputError(
                f"epochs, batch and items an epoch are at least 1, not {self.epochs}, {self.batch}, {self.epoch_items}"
            )
        if not self.learning_rate > 0:
            raise UserInputError(f"the learning rate is above 0, not {self.learning_rate:g}")
        if self.schedule not in _SCHEDULES:
            raise UserInputError(f"there is no schedule {self.schedule!r}; choose one of {', '.join(_SCHEDULES)}")

    def shape(self, n_class: int, *, volume: bool) -> NetworkShape:
        """Return the shape of a network with these settings."""
        return NetworkShape(n_class, volume, self.width, self.padding, self.power, self.factor, self.dropout)

    def plain(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return {**asdict(self), "loss_weights": list(self.loss_weights)}


@dataclass(frozen=True)
class EpochReport:
    """Progress after an epoch (1 to `n_epoch`): mean loss of its batches, rate, and the share of right groups.

    `accuracy` is that of the training items with dropout, so lower than the network's own.
    """

    seed: int
    epoch: int
    n_epoch: int
    loss: float
    accuracy: float
    seconds: float
    samples_per_second: float

    def __str__(self) -> str:
        """Return a line for a log."""
        return (
            f"seed {self.seed}: epoch {self.epoch} of {self.n_epoch}, loss {self.loss:.4f}, "
            f"{self.accuracy:.1%} right in training, {self.samples_per_second:.0f} samples/s"
        )


def _one_cycle(part: float) -> float:
    rise = 0.2
    return part / rise if part < rise else 0.5 * (1 + math.cos(math.pi * (part - rise) / (1 - rise)))


_SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda part: 0.5 * (1 + math.cos(math.pi * part)),
    "one_cycle": _one_cycle,
}


def train_member(
    profiles: SparseProfiles,
    classes: ArrayLike,
    z_volume: ArrayLike | None,
    settings: TrainingSettings,
    seed: int,
    *,
    n_class: int | None = None,
    checkpoint_dir: Path | None = None,
    augment: Augment | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Return the weights of a trained network by name: SpgVolNet where there are volumes, else SpgNet.

    Parameters
    ----------
    profiles, classes
        n ideal profiles and the number of the group of each, 0 to C - 1.
    z_volume
        (n,) standardised logarithms of the volume of the primitive cell, or None.
    seed
        Of the weights at the start, the order of the items, the dropout and the augmentation.
    n_class
        C; by default the largest class and one.
    checkpoint_dir
        Where the state after each epoch is kept, one file a seed. A file of the same training is gone on from; one of
        other items or settings is written over.
    augment
        Changes a batch before it is learnt from.
    on_epoch
        Called after each epoch; what it raises ends the training, which can be gone on with.

    Raises
    ------
    UserInputError
        If lengths disagree, there is nothing to learn from, a profile is empty, or the device is not there.
    """
    training = Training(
        profiles, classes, z_volume, settings, seed, n_class=n_class, checkpoint_dir=checkpoint_dir, augment=augment
    )
    while training.n_done < settings.epochs:
        report = training.epoch()
        if on_epoch:
            on_epoch(report)
    return training.weights()


def _checked(
    profiles: SparseProfiles, classes: ArrayLike, z_volume: ArrayLike | None
) -> tuple[NDArray[np.int64], NDArray[np.float32] | None]:
    labels = np.asarray(classes, dtype=np.int64)
    z = None if z_volume is None else np.asarray(z_volume, dtype=np.float32)
    if not len(profiles):
        raise UserInputError("a network needs profiles to learn from, there are none")
    if labels.shape != (len(profiles),) or (z is not None and z.shape != labels.shape):
        raise UserInputError(f"{len(profiles)} profiles need as many groups and volumes, not {labels.shape}")
    if labels.min() < 0 or (z is not None and not np.isfinite(z).all()):
        raise UserInputError("groups are numbered from 0 and volumes are finite; leave other items out")
    if not np.diff(profiles.offsets).all():
        raise UserInputError("a profile without a single line cannot be learnt from; leave it out")
    return labels, z


class Training:
    """A network in training with its optimiser and its random numbers; arguments and errors as `train_member`."""

    def __init__(
        self,
        profiles: SparseProfiles,
        classes: ArrayLike,
        z_volume: ArrayLike | None,
        settings: TrainingSettings,
        seed: int,
        *,
        n_class: int | None = None,
        checkpoint_dir: Path | None = None,
        augment: Augment | None = None,
    ) -> None:
        self._labels, self._z = _checked(profiles, classes, z_volume)
        shape = settings.shape(n_class or int(self._labels.max()) + 1, volume=self._z is not None)
        if int(self._labels.max()) >= shape.n_class:
            raise UserInputError(f"class {int(self._labels.max())} is not among the {shape.n_class} of the network")
        self._profiles, self._settings, self._seed, self._augment = profiles, settings, seed, augment
        self._device = chosen_device(settings.device)
        self._type = fast_type(settings.precision, self._device)
        self._network = SpaceGroupNet(shape, seed, he=settings.he).to(self._device)
        self._optimiser = torch.optim.Adam(self._network.parameters(), lr=settings.learning_rate, fused=True)
        named = {**settings.plain(), **shape.plain(), "seed": seed, "augment": repr(augment)}
        data = fingerprint(profiles, self._labels, self._z, named)
        self._checkpoint = Checkpoint.open(checkpoint_dir, seed, data)
        self.n_done = self._checkpoint.restore(self._network, self._optimiser) if self._checkpoint else 0

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Return the weights by name."""
        return {name: value.detach().cpu().numpy().copy() for name, value in self._network.state_dict().items()}

    def epoch(self) -> EpochReport:
        """Learn from the items of an epoch once each, and keep the state."""
        begin, size = time.monotonic(), self._settings.batch
        generator = np.random.default_rng([self._seed, self.n_done])
        order = generator.permutation(len(self._profiles))[: self._settings.epoch_items]
        n = len(order)
        starts = range(0, n, size)
        loss, right = 0.0, 0
        self._network.train()
        with torch.random.fork_rng(devices=[self._device] if self._device.type == "cuda" else []):
            torch.manual_seed(int(generator.integers(2**63)))
            for number, start in enumerate(starts):
                part = (self.n_done + number / len(starts)) / self._settings.epochs
                self._set_rate(_SCHEDULES[self._settings.schedule](part))
                rows = order[start : start + size]
                batch = self._profiles.take(rows)
                if self._augment:
                    batch = self._augment(batch, generator)
                batch_loss, batch_right = self._step(batch, rows)
                loss, right = loss + batch_loss * len(rows), right + batch_right
        self.n_done += 1
        if self._checkpoint:
            self._checkpoint.save(self._network, self._optimiser, self.n_done)
        seconds = max(time.monotonic() - begin, 1e-9)
        return EpochReport(self._seed, self.n_done, self._settings.epochs, loss / n, right / n, seconds, n / seconds)

    def _set_rate(self, factor: float) -> None:
        for group in self._optimiser.param_groups:
            group["lr"] = self._settings.learning_rate * factor

    def _step(self, batch: SparseProfiles, rows: NDArray[np.int64]) -> tuple[float, int]:
        """Take one step of Adam; return the mean loss of the batch and the number of right groups."""
        self._optimiser.zero_grad()
        loss, right, size = 0.0, 0, _CHUNK[self._device.type]
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            wanted = torch.from_numpy(self._labels[some]).to(self._device)
            volumes = None if self._z is None else torch.from_numpy(self._z[some]).to(self._device)
            answer = self._answer(batch.take(np.arange(start, start + len(some))))
            part = loss_of(answer, wanted, volumes, self._settings.loss_weights) * (len(some) / len(rows))
            torch.autograd.backward(part)
            loss += float(part.detach())
            right += int((answer.logits.detach().argmax(dim=1) == wanted).sum())
        self._optimiser.step()
        return loss, right

    def _answer(self, batch: SparseProfiles) -> Answer:
        if self._device.type == "cpu":
            return fused_answer(self._network, batch, self._type)
        with torch.autocast(self._device.type, self._type, enabled=self._type != torch.float32):
            return cast("Answer", self._network(dense_tensor(batch, self._device)))

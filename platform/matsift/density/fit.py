"""Ensembles of the paper's networks: fitted, asked, written and read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import ArrayLike

from matsift.density.inputs import NetworkInputs
from matsift.density.settings import TrainingSettings
from matsift.learners.prediction import Prediction


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
        Share of the time that the network waited for densities.
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
            f"{self.waiting:.0%} waiting for densities"
        )


@dataclass(frozen=True, eq=False)
class DensityNetwork:
    """Trained members of one kind, and the scales of what goes in and comes out."""

    kind: str
    settings: TrainingSettings
    seed: int

    def predict(self, inputs: NetworkInputs) -> Prediction:
        """Return what the members say of n items, in the target's unit, and their mean and spread."""
        raise NotImplementedError

    def dump(self) -> bytes:
        """Return the networks as bytes that `load` reads."""
        raise NotImplementedError


def fit(
    kind: str,
    inputs: NetworkInputs,
    y: ArrayLike,
    *,
    settings: Mapping[str, Any] | TrainingSettings,
    seed: int,
    checkpoint_dir: Path | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    branches: Mapping[str, DensityNetwork] | None = None,
) -> DensityNetwork:
    """Return networks trained on n items.

    Parameters
    ----------
    kind
        "magpie_cnn", "density_cnn_3d", "density_cnn_2d" or "density_fusion".
    y
        (n,) values of the target, finite.
    settings
        Of the kind; what is left out takes the default.
    seed
        Of all that is random; members have seeds that follow from it, the same for every kind.
    checkpoint_dir
        Where the state after each epoch is kept, one file a member; a training is gone on from there.
    on_epoch
        Called after each epoch.
    branches
        For the fusion: a "magpie_cnn" and a "density_cnn_2d" trained on the same items with the same seed.

    Raises
    ------
    UserInputError
        If settings, items and targets do not fit together.
    """
    raise NotImplementedError


def load(kind: str, data: bytes) -> DensityNetwork:
    """Return the networks that `DensityNetwork.dump` wrote; they say the same, to the last bit.

    Raises
    ------
    ArtifactError
        If the bytes are damaged or hold another kind of model.
    """
    raise NotImplementedError

"""One generator to train, as a worker process gets it, and what it sends back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from matsift.errors import UserInputError
from matsift.generative.encoding import Encoding
from matsift.generative.formulas import Compositions

Kind = Literal["composition_autoencoder", "composition_gan"]


@dataclass(frozen=True, eq=False)
class GeneratorJob:
    """A network of compositions to train.

    Parameters
    ----------
    kind
        Which.
    settings
        Of its settings class, all of them.
    seed
        Of weights, order and noise.
    formulas
        Reduced formulas to learn from.
    checkpoints
        Folder in which a training that is stopped finds its last epoch again.
    """

    kind: Kind
    settings: Mapping[str, Any]
    seed: int
    formulas: tuple[str, ...]
    checkpoints: Path | None = None


@dataclass(frozen=True)
class TrainedGenerator:
    """A trained network as a file, and its scores by name."""

    content: bytes
    scores: Mapping[str, float] = field(default_factory=dict)


def run_job(job: GeneratorJob) -> TrainedGenerator:
    """Train a network; the target of worker processes.

    Raises
    ------
    UserInputError
        If there is no such network, or too little to learn from.
    """
    compositions = Compositions.from_formulas(job.formulas)
    if job.kind == "composition_autoencoder":
        return _autoencoder(job, compositions)
    if job.kind == "composition_gan":
        return _gan(job, compositions)
    raise UserInputError(f"there is no generator {job.kind!r}")


def _autoencoder(job: GeneratorJob, compositions: Compositions) -> TrainedGenerator:
    from matsift.generative.autoencoder import train_autoencoder  # noqa: PLC0415  PyTorch
    from matsift.generative.autoencoder_training import AutoencoderSettings  # noqa: PLC0415  PyTorch

    settings = AutoencoderSettings(**job.settings)
    encoding = Encoding()
    usable = compositions.select(encoding.refusals(compositions) == 0)
    if len(usable) < 2:
        raise UserInputError(f"{len(usable)} formulas can be encoded, too few to learn from; name more under known")
    network = train_autoencoder(usable, encoding, settings, seed=job.seed, checkpoints=job.checkpoints)
    exact = network.round_trips(usable.select(network.validation_rows()))
    return TrainedGenerator(network.dump(), {"round_trip": float(np.mean(exact)), "n_held_out": float(len(exact))})


def _gan(job: GeneratorJob, compositions: Compositions) -> TrainedGenerator:
    from matsift.generative.gan_settings import GanSettings  # noqa: PLC0415  where it is needed
    from matsift.generative.gan_training import fit_gan, learnable  # noqa: PLC0415  PyTorch

    settings = GanSettings.from_dict(job.settings)
    usable = learnable(compositions, settings)
    if len(usable) < 2:
        raise UserInputError(f"{len(usable)} formulas can be learned from, too few; name more under known")
    gan = fit_gan(compositions, settings, job.seed, checkpoint_dir=job.checkpoints)
    return TrainedGenerator(gan.dump(), {"n_learned": float(len(usable))})

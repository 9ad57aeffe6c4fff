"""A trained autoencoder of compositions: 128 latent values of a composition, and what latent values decode to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import Tensor
from torch.nn import functional

from matsift.errors import ArtifactError, UserInputError
from matsift.generative.autoencoder_blocks import Blocks
from matsift.generative.autoencoder_network import AutoencoderNetwork, NetworkShape
from matsift.generative.autoencoder_training import (
    ASKED,
    AutoencoderSettings,
    EpochReport,
    Training,
    parts,
    trained_weights,
)
from matsift.generative.encoding import Decoded, Encoding
from matsift.generative.formulas import Compositions
from matsift.learners.container import pack, unpack
from matsift.learners.devices import chosen_device

KIND = "composition_autoencoder"
_WEIGHTS = "weights.safetensors"


@dataclass(frozen=True, eq=False)
class CompositionAutoencoder:
    """A trained autoencoder with its table; all answers are in float32 on the CPU, or where `on` says.

    `settings` and `seed` are of its training, `history` has an entry an epoch (loss, validation_loss, exact),
    `formulas_hash` names the `n_formula` compositions that it was trained and validated on. Equal rows of two calls
    agree but for rounding, which depends on the rows they are asked with: keep latent values, do not compute them anew.
    """

    encoding: Encoding
    shape: NetworkShape
    weights: Mapping[str, NDArray[np.float32]]
    settings: Mapping[str, Any]
    seed: int
    history: Sequence[Mapping[str, float]]
    n_formula: int
    formulas_hash: str
    device: str = "cpu"

    @cached_property
    def network(self) -> AutoencoderNetwork:
        """The network in torch."""
        network = AutoencoderNetwork(self.shape)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in self.weights.items()})
        return network.eval().requires_grad_(requires_grad=False).to(chosen_device(self.device))

    @property
    def n_latent(self) -> int:
        """Latent values of a composition."""
        return self.shape.n_latent

    def on(self, device: str) -> CompositionAutoencoder:
        """Return the same autoencoder, which answers on another device ("cpu", "cuda" or "auto")."""
        return replace(self, device=device)

    def encode(self, compositions: Compositions) -> NDArray[np.float32]:
        """Return (n, n_latent) latent values of compositions, with counts as they stand (`reduced()` first, as a rule).

        Raises
        ------
        UserInputError
            If one has no matrix in the table; `encoding.refusals` says which and why.
        """
        blocks = Blocks.of(self.encoding.cells(compositions), self.shape.n_block, self.shape.n_count)
        latents = np.empty((len(compositions), self.n_latent), dtype=np.float32)
        with torch.no_grad():
            for rows in _runs(len(compositions)):
                latents[rows] = self.network.latents(blocks.batch(np.arange(rows.start, rows.stop))).cpu().numpy()
        return latents

    def decode(self, latents: ArrayLike) -> Decoded:
        """Return what (n, n_latent) values decode to, and why where they do not."""
        values = self._checked(latents)
        return Decoded.concatenated(
            self.encoding.decode(self._logits(values[rows]).cpu().numpy(), above=0.0) for rows in _runs(len(values))
        )

    def decodes(self, latents: ArrayLike) -> NDArray[np.bool_]:
        """Return (n,) whether values decode to a composition: where `margins` is above 0."""
        return np.asarray(self.margins(latents) > 0)

    def margins(self, latents: ArrayLike) -> NDArray[np.float64]:
        """Return (n,) by how much, in logits, values decode: above 0 where they do, else by how much they fail.

        The smaller of minus the largest second logit of an element, which forbids a second count, and the largest
        logit, which is an element that is there.
        """
        return self._each(latents, margins_of_logits)

    def log_valid(self, latents: ArrayLike) -> NDArray[np.float64]:
        """Return (n,) the logarithm of the probability that a matrix drawn from the output is a composition.

        Entries are drawn for themselves with the probabilities the network gives; exact, and smooth in the values.
        """
        return self._each(latents, log_valid_of_logits)

    def log_valid_with_gradient(self, latents: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return `log_valid` and its (n, n_latent) derivatives by the latent values."""
        values = self._checked(latents)
        found, slopes = np.empty(len(values)), np.empty(values.shape)
        for rows in _runs(len(values)):
            some = torch.from_numpy(values[rows]).to(self.network.last.weight.device).requires_grad_()
            answer = log_valid_of_logits(self._rows(some))
            (slope,) = torch.autograd.grad(answer.sum(), some)
            found[rows], slopes[rows] = answer.detach().cpu().numpy(), slope.cpu().numpy()
        return found, slopes

    def round_trips(self, compositions: Compositions) -> NDArray[np.bool_]:
        """Return (n,) whether a composition comes back with exactly its counts; raises as `encode`."""
        back = self.decode(self.encode(compositions)).compositions
        return np.asarray((back.counts == compositions.counts).all(axis=1))

    def validation_rows(self) -> NDArray[np.int64]:
        """Return which of the compositions it was made of were held out, as positions among them, ascending."""
        return parts(self.n_formula, float(self.settings["validation_fraction"]), self.seed)[1]

    def dump(self) -> bytes:
        """Return the autoencoder as bytes that `load_autoencoder` reads; equal ones have equal bytes."""
        header = {
            "kind": KIND,
            "encoding": self.encoding.to_json(),
            "shape": self.shape.plain(),
            "settings": dict(self.settings),
            "seed": self.seed,
            "history": [dict(epoch) for epoch in self.history],
            "n_formula": self.n_formula,
            "formulas_hash": self.formulas_hash,
        }
        return pack(header, {_WEIGHTS: save(dict(self.weights))})

    def _checked(self, latents: ArrayLike) -> NDArray[np.float32]:
        values = np.asarray(latents, dtype=np.float32)
        if values.ndim != 2 or values.shape[1] != self.n_latent:
            raise UserInputError(f"latent values are (n, {self.n_latent}), these have the shape {values.shape}")
        return values

    @torch.no_grad()
    def _logits(self, latents: NDArray[np.float32]) -> Tensor:
        return self._rows(torch.from_numpy(latents).to(self.network.last.weight.device))

    def _rows(self, latents: Tensor) -> Tensor:
        """Return logits of the rows of the table, without those that follow it in a network of the whole table."""
        return self.network.logits(latents)[:, : self.encoding.shape[0]]

    def _each(self, latents: ArrayLike, of: Callable[[Tensor], Tensor]) -> NDArray[np.float64]:
        values = self._checked(latents)
        found = np.empty(len(values))
        for rows in _runs(len(values)):
            found[rows] = of(self._logits(values[rows])).cpu().numpy()
        return found


def margins_of_logits(logits: Tensor) -> Tensor:
    """Return (n,) the margin of (n, E, L) logits, as `CompositionAutoencoder.margins`."""
    first, second = torch.topk(logits, 2, dim=2).values.unbind(dim=2)
    return torch.minimum(first.amax(dim=1), -second.amax(dim=1))


def log_valid_of_logits(logits: Tensor) -> Tensor:
    """Return (n,) the logarithm of the probability of a valid matrix of (n, E, L) logits of independent entries.

    An element has no count with the product of all 1 - p, and one of its counts with that times the sum of p / (1 - p)
    = exp(logit); of the product over the elements, the matrix without any element is taken off.
    """
    empty = functional.logsigmoid(-logits.double()).sum(dim=2)
    valid = empty + torch.logsumexp(functional.pad(logits.double(), (1, 0)), dim=2)
    valid, empty = valid.sum(dim=1), empty.sum(dim=1)
    return valid + torch.log(-torch.expm1((empty - valid).clamp(max=-1e-300)))


def train_autoencoder(
    compositions: Compositions,
    encoding: Encoding,
    settings: AutoencoderSettings,
    *,
    seed: int,
    checkpoints: Path | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
) -> CompositionAutoencoder:
    """Return an autoencoder of compositions, a part of which is held out to choose the epoch.

    Parameters
    ----------
    compositions
        What is learnt, unique, with counts as they shall come back (reduced, as a rule).
    encoding
        The table, which has a place for each of them.
    settings, seed
        Of network and training.
    checkpoints
        Folder where the state after each epoch is kept; a state of the same training is gone on from.
    on_epoch
        Called after each epoch; what it raises ends the training, which can be gone on with.

    Raises
    ------
    UserInputError
        If a composition has no matrix, there are fewer than two, or the device is not there.
    """
    training = Training(compositions, encoding, settings, seed=seed, checkpoints=checkpoints)
    weights = trained_weights(training, settings.epochs, on_epoch)
    return CompositionAutoencoder(
        encoding,
        training.network.shape,
        weights,
        settings.plain(),
        seed,
        tuple(training.history),
        len(compositions),
        hashlib.sha256(np.ascontiguousarray(compositions.counts).tobytes()).hexdigest(),
    )


def load_autoencoder(data: bytes) -> CompositionAutoencoder:
    """Return the autoencoder that `CompositionAutoencoder.dump` wrote; it says the same, to the last bit.

    Raises
    ------
    ArtifactError
        If the bytes are damaged, of another kind of model, or their weights do not fit the network.
    """
    header, found = unpack(data)
    if header.get("kind") != KIND:
        raise ArtifactError(f"this model file holds a {header.get('kind')!r}, not an autoencoder of compositions")
    try:
        autoencoder = CompositionAutoencoder(
            Encoding.from_json(header["encoding"]),
            NetworkShape(**header["shape"]),
            load(found[_WEIGHTS]),
            header["settings"],
            int(header["seed"]),
            tuple(header["history"]),
            int(header["n_formula"]),
            str(header["formulas_hash"]),
        )
        _ = autoencoder.network
    except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError, UserInputError) as error:
        raise ArtifactError(f"the model file of an autoencoder of compositions is damaged: {error}") from error
    return autoencoder


def _runs(n: int) -> Iterator[slice]:
    for start in range(0, n, ASKED):
        yield slice(start, min(start + ASKED, n))

"""A trained generator of compositions: sampling of matrices, reading of matrices, one file without pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from matsift.errors import ArtifactError
from matsift.generative.formulas import Compositions
from matsift.generative.gan_networks import Generator, chance
from matsift.generative.gan_settings import GanSettings
from matsift.learners.container import pack, unpack
from matsift.learners.devices import chosen_device

KIND = "composition_gan"
#: Samples that go through the network at once.
BATCH = 1024


@dataclass(frozen=True, eq=False)
class CompositionGan:
    """A trained generator; `elements` are the atomic numbers of the rows of its matrices, `weights` by name."""

    settings: GanSettings
    seed: int
    elements: tuple[int, ...]
    weights: Mapping[str, NDArray[np.float32]]

    def matrices(self, n: int, random: np.random.Generator) -> NDArray[np.float32]:
        """Return (n, elements, counts) entries between 0 and 1, made from standard normal noise."""
        device = chosen_device(self.settings.device)
        network = self._network.to(device)
        drawn = torch.Generator().manual_seed(int(random.integers(2**62)))
        sizes = [min(BATCH, n - start) for start in range(0, n, BATCH)]
        with torch.inference_mode():
            parts = [network(*chance(self.settings, len(self.elements), drawn, device, size)).cpu() for size in sizes]
        made: NDArray[np.float32] = torch.cat(parts).numpy() if parts else self._nothing
        return made

    def sample(self, n: int, random: np.random.Generator) -> Compositions:
        """Return n compositions as they come, multiples and empty rows among them; a chunk fits into memory.

        `matsift.generative.sampling` draws millions, and refuses what is no composition to go on with.
        """
        return read_matrices(self.matrices(n, random), self.elements, self.settings.threshold)

    def dump(self) -> bytes:
        """Return the generator as a file: JSON beside weights, the same bytes for the same content."""
        header = {"kind": KIND, "settings": self.settings.as_dict(), "seed": self.seed, "elements": list(self.elements)}
        return pack(
            header, {"weights.safetensors": save({name: np.ascontiguousarray(w) for name, w in self.weights.items()})}
        )

    @classmethod
    def load(cls, data: bytes) -> Self:
        """Return the generator of a file.

        Raises
        ------
        ArtifactError
            If the bytes are no file of a generator, or are damaged.
        """
        header, parts = unpack(data)
        if header.get("kind") != KIND:
            raise ArtifactError(f"this is a file of the kind {header.get('kind')!r}, not of a {KIND}")
        try:
            gan = cls(
                GanSettings.from_dict(header["settings"]),
                int(header["seed"]),
                tuple(int(z) for z in header["elements"]),
                load(parts["weights.safetensors"]),
            )
            gan.matrices(1, np.random.default_rng(0))  # weights of wrong shapes are told of here
        except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
            raise ArtifactError(f"the file of a {KIND} is damaged: {error}; train again") from error
        return gan

    @property
    def content_hash(self) -> str:
        """SHA-256 of the file."""
        return hashlib.sha256(self.dump()).hexdigest()

    @property
    def _nothing(self) -> NDArray[np.float32]:
        return np.zeros((0, len(self.elements), self.settings.most_count), dtype=np.float32)

    @cached_property
    def _network(self) -> Generator:
        network = Generator(self.settings, len(self.elements))
        network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in self.weights.items()})
        return network.eval()


def read_matrices(matrices: NDArray[np.float32], elements: tuple[int, ...], threshold: float = 0.2) -> Compositions:
    """Return the compositions of (n, elements, counts) matrices by MatGAN's rule.

    An entry is one from the threshold on ("tolerate" 0.8); of several ones of an element the largest count is taken, as
    MatGAN's loop does; an element without one is absent.
    """
    n, _, n_count = matrices.shape
    ones = matrices >= threshold
    counts = np.where(ones.any(axis=2), n_count - ones[:, :, ::-1].argmax(axis=2), 0)
    table = np.zeros((n, Compositions.concatenated([]).counts.shape[1]), dtype=np.int16)
    table[:, np.array(elements) - 1] = counts
    return Compositions(table)

"""The state of a training after an epoch in one file, and what tells one training from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from matsift.diffraction.sparse import SparseProfiles
from matsift.learners import network_checkpoints


def fingerprint(
    profiles: SparseProfiles,
    labels: NDArray[np.int64],
    z: NDArray[np.float32] | None,
    settings: Mapping[str, Any],
) -> str:
    """Return a SHA-256 of all that a training depends on; two trainings of one fingerprint end alike."""
    arrays = (profiles.offsets, profiles.bins, profiles.intensities, labels, z)
    return network_checkpoints.fingerprint(settings, arrays)


@dataclass(frozen=True)
class Checkpoint:
    """The checkpoint of a member, with the number of epochs that are done."""

    kept: network_checkpoints.Checkpoint

    @classmethod
    def open(cls, folder: Path | None, seed: int, training: str) -> Self | None:
        """Return the checkpoint of a member in a folder, which is made; None without a folder."""
        kept = network_checkpoints.Checkpoint.open(folder, f"member-{seed}", training)
        return None if kept is None else cls(kept)

    def restore(self, network: nn.Module, optimiser: torch.optim.Adam) -> int:
        """Return how many epochs are done, with network and optimiser as they were then; 0 without such a file."""
        found = self.kept.restore(network, optimiser)
        return 0 if found is None else int(found.values["epoch"])

    def save(self, network: nn.Module, optimiser: torch.optim.Adam, epoch: int) -> None:
        """Write the state after an epoch."""
        self.kept.save(network, optimiser, {"epoch": epoch})

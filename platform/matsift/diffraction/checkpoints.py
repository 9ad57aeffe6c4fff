"""The state of a training after an epoch in one file: weights, moments of Adam, and what it was trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from matsift.diffraction.sparse import SparseProfiles

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


def fingerprint(
    profiles: SparseProfiles,
    labels: NDArray[np.int64],
    z: NDArray[np.float32] | None,
    settings: Mapping[str, Any],
) -> str:
    """Return a SHA-256 of all that a training depends on; two trainings of one fingerprint end alike."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in (profiles.offsets, profiles.bins, profiles.intensities, labels, z):
        digest.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Checkpoint:
    """One file, replaced as a whole after each epoch, so that a kill at any time leaves the last one."""

    path: Path
    training: str

    @classmethod
    def open(cls, folder: Path | None, seed: int, training: str) -> Self | None:
        """Return the checkpoint of a member in a folder, which is made; None without a folder."""
        if folder is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder / f"member-{seed}.safetensors", training)

    def restore(self, network: nn.Module, optimiser: torch.optim.Adam) -> int:
        """Return how many epochs are done, with network and optimiser as they were then; 0 without such a file."""
        try:
            with safe_open(self.path, framework="pt") as file:
                header = file.metadata() or {}
                if header.get("training") != self.training:
                    return 0
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  safe_open is no dict
        except (FileNotFoundError, SafetensorError):
            return 0
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                parameter.copy_(state[f"weight.{name}"])
                optimiser.state[parameter] = {
                    moment: state[f"{moment}.{name}"].to(parameter.device) for moment in _MOMENTS
                }
        return int(header["epoch"])

    def save(self, network: nn.Module, optimiser: torch.optim.Adam, epoch: int) -> None:
        """Write the state after an epoch."""
        state: dict[str, Tensor] = {}
        for name, parameter in network.named_parameters():
            state[f"weight.{name}"] = parameter.detach().contiguous()
            for moment in _MOMENTS:
                state[f"{moment}.{name}"] = optimiser.state[parameter][moment]
        fresh = self.path.with_suffix(".new")
        save_file(state, fresh, metadata={"training": self.training, "epoch": str(epoch)})
        fresh.replace(self.path)

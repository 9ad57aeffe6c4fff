"""The state of a training after an epoch in one file: weights, what the optimiser remembers, and what it was about."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

_WEIGHT, _BEST = "weight", "best"


def fingerprint(settings: Mapping[str, Any], arrays: Iterable[NDArray[Any] | None]) -> str:
    """Return a SHA-256 of all that a training depends on; two trainings of one fingerprint end alike."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for array in arrays:
        digest.update(b"none" if array is None else np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Restored:
    """What a checkpoint holds besides the state of network and optimiser: plain values, and the best weights so far."""

    values: Mapping[str, Any]
    best: Mapping[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """One file, replaced as a whole after each epoch, so that a kill at any time leaves the last one."""

    path: Path
    training: str

    @classmethod
    def open(cls, folder: Path | None, name: str, training: str) -> Self | None:
        """Return the checkpoint of a member in a folder, which is made; None without a folder."""
        if folder is None:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder / f"{name}.safetensors", training)

    def restore(self, network: nn.Module, optimiser: torch.optim.Optimizer) -> Restored | None:
        """Set network and optimiser as they were after the last epoch; None without a file of this training."""
        try:
            with safe_open(self.path, framework="pt") as file:
                header = file.metadata() or {}
                if header.get("training") != self.training or "values" not in header:
                    return None
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  safe_open is no dict
        except (FileNotFoundError, SafetensorError):
            return None
        parameters = dict(network.named_parameters())
        best: dict[str, Tensor] = {}
        with torch.no_grad():
            for key, value in state.items():
                kept, _, name = key.partition(".")
                if kept == _BEST:
                    best[name] = value
                elif kept == _WEIGHT:
                    parameters[name].copy_(value)
                else:
                    optimiser.state[parameters[name]][kept] = value.to(parameters[name].device)
        return Restored(json.loads(header["values"]), best)

    def save(
        self,
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
        values: Mapping[str, Any],
        best: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Write the state after an epoch: `values` as JSON, `best` the weights that the training will return."""
        state: dict[str, Tensor] = {}
        for name, parameter in network.named_parameters():
            state[f"{_WEIGHT}.{name}"] = parameter.detach().contiguous()
            for kept, value in optimiser.state[parameter].items():
                if isinstance(value, Tensor):
                    state[f"{kept}.{name}"] = value.contiguous()
        state |= {f"{_BEST}.{name}": value.contiguous() for name, value in (best or {}).items()}
        fresh = self.path.with_suffix(".new")
        save_file(state, fresh, metadata={"training": self.training, "values": json.dumps(values)})
        fresh.replace(self.path)

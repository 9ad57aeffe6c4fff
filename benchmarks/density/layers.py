"""Forward and backward passes of the density networks: whole grids by torch's layers, unique values by ours."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matsift.density.assembly import built
from matsift.density.field_source import OrbitFields
from matsift.density.networks import Network, start_weights
from matsift.density.settings import Density2dSettings, Density3dSettings, DensitySettings
from matsift.density.symmetry_average import orbit_labels, space_group_operations

_FM3M, _POINTS, _BATCH = 225, 60, 32
_DENSE = (512, 512, 16, 16, 16, 32)
_CASES: dict[str, DensitySettings] = {
    "3D, 32 filters": Density3dSettings(filters=(32, 32), dense=_DENSE),
    "3D, 200 filters": Density3dSettings(dense=_DENSE),
    "2D, a branch for each view": Density2dSettings(dense=_DENSE),
    "2D, one branch (`tied`)": Density2dSettings(dense=_DENSE, tied=True),
}


def lines(n_repeat: int) -> Iterator[str]:
    """Yield the rows of the table; of each case the fastest of `n_repeat` batches."""
    torch.set_num_threads(1)
    labels = orbit_labels(space_group_operations(_FM3M), (_POINTS,) * 3)
    values = torch.from_numpy(np.random.default_rng(0).random((_BATCH, int(labels.max()) + 1)).astype(np.float32))
    grids = values[:, torch.from_numpy(labels.reshape(-1).astype(np.int64))].view(_BATCH, *labels.shape)
    yield "| network | whole grids, ms a density | unique values, ms | times faster | largest difference of answers |"
    yield "|---|---|---|---|---|"
    for name, settings in _CASES.items():
        plain, said = _timed(_network(settings, None), grids, n_repeat)
        unique, also = _timed(_network(settings, labels), values, n_repeat)
        difference = float((said - also).abs().max())
        yield f"| {name} | {plain:.2f} | {unique:.2f} | {plain / unique:.1f} | {difference:.1e} |"


def _network(settings: DensitySettings, labels: NDArray[np.int32] | None) -> Network:
    source = None if labels is None else OrbitFields(np.zeros((0, 0), dtype=np.float32), labels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = built(settings, _POINTS, source, {})
        start_weights(network.modules(), "he")
    return network


def _timed(network: Network, inputs: Tensor, n_repeat: int) -> tuple[float, Tensor]:
    """Return ms of processor a density, forward and backward, and the answers."""
    best = np.inf
    for _ in range(n_repeat):
        network.zero_grad()
        begin = time.process_time()
        said = network(inputs)
        torch.autograd.backward(said.abs().mean())
        best = min(best, time.process_time() - begin)
    return best / len(inputs) * 1e3, said.detach()

"""Small symmetric densities and settings that the tests of the density networks share."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from matsift.density.field_source import InMemoryFields, OrbitFields
from matsift.density.inputs import NetworkInputs
from matsift.density.networks import start_weights
from matsift.density.symmetry_average import orbit_labels, space_group_operations

GRID = 12
DENSE = (8, 6)
#: Lengths 12, 4, 2, 1 and 12, 6, 2, 1.
SMALL_3D: dict[str, Any] = {"filters": (5, 7), "kernels": (3, 2), "dense": DENSE}
SMALL_2D: dict[str, Any] = {"channels": 6, "squeeze": 3, "filters": (5, 7), "kernels": (2, 3), "dense": DENSE}
#: With pooling to 2 points an axis.
WIDE_3D: dict[str, Any] = {**SMALL_3D, "kernels": (3, 1)}
WIDE_2D: dict[str, Any] = {**SMALL_2D, "kernels": (1, 4)}
SHORT: dict[str, Any] = {"epochs": 3, "members": 1, "batch": 8, "device": "cpu"}


@cache
def labels(space_group: int = 225, grid: int = GRID) -> NDArray[np.int32]:
    """Return the orbits of a cubic space group."""
    return orbit_labels(space_group_operations(space_group), (grid, grid, grid))


def symmetric_fields(n: int, space_group: int = 225, seed: int = 0, grid: int = GRID) -> OrbitFields:
    """Return densities that differ at random."""
    of = labels(space_group, grid)
    values = np.random.default_rng(seed).gamma(1.0, 1.0, (n, int(of.max()) + 1)).astype(np.float32)
    return OrbitFields(values, of)


def whole(fields: OrbitFields) -> InMemoryFields:
    """Return the same densities with all points."""
    return InMemoryFields(fields.load(np.arange(len(fields))))


def items(n: int = 40, seed: int = 0, space_group: int = 225) -> tuple[NetworkInputs, NDArray[np.float64]]:
    """Return inputs of both kinds and a target that depends on both."""
    fields = symmetric_fields(n, space_group, seed)
    magpie = np.random.default_rng(seed + 1).normal(size=(n, 132))
    return NetworkInputs(magpie, fields), 100 + 20 * magpie[:, 0] + 30 * fields.values[:, 0]


def random_weights(network: nn.Module, seed: int = 0) -> nn.Module:
    """Return the network with weights of a seed, biases too, so that nothing is left out by being zero."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        start_weights(network.modules(), "he")
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                nn.init.uniform_(parameter, 0.0, 0.5)
    return network

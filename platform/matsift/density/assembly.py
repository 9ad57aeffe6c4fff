"""A network of each kind put together, for whole grids or for the unique values of symmetric ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from matsift.density.feeds import reduced
from matsift.density.field_source import FieldSource
from matsift.density.networks import Density2d, Density3d, Fusion, MagpieNet, Network, TunedFusion
from matsift.density.settings import (
    BRANCHES,
    Density2dSettings,
    Density3dSettings,
    FusionSettings,
    MagpieCnnSettings,
    TrainingSettings,
)
from matsift.density.unique_layers import CubePlan, ViewPlan
from matsift.errors import ArtifactError

#: Kind -> settings and points of the grid, of the networks that a fusion joins.
BranchShapes = Mapping[str, tuple[TrainingSettings, int]]


def built(settings: TrainingSettings, grid: int, fields: FieldSource | None, branches: BranchShapes) -> Network:
    """Return a network with the weights that torch begins with.

    Parameters
    ----------
    settings
        Of the network; their class says which kind.
    grid
        Points of the densities along each axis.
    fields
        What it is going to read; of densities with one symmetry the unique values.
    branches
        Of a fusion.
    """
    if isinstance(settings, MagpieCnnSettings):
        return MagpieNet(settings)
    labels = None if fields is None else reduced(fields)
    if isinstance(settings, Density3dSettings):
        return Density3d(settings, grid, None if labels is None else CubePlan(labels, settings.kernels))
    if isinstance(settings, Density2dSettings):
        return Density2d(settings, grid, None if labels is None else ViewPlan(labels, settings.kernels))
    joined = [built(*branches[name], fields, {}) for name in BRANCHES]
    chosen = cast("FusionSettings", settings)
    head = Fusion(chosen, sum(network.n_feature for network in joined))
    return TunedFusion(cast("MagpieNet", joined[0]), cast("Density2d", joined[1]), head) if chosen.fine_tune else head


def loaded(network: Network, weights: Mapping[str, NDArray[np.float32]]) -> Network:
    """Return the network with these weights.

    Raises
    ------
    ArtifactError
        If they are not of such a network.
    """
    try:
        network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
    except RuntimeError as error:
        raise ArtifactError(f"weights of a model file do not fit the network: {error}") from error
    return network

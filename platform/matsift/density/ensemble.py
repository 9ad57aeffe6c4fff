"""Trained networks of one kind with the scales of what goes in and comes out: asked, written and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as tensor_bytes

from matsift.density.assembly import built, loaded
from matsift.density.feeds import (
    Feed,
    FieldFeed,
    JointFeed,
    MagpieScale,
    MemoryFeed,
    plain_scales,
    read_scales,
)
from matsift.density.inputs import NetworkInputs
from matsift.density.loader import Loader
from matsift.density.networks import Network
from matsift.density.settings import BRANCHES, DensitySettings, FusionSettings, TrainingSettings, network_settings
from matsift.density.training import answers, ask
from matsift.density.views import Normalisation
from matsift.errors import ArtifactError, UserInputError
from matsift.learners.container import pack, unpack
from matsift.learners.devices import chosen_device
from matsift.learners.prediction import Prediction
from matsift.learners.scale import LINEAR, TargetScale

Weights = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class TargetScore:
    """Standard scores of a target, of its logarithm where the scale says so."""

    mean: float = 0.0
    std: float = 1.0
    scale: TargetScale = LINEAR

    @classmethod
    def of(cls, y: NDArray[np.float64], scale: TargetScale) -> TargetScore:
        """Return the scores' scale for training targets."""
        values = scale.forward(y)
        return cls(float(values.mean()), float(values.std()) or 1.0, scale)

    def z(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores of targets."""
        return (self.scale.forward(y) - self.mean) / self.std

    def back(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the targets of scores."""
        return self.scale.back(self.mean + self.std * z)


@dataclass(frozen=True, eq=False)
class DensityNetwork:
    """Networks of one kind that differ by their seeds.

    Parameters
    ----------
    kind
        A name of `NETWORK_KINDS`.
    settings, seed
        That they were trained with.
    seeds
        One a member.
    grid
        Points of the densities along each axis; 0 where there are none.
    magpie, fields, target
        Scales of what goes in and comes out, from the training items.
    members
        Weights by name, one mapping a member.
    branches
        What a fusion joins, by kind.
    """

    kind: str
    settings: TrainingSettings
    seed: int
    seeds: tuple[int, ...]
    grid: int = 0
    magpie: MagpieScale | None = None
    fields: Normalisation | None = None
    target: TargetScore = TargetScore()
    members: tuple[Weights, ...] = ()
    branches: Mapping[str, DensityNetwork] = field(default_factory=dict)

    @property
    def tuned(self) -> bool:
        """Whether this is a fusion whose branches were trained on with it."""
        return isinstance(self.settings, FusionSettings) and self.settings.fine_tune

    def predict(self, inputs: NetworkInputs) -> Prediction:
        """Return what the members say of n items, in the target's unit, and their mean and spread.

        Raises
        ------
        UserInputError
            If the items lack what the networks read.
        """
        device = chosen_device(self.settings.device)
        said = []
        for member in range(len(self.members)):
            network, (feed, rows) = self.network(member, inputs).to(device), self.fed(member, inputs)
            said.append(self.target.back(answers(network.eval(), Loader(feed, device), feed, rows)))
        return Prediction.of_members(np.array(said).reshape(len(said), len(inputs)))

    def features(self, inputs: NetworkInputs, member: int) -> NDArray[np.float32]:
        """Return (n, m), what a member knows before its answer; the mean of both origins where it learned from both."""
        device = chosen_device(self.settings.device)
        network, (feed, rows) = self.network(member, inputs).to(device).eval(), self.fed(member, inputs)
        loader, origins = Loader(feed, device), (False, True) if feed.origins else (False,)
        said = [ask(network.features, loader, rows, shifted=other) for other in origins]
        return np.asarray(np.mean(said, axis=0), dtype=np.float32).reshape(len(inputs), network.n_feature)

    def network(self, member: int | None, inputs: NetworkInputs) -> Network:
        """Return a network for such inputs, with the weights of a member, or those it begins with."""
        branches = {kind: (branch.settings, branch.grid) for kind, branch in self.branches.items()}
        network = built(self.settings, self.grid, inputs.fields, branches)
        return network if member is None else loaded(network, self.members[member])

    def fed(self, member: int, inputs: NetworkInputs) -> tuple[Feed, NDArray[np.int64]]:
        """Return what a member reads, and the (n,) rows of it that are the items.

        Raises
        ------
        UserInputError
            If the items lack it.
        """
        if not isinstance(self.settings, FusionSettings):
            return self._own_feed(inputs), inputs.positions
        joined = [self.branches[kind] for kind in BRANCHES]
        if self.tuned:
            return JointFeed(tuple(branch._own_feed(inputs) for branch in joined)), inputs.positions  # noqa: SLF001  same class
        known = [branch.features(inputs, member % len(branch.members)) for branch in joined]
        return MemoryFeed(torch.from_numpy(np.concatenate(known, axis=1))), np.arange(len(inputs))

    def _own_feed(self, inputs: NetworkInputs) -> Feed:
        if self.magpie is not None:
            if inputs.magpie is None:
                raise UserInputError(f"the network {self.kind!r} reads composition features; these items have none")
            return MemoryFeed(torch.from_numpy(self.magpie.pictures(inputs.magpie)))
        if inputs.fields is None or self.fields is None:
            raise UserInputError(f"the network {self.kind!r} reads densities; these items have none")
        return FieldFeed(inputs.fields, self.fields, cast("DensitySettings", self.settings).origins)

    def dump(self) -> bytes:
        """Return the networks as bytes that `load` reads: a header, safetensors of each member, and the branches."""
        header = {
            "kind": self.kind,
            "settings": self.settings.model_dump(mode="json"),
            "seed": self.seed,
            "seeds": list(self.seeds),
            "grid": self.grid,
            "scales": plain_scales(self.magpie, self.fields),
            "target": [self.target.mean, self.target.std],
            "branches": sorted(self.branches),
        }
        parts = {f"member_{i}.safetensors": tensor_bytes(dict(weights)) for i, weights in enumerate(self.members)}
        return pack(header, parts | {f"{kind}.branch": self.branches[kind].dump() for kind in sorted(self.branches)})


def load(kind: str, data: bytes) -> DensityNetwork:
    """Return the networks that `DensityNetwork.dump` wrote; they say the same, to the last bit.

    Raises
    ------
    ArtifactError
        If the bytes are damaged, hold another kind of model, or weights that do not fit.
    """
    header, parts = unpack(data)
    if header.get("kind") != kind:
        raise ArtifactError(f"this model file holds a {header.get('kind')!r}, not a {kind!r}")
    try:
        return _read(kind, header, parts)
    except (KeyError, TypeError, ValueError, IndexError, SafetensorError, UserInputError) as error:
        raise ArtifactError(f"the networks of this model file are damaged: {error}") from error


def _read(kind: str, header: Mapping[str, Any], parts: Mapping[str, bytes]) -> DensityNetwork:
    settings = network_settings(kind, header["settings"])
    (magpie, fields), (mean, std) = read_scales(header["scales"]), header["target"]
    seeds = tuple(int(seed) for seed in header["seeds"])
    network = DensityNetwork(
        kind,
        settings,
        int(header["seed"]),
        seeds,
        int(header["grid"]),
        magpie,
        fields,
        TargetScore(float(mean), float(std), settings.target_scale),
        tuple(read_tensors(parts[f"member_{i}.safetensors"]) for i in range(len(seeds))),
        {branch: load(branch, parts[f"{branch}.branch"]) for branch in header["branches"]},
    )
    for member in range(len(seeds)):
        network.network(member, NetworkInputs(magpie=np.zeros((0, 132))))
    return network

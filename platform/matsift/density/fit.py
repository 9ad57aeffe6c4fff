"""Ensembles of the paper's networks: fitted, asked, written and read back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from matsift.density.assembly import loaded
from matsift.density.ensemble import DensityNetwork, TargetScore, load
from matsift.density.feeds import Feed, MagpieScale, field_scale, plain_scales
from matsift.density.field_source import FieldSource, OrbitFields
from matsift.density.inputs import NetworkInputs
from matsift.density.networks import Network, TunedFusion, start_weights
from matsift.density.settings import BRANCHES, DensitySettings, FusionSettings, TrainingSettings, network_settings
from matsift.density.training import EpochReport, Training
from matsift.errors import UserInputError
from matsift.learners.devices import chosen_device
from matsift.learners.prediction import member_seeds

__all__ = ["DensityNetwork", "EpochReport", "fit", "load"]


def fit(
    kind: str,
    inputs: NetworkInputs,
    y: ArrayLike,
    *,
    settings: Mapping[str, Any] | TrainingSettings,
    seed: int,
    checkpoint_dir: Path | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    branches: Mapping[str, DensityNetwork] | None = None,
) -> DensityNetwork:
    """Return networks trained on n items.

    Parameters
    ----------
    kind
        "magpie_cnn", "density_cnn_3d", "density_cnn_2d" or "density_fusion".
    y
        (n,) values of the target, finite.
    settings
        Of the kind; what is left out takes the default.
    seed
        Of all that is random; members have seeds that follow from it, the same for every kind.
    checkpoint_dir
        Where the state after each epoch is kept, one file a member; a training is gone on from there.
    on_epoch
        Called after each epoch; what it raises ends the training, which can be gone on with.
    branches
        For the fusion: a "magpie_cnn" and a "density_cnn_2d", trained on the same items with the same seed and
        `inner_fraction`, so that no item that tells when to stop was learned from. Member i joins their members i, or
        begins again with the first where they have fewer.

    Raises
    ------
    UserInputError
        If settings, items and targets do not fit together.
    """
    chosen, labels = network_settings(kind, settings), _checked(inputs, y)
    untrained = _untrained(kind, chosen, inputs, labels, seed, branches or {})
    device = chosen_device(chosen.device)
    z = untrained.target.z(labels).astype(np.float32)
    members = []
    for member, member_seed in enumerate(untrained.seeds):
        network, (feed, rows) = _started(untrained, member, inputs), untrained.fed(member, inputs)
        about = {
            "settings": chosen.model_dump(mode="json"),
            "scales": plain_scales(untrained.magpie, untrained.fields),
            "sample": _sample(feed, rows),
        }
        training = Training(
            kind,
            member,
            network.to(device),
            feed,
            rows,
            z,
            chosen,
            member_seed,
            about=about,
            checkpoint_dir=checkpoint_dir,
        )
        members.append(training.run(on_epoch))
    trained = replace(untrained, members=tuple(members))
    if trained.tuned:
        bare = {name: replace(branch, members=(), seeds=()) for name, branch in trained.branches.items()}
        return replace(trained, branches=bare)
    return trained


def _checked(inputs: NetworkInputs, y: ArrayLike) -> NDArray[np.float64]:
    labels = np.asarray(y, dtype=np.float64)
    if labels.shape != (len(inputs),):
        raise UserInputError(f"{len(inputs)} items need as many targets, not an array of {labels.shape}")
    if len(labels) < 2:
        raise UserInputError(f"a network needs at least two items to learn from, there is {len(labels) or 'none'}")
    if not np.isfinite(labels).all():
        raise UserInputError("targets are finite numbers; leave the items without one out")
    return labels


def _untrained(
    kind: str,
    settings: TrainingSettings,
    inputs: NetworkInputs,
    labels: NDArray[np.float64],
    seed: int,
    branches: Mapping[str, DensityNetwork],
) -> DensityNetwork:
    """Return networks without members: the scales of the items, and for a fusion what it joins."""
    seeds = member_seeds(seed, settings.members)
    network = DensityNetwork(kind, settings, seed, seeds, target=TargetScore.of(labels, settings.target_scale))
    if isinstance(settings, FusionSettings):
        missing = [name for name in BRANCHES if name not in branches]
        if missing:
            raise UserInputError(f"a fusion joins trained networks; {missing[0]!r} is not among the branches")
        return replace(network, branches={name: branches[name] for name in BRANCHES})
    if isinstance(settings, DensitySettings):
        if inputs.fields is None:
            raise UserInputError(f"the network {kind!r} reads densities; these items have none")
        edges = set(_shape(inputs.fields))
        if len(edges) != 1:
            raise UserInputError(f"networks read densities with equally many points along all axes, not {edges}")
        scale = field_scale(settings.scale, inputs.fields, inputs.positions)
        return replace(network, grid=edges.pop(), fields=scale)
    if inputs.magpie is None:
        raise UserInputError(f"the network {kind!r} reads composition features; these items have none")
    return replace(network, magpie=MagpieScale.of(inputs.magpie[inputs.positions]))


def _shape(fields: FieldSource) -> tuple[int, ...]:
    return (
        fields.labels.shape if isinstance(fields, OrbitFields) else fields.load(np.zeros(1, dtype=np.int64)).shape[1:]
    )


def _started(untrained: DensityNetwork, member: int, inputs: NetworkInputs) -> Network:
    """Return the network that the training of a member begins with."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(untrained.seeds[member])
        network = untrained.network(None, inputs)
        new = network.fusion if isinstance(network, TunedFusion) else network
        start_weights(new.modules(), untrained.settings.start)
    if isinstance(network, TunedFusion):
        parts = zip(BRANCHES, (network.magpie, network.density), strict=True)
        for name, part in parts:
            trained = untrained.branches[name].members
            loaded(part, trained[member % len(trained)])
    return network


def _sample(feed: Feed, rows: NDArray[np.int64]) -> str:
    """Return a SHA-256 of what some rows give, for other inputs make another training."""
    digest = hashlib.sha256()
    for part in feed.batch(rows[:: max(1, len(rows) // 8)][:8]):
        digest.update(part.numpy().tobytes())
    return digest.hexdigest()

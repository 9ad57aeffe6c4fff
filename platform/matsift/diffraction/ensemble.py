"""Several networks of one training set as one answer: probabilities of space groups, and the volume with its quartiles.

The probabilities of the ensemble are the mean of those of its members (paper 002); the volume is their geometric mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from matsift.diffraction.certainty import Certainty
from matsift.diffraction.fused_layers import fused_answer
from matsift.diffraction.networks import NetworkShape, SpaceGroupNet
from matsift.diffraction.sparse import SparseProfiles
from matsift.errors import ArtifactError
from matsift.learners.container import pack, unpack

Weights = Mapping[str, NDArray[np.float32]]

_CHUNK = 128
KIND = "space_group_ensemble"


@dataclass(frozen=True, eq=False)
class GroupPrediction:
    """What an ensemble says of n profiles.

    Parameters
    ----------
    probabilities
        (n, C), mean of the members, as they are: `Certainty.scaled` makes them as sure as they should be.
    members
        (n_member, n, C).
    volume
        (n,), volume of the primitive cell in angstrom3, or None from SpgNet.
    volume_quartiles
        (n, 2): between them lies the true volume of half of the items that the ensemble was not trained on; equal to
        the volume where that was never measured.
    member_volumes
        (n_member, n) or None.
    """

    probabilities: NDArray[np.float64]
    members: NDArray[np.float64]
    volume: NDArray[np.float64] | None = None
    volume_quartiles: NDArray[np.float64] | None = None
    member_volumes: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class VolumeScale:
    """The standard score of U = ln V, V in angstrom3: z = (U - mean) / sigma (paper 002, equation 3)."""

    mean: float
    sigma: float

    @classmethod
    def of(cls, volumes: ArrayLike) -> VolumeScale:
        """Return the scale of training volumes (angstrom3)."""
        logarithms = np.log(np.asarray(volumes, dtype=np.float64))
        return cls(float(logarithms.mean()), max(float(logarithms.std()), 1e-6))

    def z(self, volumes: ArrayLike) -> NDArray[np.float64]:
        """Return the scores of volumes (angstrom3)."""
        return np.asarray((np.log(np.asarray(volumes, dtype=np.float64)) - self.mean) / self.sigma)

    def volumes(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the volumes (angstrom3) of scores; a score without sense is cut at twelve sigma."""
        return np.asarray(np.exp(self.mean + self.sigma * np.clip(z, -12, 12)))


@dataclass(frozen=True, eq=False)
class SpaceGroupEnsemble:
    """Trained members and what is needed to read their answers.

    Parameters
    ----------
    shape
        Of each member.
    groups
        (C,), the space group number of each class.
    members
        Weights by name, one mapping a member.
    seeds
        One a member.
    settings
        Plain JSON values that the members were trained with.
    volume
        Scale of the second head, or None.
    certainty
        Calibration by items that were not trained on, or None.
    volume_ratio_quartiles
        Quartiles of predicted over true volume of such items, or None.
    """

    shape: NetworkShape
    groups: tuple[int, ...]
    members: tuple[Weights, ...]
    seeds: tuple[int, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    volume: VolumeScale | None = None
    certainty: Certainty | None = None
    volume_ratio_quartiles: tuple[float, float] | None = None

    @property
    def learner(self) -> str:
        """Name of the network as the database has it: "spg_net" or "spg_vol_net"."""
        return self.shape.learner

    def classes_of(self, space_groups: ArrayLike) -> NDArray[np.int64]:
        """Return the class of each space group number, -1 for one that the networks do not know."""
        numbers = np.asarray(space_groups, dtype=np.int64)
        classes = np.full(numbers.shape, -1, dtype=np.int64)
        for index, group in enumerate(self.groups):
            classes[numbers == group] = index
        return classes

    def predict(self, profiles: SparseProfiles) -> GroupPrediction:
        """Return what the members say of profiles, and their mean."""
        answers = [self._said_by(network, profiles) for network in self._networks]
        members = np.stack([probabilities for probabilities, _ in answers])
        if self.volume is None:
            return GroupPrediction(members.mean(axis=0), members)
        scores = np.stack([z for _, z in answers])
        volume = self.volume.volumes(scores.mean(axis=0))
        low, high = self.volume_ratio_quartiles or (1.0, 1.0)
        return GroupPrediction(
            members.mean(axis=0),
            members,
            volume,
            np.column_stack([volume / high, volume / low]),
            self.volume.volumes(scores),
        )

    @cached_property
    def _networks(self) -> tuple[SpaceGroupNet, ...]:
        """The members as networks: to build one takes longer than to ask it of one pattern."""
        return tuple(_network(self.shape, weights) for weights in self.members)

    def _said_by(
        self, network: SpaceGroupNet, profiles: SparseProfiles
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the probabilities and scores of one member."""
        probabilities = np.zeros((len(profiles), self.shape.n_class))
        scores = np.zeros(len(profiles))
        with torch.inference_mode():
            for start in range(0, len(profiles), _CHUNK):
                rows = np.arange(start, min(start + _CHUNK, len(profiles)))
                answer = fused_answer(network, profiles.take(rows))
                probabilities[rows] = torch.softmax(answer.logits.double(), dim=1).numpy()
                if answer.z is not None:
                    scores[rows] = answer.z.double().numpy()
        return probabilities, scores

    def calibrated(
        self,
        profiles: SparseProfiles,
        classes: ArrayLike,
        volumes: ArrayLike | None = None,
        *,
        coverage: float = 0.9,
    ) -> SpaceGroupEnsemble:
        """Return the ensemble with `certainty`, and with quartiles of the volume, from items it was not trained on.

        Parameters
        ----------
        profiles, classes
            The items; of measured patterns if the certainty is to hold for those.
        volumes
            (n,), true volumes of the primitive cells, angstrom3.

        Raises
        ------
        UserInputError
            If the items are too few for the coverage.
        """
        said = self.predict(profiles)
        quartiles = None
        if said.volume is not None and volumes is not None:
            ratio = said.volume / np.asarray(volumes, dtype=np.float64)
            quartiles = (float(np.quantile(ratio, 0.25)), float(np.quantile(ratio, 0.75)))
        return replace(
            self,
            certainty=Certainty.fit(said.probabilities, classes, coverage),
            volume_ratio_quartiles=quartiles,
        )

    def dump(self) -> bytes:
        """Return the ensemble as bytes that `load_ensemble` reads: one header, and safetensors of each member."""
        header = {
            "kind": KIND,
            "shape": self.shape.plain(),
            "groups": list(self.groups),
            "seeds": list(self.seeds),
            "settings": dict(self.settings),
            "volume": None if self.volume is None else [self.volume.mean, self.volume.sigma],
            "certainty": None if self.certainty is None else self.certainty.plain(),
            "volume_ratio_quartiles": self.volume_ratio_quartiles and list(self.volume_ratio_quartiles),
        }
        parts = {f"member_{i}.safetensors": save(dict(weights)) for i, weights in enumerate(self.members)}
        return pack(header, parts)


def load_ensemble(data: bytes) -> SpaceGroupEnsemble:
    """Return the ensemble that `SpaceGroupEnsemble.dump` wrote; it says the same, to the last bit.

    Raises
    ------
    ArtifactError
        If the bytes are damaged, of another kind of model, or their weights do not fit the network.
    """
    header, parts = unpack(data)
    if header.get("kind") != KIND:
        raise ArtifactError(f"this model file holds a {header.get('kind')!r}, not networks of space groups")
    try:
        shape = NetworkShape.of(header["shape"])
        members = tuple(load(parts[f"member_{i}.safetensors"]) for i in range(len(header["seeds"])))
        volume, certainty, quartiles = header["volume"], header["certainty"], header["volume_ratio_quartiles"]
        ensemble = SpaceGroupEnsemble(
            shape,
            tuple(int(group) for group in header["groups"]),
            members,
            tuple(int(seed) for seed in header["seeds"]),
            header["settings"],
            None if volume is None else VolumeScale(*volume),
            None if certainty is None else Certainty.of(certainty),
            None if quartiles is None else (float(quartiles[0]), float(quartiles[1])),
        )
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise ArtifactError(f"the networks of this model file are damaged: {error}") from error
    for weights in members:
        _network(shape, weights)
    return ensemble


def _network(shape: NetworkShape, weights: Weights) -> SpaceGroupNet:
    network = SpaceGroupNet(shape)
    try:
        network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
    except RuntimeError as error:
        raise ArtifactError(f"weights of a model file do not fit the network: {error}") from error
    return network.eval()

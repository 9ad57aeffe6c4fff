"""The convolutions of Zhao et al. 2020 on composition descriptors, 12 x 12 of them, as a learner of tables.

The network itself is `matsift.density.networks`' and is trained by `matsift.density.fit`; torch is loaded with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from matsift.density.inputs import NetworkInputs
from matsift.density.settings import MagpieCnnSettings
from matsift.descriptors.composition import MAGPIE
from matsift.learners import container
from matsift.learners.columns import element_statistics, is_element_statistic
from matsift.learners.prediction import Prediction, TrainingData, checked_features

if TYPE_CHECKING:
    from matsift.density.fit import DensityNetwork

KIND = "magpie_cnn"


@dataclass(frozen=True, eq=False)
class MagpieCnn:
    """Trained networks that read the 132 elemental statistics among the columns, and no other column."""

    feature_names: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int
    network: DensityNetwork
    kind: str = KIND

    def predict(self, X: NDArray[np.float64]) -> Prediction:
        """Return mean, spread and members (one a network) for (n, n_feature) descriptors."""
        rows = checked_features(X, self.feature_names)
        if not len(rows):
            return Prediction.of_members(np.empty((self.settings["members"], 0)))
        return self.network.predict(_inputs(rows, self.feature_names))

    def importances(self) -> None:
        """Return None: a network has no such notion."""

    def dump(self) -> bytes:
        """Return the model file of the networks, with the names of the columns besides."""
        header, parts = container.unpack(self.network.dump())
        return container.pack(header | container.header_of(self), parts)

    @classmethod
    def read(cls, header: dict[str, Any], parts: dict[str, bytes]) -> Self:
        """Return the networks of a model file; one that `matsift.density` wrote reads the 132 columns alone."""
        from matsift.density.fit import load  # noqa: PLC0415  torch takes a second to import

        network = load(KIND, container.pack(header, parts))
        names = header.get("feature_names", [name for name in MAGPIE.columns if is_element_statistic(name)])
        return cls(tuple(names), header["settings"], int(header["seed"]), network)


def fit(data: TrainingData, settings: MagpieCnnSettings, *, seed: int, n_worker: int = 1) -> MagpieCnn:  # noqa: ARG001  one face for all learners
    """Return the trained networks.

    Raises
    ------
    UserInputError
        If the columns do not hold the 132 elemental statistics of the descriptor set "magpie".
    """
    from matsift.density import fit as networks  # noqa: PLC0415  torch takes a second to import

    inputs = _inputs(data.X, data.feature_names)
    network = networks.fit(KIND, inputs, data.y, settings=settings, seed=seed)
    return MagpieCnn(data.feature_names, settings.model_dump(mode="json"), seed, network)


def _inputs(X: NDArray[np.float64], names: tuple[str, ...]) -> NetworkInputs:
    return NetworkInputs(magpie=np.ascontiguousarray(X[:, element_statistics(names)]))

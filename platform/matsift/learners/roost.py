"""Roost as a learner of tables: it reads the 103 element fractions among the columns, and no other column.

The network is `roost_network`, its training `roost_training`; torch is loaded with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError
from safetensors.numpy import load as read_tensors
from safetensors.numpy import save as tensor_bytes

from matsift.descriptors.element_fractions import ELEMENT_FRACTIONS, fraction_columns
from matsift.errors import ArtifactError
from matsift.learners import container
from matsift.learners.devices import chosen_device
from matsift.learners.element_embedding import element_embedding
from matsift.learners.prediction import Prediction, TrainingData, checked_features, member_seeds
from matsift.learners.roost_items import Items
from matsift.learners.roost_network import Roost as Network
from matsift.learners.roost_settings import RoostSettings
from matsift.learners.roost_training import RoostReport, Training, Weights, answers

__all__ = ["Roost", "RoostReport", "RoostSettings", "fit", "trained"]

KIND = "roost"


@dataclass(frozen=True, eq=False)
class Roost:
    """Trained networks that differ by their seeds; `center` and `deviation` are those of the scaled targets."""

    feature_names: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int
    center: float
    deviation: float
    members: tuple[Weights, ...]
    kind: str = KIND

    def predict(self, X: NDArray[np.float64]) -> Prediction:
        """Return mean, spread and members (one a network) for (n, n_feature) descriptors.

        Raises
        ------
        UserInputError
            If a row has no composition.
        """
        rows = checked_features(X, self.feature_names)
        items = Items.of(rows[:, fraction_columns(self.feature_names)])
        chosen = RoostSettings.model_validate(self.settings)
        device = chosen_device(chosen.device)
        said = np.empty((len(self.members), len(rows)))
        for member, weights in enumerate(self.members):
            network = _with_weights(chosen, weights).to(device)
            with _one_thread():
                scores = answers(network, items, np.arange(len(rows)))
            said[member] = chosen.target_scale.back(self.center + self.deviation * scores)
        return Prediction.of_members(said)

    def importances(self) -> None:
        """Return None: a network has no such notion."""

    def dump(self) -> bytes:
        """Return a zip of a header and the safetensors of each member."""
        header = {**container.header_of(self), "target": [self.center, self.deviation]}
        parts = {f"member_{i:02d}.safetensors": tensor_bytes(dict(own)) for i, own in enumerate(self.members)}
        return container.pack(header, parts)

    @classmethod
    def read(cls, header: dict[str, Any], parts: dict[str, bytes]) -> Self:
        """Return the networks of a model file."""
        try:
            members = tuple(read_tensors(parts[name]) for name in sorted(parts))
            center, deviation = (float(value) for value in header["target"])
            names, settings = tuple(header["feature_names"]), header["settings"]
            for weights in members:
                _with_weights(RoostSettings.model_validate(settings), weights)
            return cls(names, settings, int(header["seed"]), center, deviation, members)
        except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
            raise ArtifactError(f"the networks of this model file are damaged: {error}") from error


def fit(data: TrainingData, settings: RoostSettings, *, seed: int, n_worker: int = 1) -> Roost:
    """Return the trained networks; members learn in `n_worker` threads, which changes nothing in them.

    Raises
    ------
    UserInputError
        If the columns do not hold the 103 element fractions, or a row has no composition.
    """
    return _fit(data, settings, seed=seed, n_worker=n_worker)


def trained(
    fractions: ArrayLike,
    y: ArrayLike,
    *,
    settings: Mapping[str, Any] | RoostSettings,
    seed: int,
    checkpoint_dir: Path | None = None,
    on_epoch: Callable[[RoostReport], None] | None = None,
) -> Roost:
    """Return networks trained on compositions: the learner with what long trainings need.

    Parameters
    ----------
    fractions
        (n, 103) share of each element, as the descriptor set "element_fractions" has it.
    y
        (n,) labels, finite.
    settings
        Keys of `RoostSettings`; what is left out takes the default.
    seed
        Of all that is random.
    checkpoint_dir
        Where the state after each epoch is kept, one file a member; a training is gone on from there.
    on_epoch
        Called after each epoch; what it raises ends the training, which can be gone on with.

    Raises
    ------
    UserInputError
        If a row has no composition or a label is not finite.
    """
    chosen = settings if isinstance(settings, RoostSettings) else RoostSettings.model_validate(dict(settings))
    data = TrainingData.checked(fractions, y, ELEMENT_FRACTIONS.columns)
    return _fit(data, chosen, seed=seed, checkpoint_dir=checkpoint_dir, on_epoch=on_epoch)


def _fit(
    data: TrainingData,
    settings: RoostSettings,
    *,
    seed: int,
    n_worker: int = 1,
    checkpoint_dir: Path | None = None,
    on_epoch: Callable[[RoostReport], None] | None = None,
) -> Roost:
    items = Items.of(data.X[:, fraction_columns(data.feature_names)])
    values = settings.target_scale.forward(data.y)
    center, deviation = float(values.mean()), float(values.std()) or 1.0
    z = ((values - center) / deviation).astype(np.float32)
    device = chosen_device(settings.device)
    trainings = []
    for member, member_seed in enumerate(member_seeds(seed, settings.members)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(member_seed)
            network = _network(settings).to(device)
        trainings.append(Training(member, network, items, z, settings, member_seed, checkpoint_dir=checkpoint_dir))
    with _one_thread():
        if n_worker == 1:
            members = [training.run(on_epoch) for training in trainings]
        else:
            with ThreadPoolExecutor(n_worker, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                members = list(pool.map(lambda training: training.run(on_epoch), trainings))
    plain = settings.model_dump(mode="json")
    return Roost(data.feature_names, plain, seed, center, deviation, tuple(members))


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let each product be one thread's: batches are small, and sums of several threads have other last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _network(settings: RoostSettings) -> Network:
    return Network(settings, torch.from_numpy(element_embedding(settings.embedding)))


def _with_weights(settings: RoostSettings, weights: Weights) -> Network:
    network = _network(settings)
    network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
    return network

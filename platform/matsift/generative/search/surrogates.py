"""What predicts the property within a search: a Gaussian process of latent vectors, or an ensemble of compositions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from matsift.errors import UserInputError
from matsift.generative.search.gaussian_process import GaussianProcess
from matsift.generative.search.proposals import principal_directions
from matsift.generative.search.settings import EnsembleSettings, ProcessSettings
from matsift.generative.search.space import Latents, Proposals
from matsift.learners import registry
from matsift.learners.prediction import FittedModel

Floats = NDArray[np.float64]

#: One row in this many is held out where the spread of an ensemble is calibrated.
_HELD_OUT = 5
#: An ensemble that is sure of everything says nothing: its spread is scaled by no more than this.
_MOST = 10.0


class Surrogate(Protocol):
    """A model of the property, of labels of which large ones are good."""

    def predict(self, proposals: Proposals) -> tuple[Floats, Floats]:
        """Return (n,) mean and (n,) spread."""
        ...

    def learn(self, latent: Latents, value: float) -> None:
        """Take a point in at once; a surrogate that waits for the next round does nothing."""
        ...

    def believe(self, latent: Latents) -> None:
        """Take in, as if it were the label, the mean that is predicted at a point."""
        ...


@dataclass(frozen=True, eq=False)
class Projection:
    """Directions of the latent space that a process sees: center (d,), axes (k, d) orthonormal rows."""

    center: Floats
    axes: Floats

    @classmethod
    def of(cls, latents: Latents, components: int | None) -> Projection:
        """Return the principal components of (n, d) vectors, or all directions as they are where none are asked for."""
        d = latents.shape[1]
        if components is None or components >= d:
            return cls(np.zeros(d), np.eye(d))
        deviation, axes = principal_directions(latents)
        largest_first = np.argsort(-deviation, kind="stable")[:components]
        return cls(latents.astype(np.float64).mean(axis=0), axes[largest_first])

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return len(self.axes) == len(self.center)

    def down(self, latents: NDArray[np.floating]) -> Floats:
        """Return the (n, k) coordinates of (n, d) vectors."""
        points = np.asarray(latents, dtype=np.float64)
        return points if self.is_whole else np.asarray((points - self.center) @ self.axes.T)

    def up(self, coordinates: Floats) -> Floats:
        """Return the (n, d) vectors of (n, k) coordinates."""
        return coordinates if self.is_whole else np.asarray(self.center + coordinates @ self.axes)


class ProcessSurrogate:
    """A Gaussian process on the latent vectors, or on their principal components.

    Parameters
    ----------
    latents, values
        (n, d) points and their (n,) labels, large ones good.
    projection
        Directions that the process sees.
    settings
        Noise, and when the length scale is found anew.
    """

    def __init__(self, latents: Latents, values: Floats, projection: Projection, settings: ProcessSettings) -> None:
        self.projection, self._settings = projection, settings
        self.process = GaussianProcess(projection.down(latents), values, 1.0, noise=settings.noise)
        self.process.refit()

    def predict(self, proposals: Proposals) -> tuple[Floats, Floats]:
        """Return (n,) mean and (n,) standard deviation."""
        return self.process.predict(self.projection.down(proposals.latents))

    def learn(self, latent: Latents, value: float) -> None:
        """Take a point in, and find the length scale anew where the settings say so."""
        is_new = self.process.append(self.projection.down(latent[None])[0], value)
        if is_new and self._settings.refit == "suggestion":
            self.process.refit(warm=True)

    def believe(self, latent: Latents) -> None:
        """Take in the predicted mean as a label: the spread nearby falls, means stay (Desautels et al., JMLR 2014)."""
        point = self.projection.down(latent[None])
        self.process.append(point[0], float(self.process.predict(point)[0][0]))


class EnsembleSurrogate:
    """An ensemble of the platform on descriptors of compositions, its spread scaled to errors that it makes.

    Where `calibrate` is set, every fifth row is held out once, a model of the others says how large its errors are
    beside its spread (root mean square of the ratio), and the spread of the model of all rows is multiplied by that.
    """

    def __init__(
        self,
        formulas: Sequence[str],
        values: Floats,
        describe: Callable[[Sequence[str]], Floats] | None,
        settings: EnsembleSettings,
        seed: int,
    ) -> None:
        if describe is None:
            raise UserInputError("an ensemble needs a space that describes compositions; give `describe`")
        self._describe = describe
        rows = describe(formulas)
        self.factor = 1.0
        if settings.calibrate and len(values) >= 2 * _HELD_OUT:
            held = np.arange(len(values)) % _HELD_OUT == 0
            trial = _train(rows[~held], values[~held], settings, seed)
            self.factor = spread_factor(values[held], *_said(trial, rows[held]))
        self.model = _train(rows, values, settings, seed)

    def predict(self, proposals: Proposals) -> tuple[Floats, Floats]:
        """Return (n,) mean of the members and (n,) calibrated spread; -inf and 0 for what does not decode."""
        decodes = proposals.decoded.decodes
        mean, spread = np.full(len(proposals), -np.inf), np.zeros(len(proposals))
        formulas = [formula for formula in proposals.decoded.formulas if formula is not None]
        if formulas:
            mean[decodes], said = _said(self.model, self._describe(formulas))
            spread[decodes] = self.factor * said
        return mean, spread

    def learn(self, latent: Latents, value: float) -> None:
        """Do nothing: an ensemble is trained anew each round."""

    def believe(self, latent: Latents) -> None:
        """Do nothing: an ensemble is trained anew each round."""


def spread_factor(values: Floats, mean: Floats, spread: Floats) -> float:
    """Return the root mean square of error over spread, at most 10: 1 for a spread that fits its errors."""
    floor = max(1e-3 * float(spread.max(initial=0.0)), 1e-12)
    ratio = (values - mean) / np.maximum(spread, floor)
    return float(min(max(np.sqrt(np.mean(ratio**2)), 1.0 / _MOST), _MOST))


def _train(rows: Floats, values: Floats, settings: EnsembleSettings, seed: int) -> FittedModel:
    names = [f"x{i}" for i in range(rows.shape[1])]
    return registry.fit(settings.kind, rows, values, settings=settings.settings, seed=seed, feature_names=names)


def _said(model: FittedModel, rows: Floats) -> tuple[Floats, Floats]:
    said = model.predict(rows)
    return said.mean, said.spread

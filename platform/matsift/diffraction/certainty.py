"""How sure an ensemble is: temperature, sets that hold the true group as often as asked for, and "not sure"."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar

from matsift.errors import ArtifactError, UserInputError

_SMALLEST = 1e-12
#: Range of the logarithm of the temperature.
_LOG_TEMPERATURE = (math.log(0.1), math.log(10.0))


@dataclass(frozen=True)
class Certainty:
    """What items that were not trained on say about the probabilities of an ensemble.

    Parameters
    ----------
    temperature
        Probabilities are raised to its inverse and normalised; above 1 for an ensemble that is too sure.
    threshold
        Groups at or above this (scaled) probability make the set.
    coverage
        Share of new items, drawn as the calibration items were, whose set holds the true group: at least this.
    n_calibration
        Items that the threshold was taken from.
    """

    temperature: float
    threshold: float
    coverage: float
    n_calibration: int

    @classmethod
    def fit(cls, probabilities: NDArray[np.float64], classes: ArrayLike, coverage: float = 0.9) -> Self:
        """Return the calibration by (n, C) mean probabilities and the true classes of n items.

        The temperature, which has the smallest mean negative logarithm of the true group's probability, is taken from
        every other item, and the threshold from the rest, so that the guarantee of split conformal prediction holds.

        Raises
        ------
        UserInputError
            If the items are too few for the coverage, or it is not between 0 and 1.
        """
        labels = np.asarray(classes, dtype=np.int64)
        if not 0 < coverage < 1:
            raise UserInputError(f"a coverage is between 0 and 1, not {coverage:g}")
        rest = probabilities[1::2]
        rank = math.ceil((len(rest) + 1) * coverage)
        if rank > len(rest):
            needed = 2 * math.ceil(coverage / (1 - coverage) - 1e-9)
            raise UserInputError(
                f"sets that hold the true group {coverage:.0%} of the time need {needed} items that the ensemble was "
                f"not trained on, there are {len(labels)}"
            )
        temperature = _temperature(probabilities[::2], labels[::2])
        scaled = _scaled(rest, temperature)
        wrongness = np.sort(1 - scaled[np.arange(len(rest)), labels[1::2]])
        return cls(temperature, float(1 - wrongness[rank - 1]), coverage, len(rest))

    def scaled(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (..., C) probabilities at the temperature."""
        return _scaled(probabilities, self.temperature)

    def sets(self, probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return (n, C), true for the groups of each item's set; the most probable group is always in it.

        Parameters
        ----------
        probabilities
            (n, C), as the ensemble gives them, not scaled.
        """
        scaled = self.scaled(probabilities)
        chosen = np.asarray(scaled >= self.threshold - _SMALLEST)
        chosen[np.arange(len(scaled)), scaled.argmax(axis=1)] = True
        return chosen

    def sure(self, probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return (n,), true where one group is in the set and its scaled probability is at least a half."""
        alone = self.sets(probabilities).sum(axis=1) == 1
        return np.asarray(alone & (self.scaled(probabilities).max(axis=1) >= 0.5))

    def plain(self) -> dict[str, Any]:
        """Return the calibration as JSON values."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the calibration that `plain` gave.

        Raises
        ------
        ArtifactError
            If the values are not those of a calibration.
        """
        try:
            return cls(**values)
        except TypeError as error:
            raise ArtifactError(f"this is no calibration of space groups: {error}") from error


def _scaled(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    logits = np.log(np.maximum(probabilities, _SMALLEST)) / temperature
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def _temperature(probabilities: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        scaled = _scaled(probabilities, math.exp(log_temperature))
        return float(-np.log(np.maximum(scaled[rows, labels], _SMALLEST)).mean())

    return math.exp(minimize_scalar(loss, bounds=_LOG_TEMPERATURE, method="bounded").x)

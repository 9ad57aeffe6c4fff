"""Network and profile search as one ranking of space groups.

Each space group g gets the weight exp(a ln(p_g + floor) + b t(s_g) + c ln(1 + n_g)): p_g is its probability by the
network, s_g the score of the best profile of that group among the matches, t(s) = -ln(1.05 - s), n_g how many of the
matches are of that group. Of a group that it was not taught the network says nothing: p_g is then the share of an even
deal over its groups. A group none of whose profiles was found scores as the last match did, which is the most that it
can have. One more weight, exp(u), stands for all groups that neither knows. The weights over their sum are the
probabilities. a, b, c and u have the largest likelihood on patterns that were simulated from crystals which the network
was not trained on, half of them missing in the index.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from matsift.errors import UserInputError

_FLOOR = 1e-3
_BEYOND_ONE = 1.05
_RIDGE = 1e-3
_START = np.array([1.0, 5.0, 0.5, 3.0])


@dataclass(frozen=True, eq=False)
class Observation:
    """What is known about the space group of one pattern.

    Parameters
    ----------
    network_groups, network_probabilities
        (c,) each: the groups that a network knows, and their probabilities; empty without a network.
    found_groups, found_scores
        (k,) each: the groups of the matching profiles, best first, and their scores; empty without an index.
    """

    network_groups: NDArray[np.int64]
    network_probabilities: NDArray[np.float64]
    found_groups: NDArray[np.int64]
    found_scores: NDArray[np.float64]

    def candidates(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the groups that either knows, ascending, and their three pieces of evidence (n_group, 3)."""
        found = self.found_groups[self.found_groups > 0]
        groups = np.union1d(self.network_groups, found).astype(np.int64)
        n_known = len(self.network_groups)
        probability = np.full(len(groups), 1 / n_known if n_known else 0.0)
        probability[np.searchsorted(groups, self.network_groups)] = self.network_probabilities
        score = np.full(len(groups), self.found_scores.min() if len(self.found_scores) else 0.0)
        place = np.searchsorted(groups, found)
        np.maximum.at(score, place, self.found_scores[self.found_groups > 0])
        count = np.bincount(place, minlength=len(groups))
        return groups, np.column_stack([np.log(probability + _FLOOR), -np.log(_BEYOND_ONE - score), np.log1p(count)])


@dataclass(frozen=True)
class Evidence:
    """How much network and search count, and what makes a set of groups.

    Parameters
    ----------
    network, search, number
        a, b and c of the module's words.
    unknown
        u: the logarithm of the weight of all groups that are not candidates.
    threshold
        Groups at or above this probability make the set.
    coverage
        Share of patterns whose set holds the true group.
    n_pattern
        Patterns that it was fitted on.
    """

    network: float
    search: float
    number: float
    unknown: float
    threshold: float
    coverage: float = 0.9
    n_pattern: int = 0

    def probabilities(self, observation: Observation) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the candidate groups, likeliest first, and their probabilities; the rest to 1 is for other groups."""
        groups, features = observation.candidates()
        weight = _shares(features, np.array([self.network, self.search, self.number]), self.unknown)[:-1]
        order = np.lexsort((groups, -weight))
        return groups[order], weight[order]

    def in_set(self, probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which of the groups, likeliest first, are in the set; the first always is."""
        return np.asarray((probabilities >= self.threshold) | (np.arange(len(probabilities)) == 0))

    def plain(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def fit(cls, observations: Sequence[Observation], truth: Sequence[int], coverage: float = 0.9) -> Self:
        """Return the weights of largest likelihood on every other pattern, and the threshold from the rest.

        Parameters
        ----------
        observations
            All with a network, or all without; all with an index, or all without.
        truth
            The true space groups.

        Raises
        ------
        UserInputError
            If there are fewer than twenty patterns.
        """
        if len(observations) < 20:
            raise UserInputError(
                f"weights of network and search need at least 20 patterns, there are {len(observations)}"
            )
        cases = [_case(seen, true) for seen, true in zip(observations, truth, strict=True)]
        has_network = any(len(seen.network_groups) for seen in observations)
        has_index = any(len(seen.found_groups) for seen in observations)
        counts = np.array([has_network, has_index, has_index], dtype=np.float64)

        def loss(values: NDArray[np.float64]) -> float:
            costs = [-math.log(max(_shares(seen, counts * values[:3], values[3])[k], 1e-12)) for seen, k in cases[::2]]
            return float(np.mean(costs) + _RIDGE * (values**2).sum())

        best = minimize(loss, _START, method="Nelder-Mead", options={"maxiter": 1000}).x
        weights = counts * best[:3]
        held = np.sort([_shares(seen, weights, best[3])[k] for seen, k in cases[1::2]])
        missed = math.floor((len(held) + 1) * (1 - coverage))
        threshold = float(held[missed - 1]) if missed > 0 else 0.0
        network, search, number = weights.tolist()
        return cls(network, search, number, float(best[3]), threshold, coverage, len(cases))


#: Search without a network, fitted by ``make bench-search``; and beside a network for which nothing was fitted, where a
#: and u are set by hand.
SEARCH_ALONE = Evidence(0.0, 6.43, 0.55, 5.43, 0.0264)
BOTH = Evidence(0.5, 6.43, 0.55, 2.0, 0.0264)


def _case(seen: Observation, truth: int) -> tuple[NDArray[np.float64], int]:
    """Return the features of an observation and which of its weights the true group has (the last: not a candidate)."""
    groups, features = seen.candidates()
    place = np.flatnonzero(groups == truth)
    return features, int(place[0]) if len(place) else len(groups)


def _shares(features: NDArray[np.float64], weights: NDArray[np.float64], unknown: float) -> NDArray[np.float64]:
    """Return (n_group + 1,), the shares of the groups and of all others."""
    logits = np.append(features @ weights, unknown)
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())

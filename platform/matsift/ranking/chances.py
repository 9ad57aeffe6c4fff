"""The probability that a candidate meets its thresholds, all at once, by what is known of each objective."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from matsift.ranking.objectives import Estimates, Objective

_FEWEST_MEMBERS = 3
_N_POINT = 307  # a prime; the error of a joint probability stays below 0.003
_ROWS_AT_ONCE = 2000
_LARGEST_CORRELATION = 0.999  # keeps the matrix positive definite
_SMALLEST = 1e-15  # of a probability that is inverted


def surplus(objective: Objective, estimate: Estimates) -> NDArray[np.float64]:
    """Return (n,) by how many standard deviations a candidate lies on the good side of the threshold.

    Infinite where the value is known; at the threshold it counts as met. NaN where the value is unknown.
    """
    assert objective.threshold is not None
    over = objective.sign * (estimate.mean - objective.threshold)
    exact = np.where(np.isnan(over), np.nan, np.where(over >= 0, np.inf, -np.inf))
    spreads = estimate.deviation > 0
    return np.where(spreads, over / np.where(spreads, estimate.deviation, 1.0), exact)


def correlations(objectives: Sequence[Objective], estimates: Sequence[Estimates]) -> NDArray[np.float64]:
    """Return the (n_objective, n_objective) correlation of objectives over the members of their ensembles.

    That of a single candidate would rest on a few members; it is averaged over all candidates. A large value is good in
    every objective here, so two objectives that are lost together correlate positively. Objectives without members, or
    with another number of members than the first that has some, are taken as independent.
    """
    matrix = np.eye(len(objectives))
    counts = [estimate.members.shape[1] for estimate in estimates]
    shared = next((count for count in counts if count >= _FEWEST_MEMBERS), 0)
    has = [i for i, count in enumerate(counts) if count == shared and shared]
    if len(has) <= 1:
        return matrix
    apart = np.stack([objectives[i].sign * estimates[i].members for i in has], axis=1)
    apart = apart - apart.mean(axis=2, keepdims=True)
    length = np.sqrt((apart**2).sum(axis=2, keepdims=True))
    apart = apart[(length > 0).all(axis=(1, 2))]  # a comparison with NaN is false: candidates without members go
    if not len(apart):
        return matrix
    unit = apart / np.sqrt((apart**2).sum(axis=2, keepdims=True))
    found = np.einsum("ijm,ikm->jk", unit, unit) / len(unit)
    matrix[np.ix_(has, has)] = _LARGEST_CORRELATION * found
    np.fill_diagonal(matrix, 1.0)
    return matrix


def joint_chance(surpluses: NDArray[np.float64], correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,) the probability that standard normal variables all lie below what is in `surpluses`.

    Parameters
    ----------
    surpluses
        (n, n_objective), infinite where an objective is certain; NaN gives NaN.
    correlation
        (n_objective, n_objective); independent variables are multiplied, others integrated by Genz's separation of
        variables (J. Comput. Graph. Stat. 1, 141, 1992) on a lattice that is the same every time.
    """
    if np.array_equal(correlation, np.eye(len(correlation))):
        return np.asarray(ndtr(surpluses).prod(axis=1))
    triangle: NDArray[np.float64] = np.linalg.cholesky(correlation).astype(np.float64)
    lattice = _lattice(surpluses.shape[1] - 1)
    parts = range(0, len(surpluses), _ROWS_AT_ONCE)
    chances = [_integrated(surpluses[start : start + _ROWS_AT_ONCE], triangle, lattice) for start in parts]
    return np.concatenate(chances) if chances else np.zeros(0)


def _integrated(
    surpluses: NDArray[np.float64], triangle: NDArray[np.float64], lattice: NDArray[np.float64]
) -> NDArray[np.float64]:
    reached = np.broadcast_to(ndtr(surpluses[:, :1] / triangle[0, 0]), (len(surpluses), lattice.shape[1]))
    product, drawn = reached, []
    for j in range(1, surpluses.shape[1]):
        drawn.append(ndtri(np.clip(lattice[j - 1] * reached, _SMALLEST, 1 - _SMALLEST)))
        shift = sum(triangle[j, k] * values for k, values in enumerate(drawn))
        reached = ndtr((surpluses[:, j : j + 1] - shift) / triangle[j, j])
        product = product * reached
    return np.asarray(product.mean(axis=1))


def _lattice(n_dimension: int) -> NDArray[np.float64]:
    """Return (n_dimension, n_point) points between 0 and 1, multiples of roots of primes (Richtmyer)."""
    primes = [n for n in range(2, 100) if all(n % d for d in range(2, n))][:n_dimension]
    points = np.outer(np.sqrt(primes), np.arange(1, _N_POINT + 1)) % 1.0
    return np.abs(2 * points - 1)  # folded: the function takes the same value at both ends of each side

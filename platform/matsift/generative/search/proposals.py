"""Latent vectors near known ones: steps along the directions in which known vectors vary, and crossings of two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.generative.search.settings import ManifoldSettings
from matsift.generative.search.space import Latents

Floats = NDArray[np.float64]


def near_known(best: Latents, population: Latents, settings: ManifoldSettings, rng: np.random.Generator) -> Latents:
    """Return (n_proposal, d) latent vectors near known ones, in random order.

    A crossing lies at a random place between two parents, a step sets out from one parent: a normal vector with the
    covariance of the population, of a length drawn evenly in its logarithm between the two radii. A box of 128
    dimensions is nearly all corners, where nothing decodes; known vectors lie on a thin sheet in it, and so do these.

    Parameters
    ----------
    best
        (n_best, d) vectors of the best labels.
    population
        (m, d) vectors of any known composition.
    settings
        How many, how far, and from where.
    rng
        Source of all choices.
    """
    n = settings.n_proposal
    first = _parents(best, population, settings.from_best, n, rng)
    second = _parents(best, population, settings.from_best, n, rng)
    place = rng.uniform(size=(n, 1))
    crossed = first + place * (second - first)
    deviation, axes = principal_directions(population)
    shortest, longest = (float(np.log(radius)) for radius in settings.radius)
    length = np.exp(rng.uniform(shortest, longest, size=(n, 1)))
    stepped = first + length * (rng.standard_normal((n, len(deviation))) * deviation) @ axes
    is_crossing = rng.uniform(size=(n, 1)) < settings.crossing
    return np.ascontiguousarray(np.where(is_crossing, crossed, stepped), dtype=np.float32)


def principal_directions(latents: Latents) -> tuple[Floats, Floats]:
    """Return (k,) standard deviations and (k, d) orthonormal axes of (n, d) vectors; axes without extent are left out.

    The sign of an axis is that of its largest part positive, so that it does not depend on the linear algebra library.
    """
    points = latents.astype(np.float64)
    points = points - points.mean(axis=0)
    variance, axes = np.linalg.eigh(points.T @ points / len(points))
    kept = variance > 1e-10 * max(float(variance.max(initial=0.0)), 1e-30)
    rows = axes[:, kept].T
    largest = rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)]
    return np.sqrt(variance[kept]), rows * np.where(largest < 0.0, -1.0, 1.0)[:, None]


def _parents(best: Latents, population: Latents, from_best: float, n: int, rng: np.random.Generator) -> Floats:
    """Return (n, d) parents: that share from the best, the others from the population."""
    of_best, of_all = rng.integers(len(best), size=n), rng.integers(len(population), size=n)
    chosen = rng.uniform(size=(n, 1)) < from_best
    return np.where(chosen, best[of_best], population[of_all]).astype(np.float64)

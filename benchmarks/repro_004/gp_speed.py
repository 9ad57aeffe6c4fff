"""How long a Gaussian process of the search takes to fit, in the latent space's dimensions."""

from __future__ import annotations

import time

import numpy as np

from matsift.generative.search.gaussian_process import fit

N_POINT, N_DIMENSION = 500, 128


def seconds() -> float:
    """Return the shortest of three fits, the search for the length scale within."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_POINT, N_DIMENSION))
    y = np.sin(X[:, 0]) + X[:, 1]
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        fit(X, y)
        times.append(time.perf_counter() - begin)
    return min(times)

"""Sums of periodic Gaussians on the points of a grid, exact to 1e-9 of their peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

#: Gaussians at least as many spacings wide end before the grid's highest frequency: exp(-(2.1 pi)^2 / 2) = 4e-10.
_WIDE = 2.1

#: Standard deviations after which a Gaussian counts as nothing: exp(-6.5^2 / 2) = 7e-10.
_REACH = 6.5


@dataclass(frozen=True, eq=False)
class Gaussians:
    """n normalised Gaussians in a cell.

    Parameters
    ----------
    centres
        (n, 3), fractional, 0 to 1.
    weights
        (n,), electrons: the integral of each; may be negative.
    variances
        (n,), angstrom2, the same along every direction.
    """

    centres: NDArray[np.float64]
    weights: NDArray[np.float64]
    variances: NDArray[np.float64]

    def __getitem__(self, which: NDArray[np.bool_]) -> Gaussians:
        """Return some of them."""
        return Gaussians(self.centres[which], self.weights[which], self.variances[which])


def separable(gaussians: Gaussians, lattice: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return (a, b, c) the sum of Gaussians and their periodic images in a rectangular cell, 1/angstrom3."""
    lengths = np.linalg.norm(lattice, axis=1)
    x, y, z = (
        _periodic(gaussians.centres[:, axis], gaussians.variances, lengths[axis], shape[axis]) for axis in range(3)
    )
    planes = (y[:, :, None] * z[:, None, :]).reshape(len(y), -1)
    return np.asarray(((x * gaussians.weights[:, None]).T @ planes).reshape(shape))


def oblique(gaussians: Gaussians, lattice: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return (a, b, c) the sum of Gaussians and their periodic images in any cell, 1/angstrom3."""
    spacing = float((np.linalg.norm(lattice, axis=1) / shape).max())
    wide = gaussians.variances >= (_WIDE * spacing) ** 2
    total = _reciprocal(gaussians[wide], lattice, shape)
    _add_patches(total, gaussians[~wide], lattice)
    return total


def _periodic(
    centres: NDArray[np.float64], variances: NDArray[np.float64], length: float, n: int
) -> NDArray[np.float64]:
    """Return (n_gaussian, n) periodic Gaussians of one dimension on n points of a length, 1/angstrom."""
    n_image = int(np.ceil(_REACH * np.sqrt(variances.max(initial=0.0)) / length + 0.5))
    images = np.arange(-n_image, n_image + 1)
    offsets = (np.arange(n) / n - centres[:, None] + 0.5) % 1.0 - 0.5
    squared = ((offsets[:, :, None] + images) * length) ** 2
    bells = np.exp(squared / (-2.0 * variances[:, None, None])).sum(axis=2)
    return np.asarray(bells / np.sqrt(2.0 * np.pi * variances)[:, None])


def _reciprocal(gaussians: Gaussians, lattice: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return the sum of Gaussians by their Fourier series, which the grid must hold."""
    if not len(gaussians.weights):
        return np.zeros(shape)
    waves = [_frequencies(n) for n in shape]
    waves[2] = np.arange(shape[2] // 2 + 1, dtype=np.float64)
    reciprocal = 2.0 * np.pi * np.linalg.inv(lattice).T
    squared = _quadratic(reciprocal @ reciprocal.T, *waves)
    series = np.zeros(squared.shape, dtype=np.complex128)
    for variance in np.unique(gaussians.variances):
        alike = gaussians[gaussians.variances == variance]
        near = np.nonzero(squared <= _REACH**2 / variance)
        phases = [np.exp(-2j * np.pi * np.outer(alike.centres[:, axis], waves[axis])) for axis in range(3)]
        factor = np.zeros(len(near[0]), dtype=np.complex128)
        for weight, x, y, z in zip(alike.weights, *phases, strict=True):
            factor += weight * x[near[0]] * y[near[1]] * z[near[2]]
        series[near] += np.exp(squared[near] * (-0.5 * variance)) * factor
    per_volume = float(np.prod(shape)) / abs(np.linalg.det(lattice))
    return np.asarray(np.fft.irfftn(series, s=shape, axes=(0, 1, 2)) * per_volume)


def _frequencies(n: int) -> NDArray[np.float64]:
    """Return (n,) the whole numbers of waves of a Fourier series of n points, in FFT order."""
    return np.asarray(np.fft.fftfreq(n, 1.0 / n), dtype=np.float64)


def _quadratic(
    gram: NDArray[np.float64], h: NDArray[np.float64], k: NDArray[np.float64], m: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (n_h, n_k, n_m) the square of the vector (h, k, m) in the metric `gram`."""
    plane = gram[0, 0] * h[:, None] ** 2 + gram[1, 1] * k**2 + 2.0 * gram[0, 1] * h[:, None] * k
    cross = 2.0 * (gram[0, 2] * h[:, None] + gram[1, 2] * k)
    return np.asarray(plane[:, :, None] + cross[:, :, None] * m + gram[2, 2] * m**2)


def _add_patches(total: NDArray[np.float64], gaussians: Gaussians, lattice: NDArray[np.float64]) -> None:
    """Add Gaussians to the points within their reach, images of the same point one by one."""
    shape = np.array(total.shape)
    steps = lattice / shape[:, None]
    gram = steps @ steps.T
    heights = 1.0 / np.linalg.norm(np.linalg.inv(steps), axis=0)  # distance of neighbouring planes of points
    norms = gaussians.weights * (2.0 * np.pi * gaussians.variances) ** -1.5
    for centre in np.unique(gaussians.centres, axis=0):
        here = (gaussians.centres == centre).all(axis=1)
        variances = gaussians.variances[here]
        reach = np.ceil(_REACH * np.sqrt(variances.max()) / heights).astype(int)
        nearest = np.round(centre * shape).astype(int)
        index = [np.arange(-r, r + 1) + at for r, at in zip(reach, nearest, strict=True)]
        squared = _quadratic(gram, *(i - c * n for i, c, n in zip(index, centre, shape, strict=True)))
        patch = np.zeros_like(squared)
        for norm, variance in zip(norms[here], variances, strict=True):
            patch += norm * np.exp(squared * (-0.5 / variance))
        places = np.ix_(*(i % n for i, n in zip(index, shape, strict=True)))
        if (2 * reach < shape).all():
            total[places] += patch
        else:  # a patch wider than the cell meets its own images
            np.add.at(total, places, patch)

"""Sums of one-dimensional Gaussian kernels as inner products of few features, and the ridge problem in them.

A Gaussian kernel on a line is the inner product of phi_k(u) = exp(-u^2/2) u^k / sqrt(k!), u in lengths of the kernel
(Cotter, Keshet and Srebro 2011, arXiv 1109.4603). Over points within a few lengths of their middle some twenty k give
it to rounding, so that Gaussian process regression with a sum of N such kernels over n rows is least squares in about
20 N unknowns: n (20 N)^2 operations in place of n^3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr, solve_triangular
from scipy.special import gammainc, gammaln

#: What is left out of the kernel between two points of the training range is below this; against a point anywhere
#: else it is below its root.
_LEFT_OUT = 1e-26
#: Rows turned into features at a time when predicting, always so many: sums of BLAS must not depend on the number.
BLOCK = 64


def n_feature(radius: float) -> int:
    """Return how many features give the kernel between points at most `radius` lengths from their middle."""
    squared, high = radius**2, 1
    while gammainc(high, squared) > _LEFT_OUT:  # the share of the terms from `high` on
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if gammainc(middle, squared) > _LEFT_OUT else (low, middle)
    return high


def features(u: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return (m, n) features of m points `u` on a line, in lengths of the kernel from the middle."""
    k = np.arange(n)
    with np.errstate(divide="ignore"):
        magnitude = np.log(np.abs(u))[:, None]
    logarithm = np.where(k == 0, 0.0, k * np.where(k == 0, 0.0, magnitude)) - gammaln(k + 1) / 2 - (u**2)[:, None] / 2
    return np.asarray(np.exp(logarithm) * np.where((u < 0)[:, None] & (k % 2 == 1), -1.0, 1.0))


@dataclass(frozen=True, eq=False)
class AdditiveFeatures:
    """Features of N coordinates, those of each coordinate in a block of columns.

    `middle` (N,) of the training range of each coordinate, `length` of the kernel in the coordinates' unit, `sizes`
    (N,) columns of each block.
    """

    middle: NDArray[np.float64]
    length: float
    sizes: tuple[int, ...]

    @classmethod
    def fit(cls, y: NDArray[np.float64], length: float) -> AdditiveFeatures:
        """Return the features that give the kernel between (n, N) training coordinates."""
        low, high = y.min(axis=0), y.max(axis=0)
        radii = (high - low) / (2 * length)
        return cls((low + high) / 2, length, tuple(n_feature(float(radius)) for radius in radii))

    @property
    def blocks(self) -> tuple[slice, ...]:
        """The columns of each coordinate."""
        ends = np.cumsum(self.sizes)
        return tuple(slice(int(end) - size, int(end)) for end, size in zip(ends, self.sizes, strict=True))

    def __call__(self, y: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, sum of sizes) features of (n, N) coordinates, laid out by columns."""
        found = np.empty((len(y), sum(self.sizes)), order="F")
        for column, block in enumerate(self.blocks):
            u = (y[:, column] - self.middle[column]) / self.length
            found[:, block] = features(u, self.sizes[column])
        return found


@dataclass(frozen=True, eq=False)
class RidgeProblem:
    """Rows of features and targets, reduced so that any diagonal term is solved at the cost of the features alone.

    `factor` (r, r) and `projected` (r,) are the triangle R of the features' QR factors and Q' t. The reduction by QR
    keeps the digits that the matrix of second moments would lose. Fewer rows than features span r = n of the p
    dimensions: `basis` (p, n) is theirs, else None.
    """

    factor: NDArray[np.float64]
    projected: NDArray[np.float64]
    basis: NDArray[np.float64] | None

    @classmethod
    def of(cls, rows: NDArray[np.float64], t: NDArray[np.float64]) -> RidgeProblem:
        """Return the reduction of (n, p) features and (n,) targets."""
        basis = None
        if rows.shape[0] < rows.shape[1]:
            basis, triangle = qr(rows.T, mode="economic", check_finite=False)
            rows = triangle.T
        factor, projected = _triangle(rows, t)
        return cls(factor, projected, basis)

    def solve(self, diagonal: float) -> RidgeSolution:
        """Return the weights of the features, with `diagonal` added to the kernel matrix."""
        n = len(self.projected)
        stacked = np.vstack([self.factor, np.sqrt(diagonal) * np.eye(n)])
        factor, projected = _triangle(stacked, np.append(self.projected, np.zeros(n)))
        weights = solve_triangular(factor, projected, check_finite=False)
        return RidgeSolution(weights if self.basis is None else self.basis @ weights, factor, diagonal, self.basis)


@dataclass(frozen=True, eq=False)
class RidgeSolution:
    """Weights (p,) of the features, and the triangle (r, r) whose R' R is their second moments plus the diagonal."""

    weights: NDArray[np.float64]
    factor: NDArray[np.float64]
    diagonal: float
    basis: NDArray[np.float64] | None

    @cached_property
    def _inverse(self) -> NDArray[np.float64]:
        return np.asarray(solve_triangular(self.factor, np.eye(len(self.factor)), check_finite=False))

    def variance(self, rows: NDArray[np.float64], n_kernel: int) -> NDArray[np.float64]:
        """Return (n,) posterior variances of the function, without the noise, at (n, p) features of `n_kernel` kernels.

        k(x, x) - k' (K + s)^-1 k equals s phi' (Phi' Phi + s)^-1 phi, a sum of squares: nothing cancels. What the
        training rows' features lack of k(x, x) = `n_kernel`, far from them, is not known at all.
        """
        seen = rows if self.basis is None else rows @ self.basis
        missing = np.maximum(n_kernel - (seen**2).sum(axis=1), 0.0)
        return np.asarray(missing + self.diagonal * ((seen @ self._inverse) ** 2).sum(axis=1))


def _triangle(rows: NDArray[np.float64], t: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the (p, p) triangle R of the QR factors of (n, p) rows, n at least p, and Q' t."""
    p = rows.shape[1]
    wide = np.empty((len(rows), p + 1), order="F")
    wide[:, :p], wide[:, p] = rows, t
    (triangle,) = qr(wide, mode="r", overwrite_a=True, check_finite=False)
    return np.ascontiguousarray(triangle[:p, :p]), triangle[:p, p].copy()

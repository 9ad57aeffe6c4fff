"""A Gaussian process with a Matern 5/2 kernel that grows point by point, without being computed anew."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize_scalar

from matsift.errors import UserInputError

Floats = NDArray[np.float64]

#: Where a length scale may lie: the bounds of scikit-learn's Matern, which bayesian-optimization takes as they come.
LENGTH_BOUNDS = (1e-5, 1e5)
_SQRT5 = float(np.sqrt(5.0))
#: Logarithmic step of the coarse search for a length scale, and the precision of the fine one.
_COARSE, _FINE = 0.7, 1e-4
#: A warm start looks this far to both sides, in logarithms.
_NEAR = 0.5


class GaussianProcess:
    """Mean and standard deviation of a property anywhere, from points where it is known.

    The kernel is Matern 5/2 with one length scale and unit variance, labels are standardized, and `noise` is added to
    the diagonal: what scikit-learn's GaussianProcessRegressor gives for ``Matern(nu=2.5)``, ``alpha=noise`` and
    ``normalize_y=True``. `append` extends the inverse of the Cholesky factor by one row, which is exact and costs n² in
    place of n³.

    Parameters
    ----------
    X
        (n, d) points; a repeated point counts once, with its first label.
    y
        (n,) labels.
    length_scale
        In the unit of X.
    noise
        Variance added to the diagonal, in units of the labels' variance.

    Raises
    ------
    UserInputError
        If there is no point, shapes disagree, or a number is not finite.
    """

    def __init__(self, X: ArrayLike, y: ArrayLike, length_scale: float, *, noise: float = 1e-6) -> None:
        points, labels = np.asarray(X, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if points.ndim != 2 or labels.shape != (len(points),) or not len(points):
            raise UserInputError(f"points of shape {points.shape} and labels of shape {labels.shape} do not match")
        if not (np.isfinite(points).all() and np.isfinite(labels).all()):
            raise UserInputError("a Gaussian process needs finite points and labels")
        first = np.sort(np.unique(points, axis=0, return_index=True)[1])
        self._points, self._labels = np.array(points[first]), np.array(labels[first])
        self._seen = {row.tobytes() for row in self._points}
        self._n = len(first)
        self.noise = noise
        self._squared = squared_distances(self._points, self._points)
        self._set(length_scale)

    def __len__(self) -> int:
        return self._n

    @property
    def points(self) -> Floats:
        """(n, d) points."""
        return self._points[: self._n]

    @property
    def labels(self) -> Floats:
        """(n,) labels."""
        return self._labels[: self._n]

    def _set(self, length_scale: float) -> None:
        n = self._n
        self.length_scale = float(length_scale)
        factor = self._factorize(self.length_scale)
        self._inverse = np.zeros_like(self._squared)
        self._inverse[:n, :n] = solve_triangular(factor, np.eye(n), lower=True, check_finite=False)
        self._weigh()

    def _factorize(self, length_scale: float) -> Floats:
        n = self._n
        kernel = matern52(self._squared[:n, :n], length_scale)
        kernel[np.diag_indices(n)] = 1.0 + self.noise
        return np.asarray(cholesky(kernel, lower=True, check_finite=False, overwrite_a=True))

    @property
    def _whiten(self) -> Floats:
        """(n, n) inverse of the Cholesky factor: a product with it is quicker than a solution by the factor."""
        return self._inverse[: self._n, : self._n]

    def _standardized(self) -> Floats:
        deviation = float(self.labels.std())
        self.center = float(self.labels.mean())
        self.scale = deviation if deviation > 0.0 else 1.0
        return np.asarray((self.labels - self.center) / self.scale)

    def _weigh(self) -> None:
        self._alpha = self._whiten.T @ (self._whiten @ self._standardized())

    def append(self, point: ArrayLike, label: float) -> bool:
        """Add a point under the present length scale; return False, and change nothing, where it is known already."""
        row = np.array(point, dtype=np.float64)
        if row.tobytes() in self._seen:
            return False
        if not (np.isfinite(row).all() and np.isfinite(label)):
            raise UserInputError("a Gaussian process needs finite points and labels")
        self._reserve()
        n = self._n
        squared = squared_distances(row[None], self.points)[0]
        column = self._whiten @ matern52(squared, self.length_scale)
        rest = 1.0 + self.noise - float(column @ column)
        self._points[n], self._labels[n] = row, label
        self._squared[n, :n] = self._squared[:n, n] = squared
        self._squared[n, n] = 0.0
        self._seen.add(row.tobytes())
        self._n = n + 1
        if rest < 0.1 * self.noise:  # rounding has eaten the pivot: factorize anew
            self._set(self.length_scale)
            return True
        self._inverse[n, :n] = -(column @ self._inverse[:n, :n]) / np.sqrt(rest)
        self._inverse[n, n] = 1.0 / np.sqrt(rest)
        self._weigh()
        return True

    def _reserve(self) -> None:
        """Make room for one more point, doubling what is held."""
        held = len(self._points)
        if self._n < held:
            return
        room = 2 * held + 16
        for name in ("_points", "_labels", "_squared", "_inverse"):
            old = getattr(self, name)
            shape = (room, room) if name in {"_squared", "_inverse"} else (room, *old.shape[1:])
            new = np.zeros(shape)
            new[tuple(slice(0, size) for size in old.shape)] = old
            setattr(self, name, new)

    def log_likelihood(self, length_scale: float | None = None) -> float:
        """Return the log of the marginal likelihood of the standardized labels under a length scale."""
        factor = self._factorize(self.length_scale if length_scale is None else length_scale)
        white = solve_triangular(factor, self._standardized(), lower=True, check_finite=False)
        half = -0.5 * float(white @ white) - float(np.log(np.diag(factor)).sum())
        return half - 0.5 * self._n * float(np.log(2.0 * np.pi))

    def refit(self, *, warm: bool = False) -> None:
        """Find the length scale of the largest likelihood: everywhere, or with `warm` near the present one."""
        lower, upper = np.log(LENGTH_BOUNDS)
        if warm:
            around = np.clip(np.log(self.length_scale) + np.array([-_NEAR, _NEAR]), lower, upper)
        else:
            grid = _grid(self._squared[: self._n, : self._n])
            values = [self.log_likelihood(float(np.exp(at))) for at in grid]
            best = float(grid[int(np.argmax(values))])
            around = np.clip([best - _COARSE, best + _COARSE], lower, upper)
        found = minimize_scalar(
            lambda at: -self.log_likelihood(float(np.exp(at))),
            bounds=(float(around[0]), float(around[1])),
            method="bounded",
            options={"xatol": 100 * _FINE if warm else _FINE},
        )
        self._set(float(np.exp(found.x)))

    def predict(self, X: ArrayLike) -> tuple[Floats, Floats]:
        """Return (m,) mean and (m,) standard deviation, in the unit of the labels, at (m, d) points."""
        points = np.asarray(X, dtype=np.float64)
        kernel = matern52(squared_distances(self.points, points), self.length_scale)
        white = self._whiten @ kernel
        variance = np.maximum(1.0 - np.einsum("ij,ij->j", white, white), 0.0)
        return self.center + self.scale * (self._alpha @ kernel), self.scale * np.sqrt(variance)

    def slopes(self, X: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Return (m,) mean, (m,) standard deviation and the (m, d) gradients of both at (m, d) points.

        The gradient of the standard deviation is 0 where that vanishes.
        """
        distance = np.sqrt(squared_distances(self.points, X)) * (_SQRT5 / self.length_scale)
        decay = np.exp(-distance)
        kernel = (1.0 + distance * (1.0 + distance / 3.0)) * decay
        radial = (-5.0 / (3.0 * self.length_scale**2)) * (1.0 + distance) * decay
        white = self._whiten @ kernel
        deviation = np.sqrt(np.maximum(1.0 - np.einsum("ij,ij->j", white, white), 0.0))
        mean = self.center + self.scale * (self._alpha @ kernel)
        back = (self._whiten.T @ white) * radial
        weights = self._alpha[:, None] * radial
        d_mean = self.scale * (weights.sum(axis=0)[:, None] * X - weights.T @ self.points)
        rise = -(back.sum(axis=0)[:, None] * X - back.T @ self.points)
        sloped = deviation > 0.0
        d_deviation = np.where(sloped[:, None], rise / np.where(sloped, deviation, 1.0)[:, None], 0.0)
        return mean, self.scale * deviation, d_mean, self.scale * d_deviation


def fit(X: ArrayLike, y: ArrayLike, *, noise: float = 1e-6) -> GaussianProcess:
    """Return a process through (n, d) points with (n,) labels, its length scale of the largest likelihood."""
    process = GaussianProcess(X, y, 1.0, noise=noise)
    process.refit()
    return process


def matern52(squared: Floats, length_scale: float) -> Floats:
    """Return the Matern 5/2 kernel of squared distances: (1 + a + a²/3) exp(-a) with a = sqrt(5) distance / length."""
    distance = np.sqrt(squared)
    distance *= _SQRT5 / length_scale
    kernel = np.exp(-distance)
    kernel *= 1.0 + distance * (1.0 + distance / 3.0)
    return np.asarray(kernel)


def squared_distances(a: Floats, b: Floats) -> Floats:
    """Return the (len(a), len(b)) squared Euclidean distances; what rounding makes of equal points is 0."""
    lengths = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)[None, :]
    squared = lengths - 2.0 * (a @ b.T)
    return np.asarray(np.where(squared > 1e-14 * lengths, squared, 0.0))


def _grid(squared: Floats) -> Floats:
    """Return logarithms of length scales to try: from a tenth of the nearest distance to 30 times the longest."""
    lower, upper = np.log(LENGTH_BOUNDS)
    apart = squared[squared > 0.0]
    if not apart.size:
        return np.array([0.0])
    first = max(0.5 * float(np.log(apart.min())) - np.log(10.0), lower)
    last = min(0.5 * float(np.log(apart.max())) + np.log(30.0), upper)
    return np.arange(first, max(last, first) + _COARSE, _COARSE).clip(lower, upper)

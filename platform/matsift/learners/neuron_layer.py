"""One hidden layer of tanh neurons over rows that share columns: its output, and the equations of a Gauss-Newton step.

Rows of one group have all columns but a few in common (one composition at many relaxations), so that the products of
derivatives are summed within the group first: the same sums as over the full Jacobian, in a tenth of the time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

#: Rows are grouped if the groups are at most this share of the rows.
_FEW_GROUPS = 0.25


@dataclass(frozen=True, eq=False)
class GroupedRows:
    """Training rows by groups, padded to the longest.

    `shared` (C, S) are the columns that the rows of a group have in common, the constant 1 of the bias first; `own`
    (C, L, V) the others; `target` (C, L); `there` (C, L) is 1 for a row and 0 for padding. `columns` (S - 1 + V,) are
    the positions of the shared and the own columns among those of the rows.
    """

    shared: NDArray[np.float64]
    own: NDArray[np.float64]
    target: NDArray[np.float64]
    there: NDArray[np.float64]
    columns: NDArray[np.int64]

    @classmethod
    def of(cls, X: NDArray[np.float64], t: NDArray[np.float64]) -> Self:
        """Return the groups of (n, D) rows that differ in one column only; one group of all rows where that is few."""
        n, width = X.shape
        varying = int(np.argmax([len(np.unique(X[:, d])) for d in range(width)]))
        others = np.delete(np.arange(width), varying)
        _, first, group = np.unique(X[:, others], axis=0, return_index=True, return_inverse=True)
        group = group.reshape(n)
        if len(first) > _FEW_GROUPS * n:
            return cls(np.ones((1, 1)), X[None], t[None], np.ones((1, n)), np.arange(width))
        sizes = np.bincount(group)
        order = np.argsort(group, kind="stable")
        place = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        own, target, there = (np.zeros((len(first), int(sizes.max()))) for _ in range(3))
        at = (group[order], place)
        own[at], target[at], there[at] = X[order, varying], t[order], 1.0
        shared = np.column_stack([np.ones(len(first)), X[first][:, others]])
        return cls(shared, own[..., None], target, there, np.append(others, varying))


class NeuronLayer:
    """N tanh neurons and a linear output over grouped rows: squared errors, and the equations of a Gauss-Newton step.

    Weights are one vector: N by S of the shared columns (bias first), V by N of the own columns, N of the output and
    its bias. All large arrays are made once: at hundreds of steps a second their allocation would cost the most.
    """

    def __init__(self, rows: GroupedRows, n_neuron: int) -> None:
        self.rows, self.n_neuron = rows, n_neuron
        (n_group, self.n_shared), (_, length, self.n_own) = rows.shared.shape, rows.own.shape
        self._there = rows.there[..., None]
        self._pairs = (rows.shared[:, :, None] * rows.shared[:, None, :]).reshape(n_group, -1)
        self._neurons, self._tried = (np.empty((n_group, length, n_neuron)) for _ in range(2))
        self._errors, self._missed = (np.empty((n_group, length)) for _ in range(2))
        # What a group's rows do not share of their derivatives: slopes; slopes times own columns; neurons and 1.
        self._parts = np.empty((n_group, length, n_neuron * (2 + self.n_own) + 1))
        self._parts[..., -1:] = self._there
        self._moments = np.empty((n_group, self._parts.shape[2], self._parts.shape[2]))

    @property
    def n_weight(self) -> int:
        """Length of the vector of weights."""
        return int(self.n_neuron * (self.n_shared + self.n_own + 1) + 1)

    def split(
        self, weights: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
        """Return the weights of shared (N, S) and own columns (V, N), and output (N,) and bias of the output."""
        ends = np.cumsum([self.n_neuron * self.n_shared, self.n_neuron * self.n_own, self.n_neuron])
        shared, own, outer, bias = np.split(weights, ends)
        return shared.reshape(self.n_neuron, -1), own.reshape(-1, self.n_neuron), outer, float(bias[0])

    def by_column(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (N, 1 + n_column) weights of the neurons, bias first, column by column, and (N + 1,) of the output."""
        shared, own, outer, bias = self.split(weights)
        inner = np.empty((self.n_neuron, 1 + len(self.rows.columns)))
        inner[:, np.append(0, 1 + self.rows.columns)] = np.hstack([shared, own.T])
        return inner, np.append(outer, bias)

    def try_out(self, weights: NDArray[np.float64]) -> float:
        """Return the sum of squared errors with these weights."""
        shared, own, outer, bias = self.split(weights)
        inside = self._tried
        if self.n_own == 1:
            np.multiply(self.rows.own, own[0], out=inside)
        else:
            np.matmul(self.rows.own, own, out=inside)
        inside += (self.rows.shared @ shared.T)[:, None, :]
        np.tanh(inside, out=inside)
        np.matmul(inside, outer, out=self._missed)
        np.subtract(self.rows.target - bias, self._missed, out=self._missed)
        self._missed *= self.rows.there
        return float(np.vdot(self._missed, self._missed))

    def keep(self) -> None:
        """Take the weights last tried for those that `equations` is of."""
        self._neurons, self._tried = self._tried, self._neurons
        self._errors, self._missed = self._missed, self._errors

    def equations(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return J'J (P, P) and J'e (P,) of the derivatives of the outputs in the weights that were kept."""
        n, n_shared, parts = self.n_neuron, self.n_shared, self._parts
        n_group = len(self.rows.shared)
        slope = parts[..., :n]
        np.multiply(self._neurons, self._neurons, out=slope)
        np.subtract(1.0, slope, out=slope)
        slope *= self.split(weights)[2]
        slope *= self._there
        for v in range(self.n_own):
            np.multiply(slope, self.rows.own[..., v, None], out=parts[..., (1 + v) * n : (2 + v) * n])
        np.multiply(self._neurons, self._there, out=parts[..., -1 - n : -1])
        moments = np.matmul(parts.transpose(0, 2, 1), parts, out=self._moments)
        sums = np.matmul(self._errors[:, None, :], parts)[:, 0]
        both = self._pairs.T @ moments[:, :n, :n].reshape(n_group, -1)
        one = self.rows.shared.T @ moments[:, :n, n:].reshape(n_group, -1)
        size = n * n_shared
        matrix = np.empty((self.n_weight, self.n_weight))
        matrix[:size, :size] = both.reshape(n_shared, n_shared, n, n).transpose(2, 0, 3, 1).reshape(size, size)
        matrix[:size, size:] = one.reshape(n_shared, n, -1).transpose(1, 0, 2).reshape(size, -1)
        matrix[size:, :size] = matrix[:size, size:].T
        matrix[size:, size:] = moments[:, n:, n:].sum(axis=0)
        return matrix, np.concatenate([(sums[:, :n].T @ self.rows.shared).ravel(), sums[:, n:].sum(axis=0)])

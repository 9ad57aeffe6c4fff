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


@dataclass(frozen=True, eq=False)
class Layer:
    """Weights of N neurons: `inner` (N, S + V) on the shared (bias first) and own columns, `outer` (N,), `bias`."""

    inner: NDArray[np.float64]
    outer: NDArray[np.float64]
    bias: float

    @classmethod
    def of_vector(cls, vector: NDArray[np.float64], n_neuron: int) -> Self:
        """Return the layer of a vector that `vector` gave."""
        inner = vector[: -n_neuron - 1].reshape(n_neuron, -1)
        return cls(inner, vector[-n_neuron - 1 : -1], float(vector[-1]))

    def vector(self) -> NDArray[np.float64]:
        """Return all weights in one vector: inner by neuron, outer, bias."""
        return np.concatenate([self.inner.ravel(), self.outer, [self.bias]])

    def neurons(self, rows: GroupedRows) -> NDArray[np.float64]:
        """Return (C, L, N) outputs of the neurons."""
        n_shared = rows.shared.shape[1]
        inside = rows.own @ self.inner[:, n_shared:].T
        inside += (rows.shared @ self.inner[:, :n_shared].T)[:, None, :]
        return np.tanh(inside, out=inside)

    def errors(self, rows: GroupedRows, neurons: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (C, L) targets minus outputs, 0 for padding."""
        return np.asarray((rows.target - neurons @ self.outer - self.bias) * rows.there)

    def equations(
        self, rows: GroupedRows, neurons: NDArray[np.float64], errors: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return J'J (P, P) and J'e (P,) of the outputs' derivatives in the weights, in the order of `vector`."""
        n_group, n_shared = rows.shared.shape
        n = len(self.outer)
        slope = (1.0 - neurons**2) * (self.outer * rows.there[..., None])
        # What a group's rows do not share of their derivatives: slopes; slopes times own columns; neurons and 1.
        rest = [slope * rows.own[..., v, None] for v in range(rows.own.shape[2])]
        parts = np.concatenate([slope, *rest, neurons * rows.there[..., None], rows.there[..., None]], axis=2)
        moments = parts.transpose(0, 2, 1) @ parts
        sums = np.einsum("clq,cl->cq", parts, errors)
        n_rest = moments.shape[1] - n
        pairs = (rows.shared[:, :, None] * rows.shared[:, None, :]).reshape(n_group, -1)
        both = pairs.T @ moments[:, :n, :n].reshape(n_group, -1)
        one = rows.shared.T @ moments[:, :n, n:].reshape(n_group, -1)
        size = n * n_shared
        matrix = np.empty((size + n_rest, size + n_rest))
        matrix[:size, :size] = both.reshape(n_shared, n_shared, n, n).transpose(2, 0, 3, 1).reshape(size, size)
        matrix[:size, size:] = one.reshape(n_shared, n, n_rest).transpose(1, 0, 2).reshape(size, n_rest)
        matrix[size:, :size] = matrix[:size, size:].T
        matrix[size:, size:] = moments[:, n:, n:].sum(axis=0)
        gradient = np.concatenate([(sums[:, :n].T @ rows.shared).ravel(), sums[:, n:].sum(axis=0)])
        order = _order(n, n_shared, rows.own.shape[2])
        return matrix[np.ix_(order, order)], gradient[order]


def _order(n: int, n_shared: int, n_own: int) -> NDArray[np.int64]:
    """Return where each weight of `Layer.vector` stands in the equations, which have all shared columns first."""
    shared = np.arange(n * n_shared).reshape(n, n_shared)
    own = n * n_shared + np.arange(n_own * n).reshape(n_own, n).T
    outer = n * (n_shared + n_own) + np.arange(n + 1)
    return np.concatenate([np.hstack([shared, own]).ravel(), outer])

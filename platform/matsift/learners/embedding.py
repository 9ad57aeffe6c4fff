"""Data sets as pictures: two coordinates by t-SNE, and how far test rows lie among those of training, as a number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from matsift.errors import UserInputError
from matsift.learners.standard_scores import StandardScores

_FEWEST = 5


def tsne(X: ArrayLike, *, perplexity: float = 30.0, seed: int = 0) -> NDArray[np.float64]:
    """Return two coordinates a row, (n, 2), by t-SNE (van der Maaten and Hinton, J. Mach. Learn. Res. 9, 2579 (2008)).

    Parameters
    ----------
    X
        (n, n_column) descriptors or pooled densities; NaN counts as the column's mean. Columns are brought to standard
        scores, so that none rules by its unit.
    perplexity
        About how many neighbours of a row stay near it; with few rows it is lowered to a third of them.
    seed
        Of the optimisation, which begins at the first two principal components.

    Raises
    ------
    UserInputError
        If there are fewer than five rows.
    """
    from sklearn.manifold import TSNE  # noqa: PLC0415  slow to import

    scores = _scores(X)
    if len(scores) < _FEWEST:
        raise UserInputError(f"a t-SNE picture needs {_FEWEST} rows or more, there are {len(scores)}")
    if not scores.any():
        return np.zeros((len(scores), 2))  # all rows are one point
    reach = min(perplexity, (len(scores) - 1) / 3)
    with threadpool_limits(1):  # sums over threads would differ from run to run
        points = TSNE(2, perplexity=reach, init="pca", random_state=seed, n_jobs=1).fit_transform(scores)
    return np.asarray(points, dtype=np.float64)


def mixing(X: ArrayLike, test: NDArray[np.bool_], *, n_neighbour: int = 10) -> float:
    """Return how well test rows are mixed with those of training: about 1 as if dealt at random, 0 apart.

    It is the mean share of training rows among the nearest neighbours of the test rows, over the share of training rows
    among all other rows: Figure 4 of Zhao et al. 2020 as a number, in all columns instead of two.

    Parameters
    ----------
    X
        (n, n_column) descriptors or pooled densities, as `tsne`.
    test
        (n,) mask of the rows that test.
    n_neighbour
        Neighbours of a test row.

    Raises
    ------
    UserInputError
        If no row tests, none trains, or there are fewer rows than neighbours.
    """
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415  slow to import

    scores, n = _scores(X), len(test)
    if not 0 < test.sum() < n or n <= n_neighbour:
        raise UserInputError(
            f"of {n} rows {int(test.sum())} test: how they mix cannot be said by {n_neighbour} neighbours of each"
        )
    with threadpool_limits(1):
        near = NearestNeighbors(n_neighbors=n_neighbour, algorithm="brute").fit(scores)
        # A row is its own neighbour, of distance 0, unless it is asked for among those that the search was fitted on.
        neighbours = near.kneighbors(return_distance=False)[test]
    return float((~test)[neighbours].mean() / ((~test).sum() / (n - 1)))


def _scores(X: ArrayLike) -> NDArray[np.float64]:
    rows = np.asarray(X, dtype=np.float64)
    return StandardScores.fit(rows).transform(rows)

"""The folds that come with a benchmark."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: Folds of every task of matbench v0.1, and the seed that its authors drew them with.
N_FOLD = 5
SEED = 18012019


def matbench_folds(n: int) -> NDArray[np.int64]:
    """Return the fold, 0 to 4, in which each of n rows of a regression task of matbench v0.1 is tested.

    The rows stand in the official order, and all of them count: one left out gives other folds. They agree with the
    official list of ids of every regression task (Dunn et al., npj Comput. Mater. 6, 138 (2020)).

    Parameters
    ----------
    n
        Rows of the task.
    """
    from sklearn.model_selection import KFold  # noqa: PLC0415  slow to import

    folds = np.empty(n, dtype=np.int64)
    for fold, (_, tested) in enumerate(KFold(N_FOLD, shuffle=True, random_state=SEED).split(np.zeros(n))):
        folds[tested] = fold
    return folds

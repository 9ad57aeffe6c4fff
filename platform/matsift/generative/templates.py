"""Crystals that may lend their structure to a new composition: known ones with the same set of amounts, nearest first.

As in the paper of the workflow (generative design, section 2.4): among the known formulas with the same stoichiometric
amounts the one at the smallest earth mover's distance is the template. A formula that is known is a rediscovery.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.generative.earth_mover import KnownCompositions
from matsift.generative.formulas import Compositions


@dataclass(frozen=True, eq=False)
class Templates:
    """The templates of n compositions, nearest first.

    Parameters
    ----------
    rows
        (n, k) rows of the table of known formulas, -1 where fewer than k have the amounts; of equal distances the
        smaller row.
    distances
        (n, k) earth mover's distances on the modified Pettifor scale, NaN where there is no row.
    rediscovered
        (n,) whether the nearest one has the formula itself, or a multiple of it.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float64]
    rediscovered: NDArray[np.bool_]

    def of(self, i: int) -> list[tuple[int, float]]:
        """Return (row, distance) of the templates of one composition, nearest first; empty where there is none."""
        pairs = zip(self.rows[i].tolist(), self.distances[i].tolist(), strict=True)
        return [(row, distance) for row, distance in pairs if row >= 0]


class TemplatePool:
    """The formulas of stored structures, prepared for the search of templates.

    Parameters
    ----------
    known
        m formulas, one a stored structure, in order of preference: of structures at equal distance (polymorphs of one
        formula) the earlier is taken first. Multiples of a formula count as the formula.
    """

    def __init__(self, known: Compositions) -> None:
        amounts = sorted_amounts(known)
        self._distinct = amounts.unique()
        self._pool = KnownCompositions(known.reduced(), amounts.position_in(self._distinct))

    def __len__(self) -> int:
        """Return the number of stored structures."""
        return len(self._pool)

    def find(self, compositions: Compositions, *, k: int = 1) -> Templates:
        """Return the k nearest stored structures with the same set of amounts, for each composition.

        Raises
        ------
        UserInputError
            If k is less than 1, or a composition holds no atom.
        """
        groups = sorted_amounts(compositions).position_in(self._distinct)
        found = self._pool.nearest(compositions.reduced(), k=k, groups=groups)
        return Templates(found.rows, found.distances, found.distances[:, 0] == 0)


def sorted_amounts(compositions: Compositions) -> Compositions:
    """Return the sets of stoichiometric amounts: reduced counts, largest first, whatever the elements."""
    counts = np.sort(compositions.reduced().counts, axis=1)[:, ::-1]
    return Compositions(np.ascontiguousarray(counts))


def find_templates(compositions: Compositions, known: Compositions, *, k: int = 1) -> Templates:
    """Return the k nearest known formulas with the same set of amounts, for each composition.

    For one table of known formulas and many chunks keep a `TemplatePool`.
    """
    return TemplatePool(known).find(compositions, k=k)

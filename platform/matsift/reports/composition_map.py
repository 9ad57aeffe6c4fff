"""The picture of where a search has been: compositions by t-SNE of their descriptors (figure 8 of paper 004)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from matsift.descriptors.of_compositions import described_amounts
from matsift.generative.formulas import read_formulas
from matsift.learners.embedding import tsne
from matsift.reports.generative import CompositionMap

_FEWEST = 10
_SETS = ("magpie",)


def composition_map(
    groups: Mapping[str, Sequence[str]], *, most_of_each: int = 250, seed: int = 0
) -> CompositionMap | None:
    """Return formulas in two coordinates, those of each group under its name; None for fewer than ten in all.

    Parameters
    ----------
    groups
        The legend's word (``first labels``, ``search``, ``candidates``) -> formulas. One that stands in several belongs
        to the last of them; those that cannot be read are left out.
    most_of_each
        Of a larger group so many are drawn, spread over it evenly: t-SNE takes seconds for a thousand.
    seed
        Of t-SNE.
    """
    group_of = {formula: name for name, formulas in groups.items() for formula in _thinned(formulas, most_of_each)}
    read = read_formulas(list(group_of))
    if len(read.rows) < _FEWEST:
        return None
    named = list(group_of.items())
    kept = [named[int(row)] for row in read.rows]
    points = tsne(described_amounts(_SETS, read.compositions.counts), seed=seed)
    order = np.argsort([list(groups).index(group) for _, group in kept], kind="stable").tolist()
    return CompositionMap(points[order], tuple(kept[n][1] for n in order), tuple(kept[n][0] for n in order))


def _thinned(formulas: Sequence[str], most: int) -> list[str]:
    once = list(dict.fromkeys(formulas))
    if len(once) <= most:
        return once
    return [once[int(n)] for n in np.linspace(0, len(once) - 1, most).round()]

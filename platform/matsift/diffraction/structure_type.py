"""Structure type of a crystal, and a split that leaves whole types out of training."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

from matsift.diffraction.symmetry import SiteContent, Symmetry

_LAST_WITH_FREE_AXES = 74


class TypeSplitSettings(BaseModel):
    """How the types that test are drawn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_item: Annotated[int, Field(ge=1, description="test items of each group")] = 16
    max_share: Annotated[
        float, Field(gt=0, lt=1, description="of a group's crystals, how many may be of the types that test")
    ] = 0.3
    seed: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, eq=False)
class TypeSplit:
    """Which of n crystals train and which test, no structure type on both sides.

    Parameters
    ----------
    is_training
        (n,) crystals of types that do not test.
    is_test
        (n,) the drawn items: `n_item` of each class that is in `classes`.
    classes
        (n_class,) classes with items on both sides.
    without
        Classes that have too few types for it.
    """

    is_training: NDArray[np.bool_]
    is_test: NDArray[np.bool_]
    classes: NDArray[np.int64]
    without: tuple[int, ...]


def structure_type(symmetry: Symmetry) -> str:
    """Return a label that crystals of one structure type share: space group and what each kind of atom occupies.

    A site counts by its multiplicity and site symmetry, not by its Wyckoff letter, which depends on the origin; what
    stands on it has no name. So NaCl, MgO and (Mg,Fe)O share ``225: 4 m-3m | 4 m-3m``. Types that differ in free
    coordinates alone, or in letters of one site symmetry, share a label: a split by it is the stricter for that.
    """
    number = symmetry.space_group_number
    kinds: dict[SiteContent, list[str]] = {}
    for site in sorted(set(symmetry.orbits)):
        place = f"{symmetry.multiplicities[site]} {_unoriented(symmetry.site_symmetries[site], number)}"
        kinds.setdefault(symmetry.contents[site], []).append(place)
    return f"{number}: " + " | ".join(sorted(_counted(places) for places in kinds.values()))


def split_by_type(classes: ArrayLike, types: Sequence[str], settings: TypeSplitSettings) -> TypeSplit:
    """Return a split that leaves whole structure types out; it does not depend on the order of equal rows.

    In each class types are met in a drawn order; one tests if the types that test stay within `max_share` of the
    class, so that the commonest type of most classes trains. Test items are drawn from them in turn, a type after the
    other, so that no type makes up the test alone if it can be helped.

    Parameters
    ----------
    classes
        (n,) classes; negative ones take no part. A class without enough types trains but has no test items.
    types
        (n,) labels from `structure_type`.
    settings
        Sizes and seed.
    """
    numbers = np.asarray(classes, dtype=np.int64)
    labels = np.asarray(types, dtype=np.str_)
    is_training, is_test = numbers >= 0, np.zeros(len(numbers), dtype=bool)
    able, without = [], []
    for number in np.unique(numbers[numbers >= 0]).tolist():
        members = np.flatnonzero(numbers == number)
        rng = np.random.default_rng([settings.seed, number])
        testing = _testing_types(labels[members], settings.max_share, rng)
        rows = members[np.isin(labels[members], testing)]
        if len(rows) < settings.n_item:
            without.append(number)
            continue
        able.append(number)
        is_training[rows] = False
        is_test[_in_turn(rows, labels[rows], rng)[: settings.n_item]] = True
    return TypeSplit(is_training, is_test, np.array(able, dtype=np.int64), tuple(without))


def _unoriented(symbol: str, number: int) -> str:
    """Return a site symmetry without its orientation where axes may be exchanged: below the tetragonal groups."""
    if number > _LAST_WITH_FREE_AXES:
        return symbol
    return "".join(sorted(re.findall(r"-?\d/m|-?\d|m", symbol)))


def _counted(places: list[str]) -> str:
    counts = sorted(Counter(places).items())
    return ", ".join(place if n == 1 else f"{n} x {place}" for place, n in counts)


def _testing_types(labels: NDArray[np.str_], max_share: float, rng: Generator) -> list[str]:
    names, sizes = np.unique(labels, return_counts=True)
    testing, total = [], 0
    for k in rng.permutation(len(names)).tolist():
        if total + sizes[k] <= max_share * len(labels):
            testing.append(str(names[k]))
            total += int(sizes[k])
    return testing


def _in_turn(rows: NDArray[np.int64], labels: NDArray[np.str_], rng: Generator) -> NDArray[np.int64]:
    """Return the rows in a drawn order in which the types take turns."""
    drawn = rng.permutation(len(rows))
    met: Counter[str] = Counter()
    turn = np.zeros(len(rows), dtype=np.int64)
    for k in drawn.tolist():
        turn[k] = met[str(labels[k])]
        met[str(labels[k])] += 1
    return rows[drawn[np.argsort(turn[drawn], kind="stable")]]

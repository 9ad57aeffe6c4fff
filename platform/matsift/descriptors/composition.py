"""The 145 Magpie descriptors of compositions, as array operations on a whole chunk.

They are those of Ward et al., npj Comput. Mater. 2, 16028 (2016), with the definitions of matminer 0.10.1:
``Stoichiometry()`` 6, ``ElementProperty.from_preset("magpie")`` 132, ``ValenceOrbital(props=["avg"])`` 4 and
``IonProperty(fast=True)`` 3.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors.elements import (
    MAGPIE_PROPERTIES,
    N_ELEMENT,
    atomic_numbers,
    common_oxidation_states,
    magpie_table,
    pauling_electronegativities,
)
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet

_NORMS = (0, 2, 3, 5, 7, 10)
_NEUTRAL = 1e-8
_MOST_ELEMENTS_AT_ONCE = 4  # beyond, 5 oxidation states an element make too many combinations for one array
_STATISTICS = ("minimum", "maximum", "range", "mean", "avg_dev", "mode")

MAGPIE = DescriptorSet(
    name="magpie",
    version="1",
    columns=(
        *(f"{p}-norm" for p in _NORMS),
        *(f"MagpieData {statistic} {name}" for name in MAGPIE_PROPERTIES for statistic in _STATISTICS),
        *(f"avg {orbital} valence electrons" for orbital in "spdf"),
        "compound possible",
        "max ionic char",
        "avg ionic char",
    ),
    description="145 composition descriptors of Ward 2016: stoichiometry 6, elemental statistics 132, valence "
    "orbitals 4, ionic character 3, as matminer 0.10.1 defines them",
)


@dataclass(frozen=True)
class Compositions:
    """The elements of n compositions as flat entries, sorted by composition, then atomic number.

    `row` (m,) composition of an entry, `number` (m,) atomic number, `amount` (m,) atoms in the cell, `start` (n,)
    first entry of a composition, `fraction` (m,) amount over the composition's total.
    """

    row: NDArray[np.int64]
    number: NDArray[np.int64]
    amount: NDArray[np.float64]
    start: NDArray[np.int64]
    fraction: NDArray[np.float64]


def readable(crystals: Sequence[Crystal]) -> tuple[NDArray[np.int64], dict[int, tuple[str, str]]]:
    """Return the positions of the crystals whose species are all elements, and a failure for each other one."""
    known = atomic_numbers()
    failures = {}
    for i, crystal in enumerate(crystals):
        if not crystal.species or not all(map(known.__contains__, crystal.species)):
            strange = sorted(set(crystal.species) - known.keys())
            what = f"there is no element {', '.join(strange)}" if strange else "the structure has no atoms"
            failures[i] = ("DescriptorError", what)
    return np.array([i for i in range(len(crystals)) if i not in failures], dtype=np.int64), failures


def compositions_of(crystals: Sequence[Crystal]) -> Compositions:
    """Return the compositions of crystals; shared and partly vacant sites count by their occupancies."""
    known = atomic_numbers()
    n = len(crystals)
    row = np.repeat(np.arange(n), [len(crystal.species) for crystal in crystals])
    number = np.array([known[symbol] for crystal in crystals for symbol in crystal.species], dtype=np.int64)
    occupancy = np.concatenate([crystal.occupancies for crystal in crystals]) if n else np.zeros(0)
    dense = np.bincount(row * N_ELEMENT + number, occupancy, n * N_ELEMENT).reshape(n, N_ELEMENT)
    rows, numbers = np.nonzero(dense)
    amount = np.asarray(dense[rows, numbers], dtype=np.float64)
    start = np.searchsorted(rows, np.arange(n)).astype(np.int64)
    return Compositions(rows, numbers, amount, start, amount / dense.sum(axis=1)[rows])


def magpie_descriptors(compositions: Compositions) -> NDArray[np.float64]:
    """Return the descriptors (n, 145) in the order of `MAGPIE`'s columns."""
    if not len(compositions.start):
        return np.zeros((0, len(MAGPIE.columns)))
    statistics = _elemental_statistics(compositions)
    valence = [MAGPIE_PROPERTIES.index(f"N{orbital}Valence") for orbital in "spdf"]
    mean = statistics[:, valence, _STATISTICS.index("mean")]
    blocks = (_norms(compositions), statistics.reshape(len(statistics), -1), mean, _ionic_character(compositions))
    return np.concatenate(blocks, axis=1)


def compute_magpie(crystals: Sequence[Crystal]) -> DescriptorChunk:
    """Return the `MAGPIE` descriptors of crystals."""
    started = time.perf_counter()
    computed, failures = readable(crystals)
    values = magpie_descriptors(compositions_of([crystals[i] for i in computed]))
    seconds = time.perf_counter() - started
    return DescriptorChunk.scatter(computed, values, failures, seconds=seconds)


def _norms(c: Compositions) -> NDArray[np.float64]:
    """Return the p-norms (n, 6) of the fractions; the 0-norm is the number of elements."""
    powers = [np.add.reduceat(c.fraction**p, c.start) for p in _NORMS]
    return np.stack([total ** (1 / p) if p else total for p, total in zip(_NORMS, powers, strict=True)], axis=1)


def _elemental_statistics(c: Compositions) -> NDArray[np.float64]:
    """Return (n, 22, 6): `_STATISTICS` of each Magpie property, weighted by amount."""
    values, weight = magpie_table()[c.number], c.fraction[:, None]
    low, high = np.minimum.reduceat(values, c.start), np.maximum.reduceat(values, c.start)
    mean = np.add.reduceat(values * weight, c.start)
    deviation = np.add.reduceat(np.abs(values - mean[c.row]) * weight, c.start)
    most = np.maximum.reduceat(c.amount, c.start)[c.row]
    mode = np.minimum.reduceat(np.where(np.isclose(c.amount, most)[:, None], values, np.inf), c.start)
    return np.stack([low, high, high - low, mean, deviation, mode], axis=2)


def _ionic_character(c: Compositions) -> NDArray[np.float64]:
    """Return (n, 3): whether one common oxidation state an element can balance, maximum and mean ionic character."""
    n = len(c.start)
    first, second = _pairs(c)
    electronegativity = pauling_electronegativities()[c.number]
    character = 1.0 - np.exp(-0.25 * (electronegativity[first] - electronegativity[second]) ** 2)
    largest, mean = np.zeros(n), np.zeros(n)
    np.maximum.at(largest, c.row[first], character)
    np.add.at(mean, c.row[first], c.fraction[first] * c.fraction[second] * character)
    return np.stack([_balanced(c), largest, mean], axis=1)


def _balanced(c: Compositions) -> NDArray[np.float64]:
    """Return (n,) 1 where one common oxidation state an element can make the total charge zero, else 0.

    Mixed valence, as in Fe3O4, is beyond it, as it is beyond matminer's ``fast=True``; a single element counts as 1.
    """
    states = common_oxidation_states()
    count = np.diff(np.append(c.start, len(c.row)))
    possible = np.ones(len(count))
    for k in np.unique(count[count > 1]).tolist():
        rows = np.nonzero(count == k)[0]
        entry = c.start[rows][:, None] + np.arange(k)
        if k <= _MOST_ELEMENTS_AT_ONCE:
            charge = np.zeros((len(rows), 1))
            for i in range(k):
                charges = states[c.number[entry[:, i]]] * c.amount[entry[:, i]][:, None]
                charge = (charge[:, :, None] + charges[:, None, :]).reshape(len(rows), -1)
            possible[rows] = (np.abs(charge) <= _NEUTRAL).any(axis=1)
        else:
            possible[rows] = [can_balance(states[c.number[e]].tolist(), c.amount[e].tolist()) for e in entry]
    return possible


def _pairs(c: Compositions) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the entries of each pair of elements within one composition, the first before the second."""
    end = np.append(c.start[1:], len(c.row))[c.row]
    following = end - np.arange(len(c.row)) - 1
    first = np.repeat(np.arange(len(c.row)), following)
    step = np.arange(len(first)) - np.repeat(np.cumsum(following) - following, following)
    return first, first + 1 + step


def can_balance(states: Sequence[Sequence[float]], amounts: Sequence[float]) -> bool:
    """Return whether some choice of one oxidation state an element, NaN standing for none, has no total charge."""
    charges = {0.0}
    for options, amount in zip(states, amounts, strict=True):
        charges = {round(charge + amount * option, 9) for charge in charges for option in options if not isnan(option)}
    return any(abs(charge) <= _NEUTRAL for charge in charges)

"""What quality rules look at: one row a label, beside it the other labels of the same entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

#: Properties that the rules for elastic moduli speak of.
MODULI = frozenset({"k_vrh", "g_vrh", "k_voigt", "k_reuss", "g_voigt", "g_reuss"})

#: Flag of an entry whose elastic tensor is not positive definite.
NOT_BORN_STABLE = "not_born_stable"


@dataclass(frozen=True)
class LabelRow:
    """One label to judge.

    `entry` is whatever tells apart what was computed together, say (structure hash, method, origin): labels of one
    entry are companions, and a rule about G may reject its K.
    """

    entry: Hashable
    property_name: str
    value: float
    elements: tuple[str, ...]
    flags: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class LabelTable:
    """Labels in columns.

    Parameters
    ----------
    property_names
        (n,) property of each label.
    values
        (n,) in the unit of the property.
    elements
        (n,) element symbols of the structure.
    flags
        (n,) flags of the entry.
    companions
        Property -> (n,) value of that property in the same entry, the own one included, NaN where there is none.
    """

    property_names: Sequence[str]
    values: NDArray[np.float64]
    elements: Sequence[tuple[str, ...]]
    flags: Sequence[frozenset[str]]
    companions: dict[str, NDArray[np.float64]]

    @classmethod
    def of_rows(cls, rows: Sequence[LabelRow]) -> LabelTable:
        """Return the table of n labels."""
        values = np.array([row.value for row in rows], dtype=np.float64)
        numbers: dict[Hashable, int] = {}
        entry = np.array([numbers.setdefault(row.entry, len(numbers)) for row in rows], dtype=np.int64)
        names = [row.property_name for row in rows]
        companions = {}
        for name in sorted(set(names)):
            own = np.array([n == name for n in names], dtype=bool)
            by_entry = np.full(len(numbers), np.nan)
            by_entry[entry[own]] = values[own]
            companions[name] = by_entry[entry]
        return cls(names, values, [row.elements for row in rows], [row.flags for row in rows], companions)

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def is_modulus(self) -> NDArray[np.bool_]:
        """(n,) whether the label is an elastic modulus."""
        return np.array([name in MODULI for name in self.property_names], dtype=bool)

    def companion(self, property_name: str) -> NDArray[np.float64]:
        """Return (n,) values of a property in the same entry, NaN where unknown."""
        return self.companions.get(property_name, np.full(len(self), np.nan))

    def contains(self, symbols: Sequence[str]) -> NDArray[np.bool_]:
        """Return (n,) whether the structure contains one of these elements."""
        wanted = frozenset(symbols)
        return np.array([not wanted.isdisjoint(elements) for elements in self.elements], dtype=bool)


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The verdict on each of n labels.

    Parameters
    ----------
    accepted
        (n,) whether a model may learn from it.
    rule
        (n,) the rule that rejected it, None where accepted.
    value_seen
        (n,) what that rule looked at, NaN where accepted.
    """

    accepted: NDArray[np.bool_]
    rule: tuple[str | None, ...]
    value_seen: NDArray[np.float64]

    def counts(self) -> dict[str, int]:
        """Return how many labels each rule rejected, most first."""
        return dict(Counter(name for name in self.rule if name is not None).most_common())

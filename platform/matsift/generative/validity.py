"""Which compositions are chemically valid: charges that can sum to nothing, anions the more electronegative ones.

The rules are those of paper 004 (section 5.6 of the specification) and of `smact.screening.smact_validity`, whose
verdicts these are, at some hundred thousand compositions a second: one oxidation state an element, out of a set that is
pinned; a neutral sum of charges; and in the same assignment each cation less electronegative than each anion (Pauling).
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from matsift.generative.formulas import SYMBOLS, Compositions
from matsift.generative.validity_kernel import balance
from matsift.generative.validity_table import element_table

#: Compositions judged between two looks at memory.
CHUNK = 1 << 18


@dataclass(frozen=True)
class ValidityRules:
    """What counts as valid.

    Parameters
    ----------
    states
        Set of oxidation states: "smact14" (the paper), "icsd24", or "icsd24_default", which `smact_validity` takes.
    pauling
        Whether anions must be more electronegative than cations.
    alloys
        Whether metals among themselves are valid whatever their charges, as `smact_validity` has it and the paper not.
    mixed_valence
        Whether smact's elements of mixed valence may have several states in one compound, as iron in Fe3O4.
    most_elements
        Compositions of more elements are not valid; 0 sets no limit.
    """

    states: str = "smact14"
    pauling: bool = True
    alloys: bool = False
    mixed_valence: bool = False
    most_elements: int = 8


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What was found of n compositions, each (n,) bool; `valid` is the verdict by the rules, the rest its grounds.

    Parameters
    ----------
    charge_neutral
        Some choice of oxidation states sums to nothing.
    electronegativity_balanced
        Some such choice has its cations less electronegative than its anions.
    elemental, alloy
        A single element (valid by the rules); metals alone.
    too_many_elements, no_states
        More elements than the rules allow; an element without oxidation states in the set.
    """

    valid: NDArray[np.bool_]
    charge_neutral: NDArray[np.bool_]
    electronegativity_balanced: NDArray[np.bool_]
    elemental: NDArray[np.bool_]
    alloy: NDArray[np.bool_]
    too_many_elements: NDArray[np.bool_]
    no_states: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.valid)

    def of(self, row: int) -> dict[str, bool]:
        """Return the verdicts of one composition by name, as they are stored."""
        return {field.name: bool(getattr(self, field.name)[row]) for field in fields(self)}

    def reason(self, row: int) -> str | None:
        """Return in one sentence why a composition is not valid; None if it is."""
        if self.valid[row]:
            return None
        if self.too_many_elements[row]:
            return "it has more elements than the rules allow"
        if self.no_states[row]:
            return "it has an element without oxidation states in the set"
        if not self.charge_neutral[row]:
            return "no choice of one oxidation state an element sums to nothing"
        return "no neutral choice of oxidation states has all anions more electronegative than the cations"

    def select(self, rows: NDArray[np.bool_] | NDArray[np.integer] | slice) -> Verdicts:
        """Return the verdicts of some rows."""
        return Verdicts(*(getattr(self, field.name)[rows] for field in fields(self)))


def validity(compositions: Compositions, rules: ValidityRules | None = None) -> Verdicts:
    """Return the verdicts on compositions; empty rows are never valid.

    Raises
    ------
    UserInputError
        If the rules name no known set of oxidation states.
    """
    rules = rules or ValidityRules()
    table = element_table(rules.states)
    n = len(compositions)
    neutral, balanced = np.empty(n, dtype=bool), np.empty(n, dtype=bool)
    mixed = table.mixed_valence & rules.mixed_valence
    counts = compositions.reduced().counts
    for start in range(0, n, CHUNK):
        part = slice(start, start + CHUNK)
        balance(
            np.ascontiguousarray(counts[part]),
            table.states,
            table.n_state,
            table.electronegativity,
            mixed,
            neutral[part],
            balanced[part],
        )
    present = compositions.counts > 0
    n_element = compositions.n_element
    elemental = n_element == 1
    alloy = (n_element > 0) & ~(present & ~table.metal).any(axis=1)
    no_states = (present & (table.n_state == 0)).any(axis=1)
    too_many = (n_element > rules.most_elements) & (rules.most_elements > 0)
    passed = (balanced if rules.pauling else neutral) | elemental | (alloy & rules.alloys)
    return Verdicts(passed & ~too_many, neutral, balanced, elemental, alloy, too_many, no_states)


def oxidation_states(amounts: Mapping[str, int], rules: ValidityRules | None = None) -> dict[str, int] | None:
    """Return the first assignment, in smact's order, by which a formula is neutral and in Pauling's order.

    One state an element; None if there is no such assignment, or an element has no states. For a page or a hand-off:
    `validity` decides of many.
    """
    table = element_table((rules or ValidityRules()).states)
    rows = [SYMBOLS.index(symbol) for symbol in amounts]
    choices = [table.states[row, : table.n_state[row]].tolist() for row in rows]
    affinities = table.electronegativity[rows]
    for states in itertools.product(*choices):
        charges = np.array(states)
        if np.dot(charges, list(amounts.values())) != 0:
            continue
        cations, anions = affinities[charges > 0], affinities[charges < 0]
        if len(rows) == 1 or (not np.isnan(affinities).any() and (cations[:, None] < anions).all()):
            return dict(zip(amounts, states, strict=True))
    return None

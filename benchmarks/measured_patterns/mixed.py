"""Mixtures of known powders: which of them the search finds, with all elements allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measured_patterns.lines import Lines
from benchmarks.measured_patterns.patterns import MIXTURES, Case
from pymatgen.core import Composition

from matsift.diffraction.identify import identify
from matsift.diffraction.search import ProfileIndex


@dataclass(frozen=True)
class Mixed:
    """What was found in one pattern of several powders.

    `powders` are the reduced formulae that were weighed or heated, `stored` those of which the index has a crystal,
    `phases` those told as the mixture, `fitting` those of the best single matches.
    """

    kind: str
    name: str
    powders: tuple[str, ...]
    stored: tuple[str, ...]
    phases: tuple[str, ...]
    fitting: tuple[str, ...]

    @property
    def n_found(self) -> int:
        """How many of the powders are among the phases of the mixture."""
        return len(set(self.powders) & set(self.phases))

    @property
    def n_fitting(self) -> int:
        """How many of the powders are among the phases or the best matches."""
        return len(set(self.powders) & {*self.phases, *self.fitting})

    @property
    def is_possible(self) -> bool:
        """Whether the strongest phase has no element that was not there; oxygen and hydrogen are in the air."""
        there = {symbol for powder in self.powders for symbol in _elements(powder)} | {"O", "H"}
        return bool(self.phases) and _elements(self.phases[0]) <= there


def mixed(cases: Sequence[Case], lines: Sequence[Lines], index: ProfileIndex, formulae: Sequence[str]) -> list[Mixed]:
    """Return what the search finds in each pattern whose lines are known; `formulae` (n,) are those of the index."""
    stored = set(formulae)
    told = []
    for case, one in zip(cases, lines, strict=True):
        if isinstance(one, str) or not len(one.to_sparse().bins):
            continue
        found = identify(one, index, None)
        told.append(
            Mixed(
                case.kind,
                case.name,
                case.formulae,
                tuple(powder for powder in case.formulae if powder in stored),
                tuple(formulae[phase.row] for phase in found.mixture),
                tuple(formulae[phase.row] for phase in found.phases),
            )
        )
    return told


def is_mixture(one: Mixed) -> bool:
    """Return whether it was weighed and not heated."""
    return one.kind == MIXTURES


def _elements(formula: str) -> set[str]:
    return {element.symbol for element in Composition(formula).elements}

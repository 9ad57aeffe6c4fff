"""Formulas that rules make: balanced, reduced, each once, the likeliest first."""

from __future__ import annotations

import pytest

from matsift.candidates.prototypes import Prototype, load_prototypes
from matsift.candidates.substitution import ionic_substitutions
from matsift.formulae import formulae
from matsift.generative.formulas import Compositions
from matsift.generative.rule_made import rule_made_formulas


@pytest.fixture(scope="module")
def prototypes() -> tuple[Prototype, ...]:
    """Rock salt and fluorite: few enough for a second."""
    return tuple(p for p in load_prototypes() if p.formula in ("NaCl", "CaF2"))


def test_they_are_those_of_the_substitutions_once_each(prototypes: tuple[Prototype, ...]) -> None:
    best: dict[str, float] = {}
    for prototype in prototypes:
        for found in ionic_substitutions(prototype):
            new = dict(found.mapping)
            name = formulae({new[old]: n for old, n in prototype.counts.items()}).reduced
            best[name] = max(found.score, best.get(name, found.score))
    made = rule_made_formulas(prototypes)
    assert set(made) == set(best)
    assert [best[name] for name in made] == sorted(best.values(), reverse=True)
    assert len(set(made)) == len(made) > 100


def test_they_are_reduced_and_can_be_read(prototypes: tuple[Prototype, ...]) -> None:
    made = rule_made_formulas(prototypes)
    assert Compositions.from_formulas(made).formulas() == list(made)

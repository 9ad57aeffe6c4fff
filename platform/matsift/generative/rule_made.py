"""Formulas that rules make: ions of balanced charges put into prototypes, the likeliest first."""

from __future__ import annotations

from matsift.candidates.prototypes import Prototype, load_prototypes
from matsift.candidates.substitution import ionic_substitutions
from matsift.formulae import formulae

#: Of what the rules make; a change of what they give is another number.
VERSION = "1"


def rule_made_formulas(prototypes: tuple[Prototype, ...] | None = None) -> tuple[str, ...]:
    """Return the reduced formulas of all charge-balanced substitutions in prototypes, the likeliest first.

    A formula that several prototypes give counts as the likeliest of them. It takes about 10 s for the prototypes that
    come with matsift, so the list is kept.
    """
    best: dict[tuple[tuple[str, int], ...], float] = {}
    for prototype in load_prototypes() if prototypes is None else prototypes:
        for found in ionic_substitutions(prototype):
            amounts = tuple(sorted((new, prototype.counts[old]) for old, new in found.mapping))
            best[amounts] = max(found.score, best.get(amounts, found.score))
    score: dict[str, float] = {}
    for amounts, value in best.items():
        name = formulae(dict(amounts)).reduced
        score[name] = max(value, score.get(name, value))
    return tuple(sorted(score, key=lambda name: (-score[name], name)))

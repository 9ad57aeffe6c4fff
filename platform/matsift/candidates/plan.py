"""The list of candidate crystals of a computed data set, in the order in which to compute them, from a seed.

Nothing here depends on a computed property: which candidates are labelled and which stay in the pool is drawn before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from matsift.candidates.elements import elemental_crystals
from matsift.candidates.ions import ELECTROCHEMICALLY_ACTIVE
from matsift.candidates.prototypes import Prototype, load_prototypes, substituted
from matsift.candidates.substitution import Substitution, ionic_substitutions, metallic_substitutions
from matsift.crystal import Crystal

_FAMILY_PENALTY = 0.3
_POLYMORPH_PENALTY = 0.25
_JITTER = 0.2
_POOL_CELL = 10
_MOST_OF_A_FAMILY = 25


@dataclass(frozen=True, eq=False)
class Candidate:
    """A crystal to compute.

    `wanted` is what it is for: ``labelled`` (elastic tensor), ``pool`` (energy only, an active-learning loop may ask
    for its tensor later) or ``reference`` (energy only, an element), ``unseen`` (kept from training). `what` says what
    to compute: ``elasticity``, ``energy`` or ``energy_in_symmetry``.
    """

    external_id: str
    wanted: str
    prototype: str
    substitution: str
    crystal: Crystal
    what: str


@dataclass(frozen=True)
class PlanSizes:
    """How many candidates of each kind a plan holds."""

    sodium_labelled: int = 380
    sodium_pool: int = 200
    ionic: int = 560
    metallic: int = 200
    sodium_metallic: int = 30


def plan_candidates(
    seed: int, sizes: PlanSizes | None = None, prototypes: Sequence[Prototype] | None = None
) -> tuple[Candidate, ...]:
    """Return the candidates of a seed: prototypes as they are, substituted ones, elemental references.

    The order interleaves the kinds, small cells first, so that the set is useful wherever the computation stops.
    """
    sizes = sizes or PlanSizes()
    rng = np.random.default_rng(seed)
    prototypes = load_prototypes() if prototypes is None else prototypes
    ionic = [s for p in prototypes for s in _ionic(p)]
    metallic = [s for p in prototypes for s in metallic_substitutions(p)]
    taken: set[tuple[str, str]] = {(p.label, p.formula) for p in prototypes}
    sodium = _best((s for s in ionic if "Na" in s.elements), sizes.sodium_labelled + sizes.sodium_pool, rng, taken)
    pool = _draw_pool(sodium, sizes.sodium_pool, rng)
    kinds = [
        [_as_is(p) for p in prototypes],
        [_substituted(s, "labelled") for s in sodium if s not in pool],
        [_substituted(s, "pool") for s in sodium if s in pool],
        [_substituted(s, "labelled") for s in _best(ionic, sizes.ionic, rng, taken)],
        [
            _substituted(s, "labelled")
            for s in _best((s for s in metallic if "Na" in s.elements), sizes.sodium_metallic, rng, taken)
        ],
        [_substituted(s, "labelled") for s in _best(metallic, sizes.metallic, rng, taken)],
    ]
    elements = sorted({e for kind in kinds for c in kind for e in c.crystal.elements})
    references = [
        _candidate("labelled" if stable else "reference", p, f"{p.crystal.elements[0]}->{e}", crystal)
        for e in elements
        for p, crystal, stable in elemental_crystals(e)
    ]
    return _interleaved([references, *kinds], rng)


@cache
def _ionic(prototype: Prototype) -> tuple[Substitution, ...]:
    """The same for every seed, and the slow part of a plan."""
    return tuple(ionic_substitutions(prototype))


def _as_is(prototype: Prototype) -> Candidate:
    return _candidate("labelled", prototype, "", prototype.crystal)


def _substituted(s: Substitution, wanted: str) -> Candidate:
    return _candidate(wanted, s.prototype, s.text, substituted(s.prototype, dict(s.mapping), s.scale))


def _candidate(wanted: str, prototype: Prototype, substitution: str, crystal: Crystal) -> Candidate:
    what = "elasticity" if wanted == "labelled" else "energy"
    return Candidate("", wanted, prototype.label, substitution, crystal, what)


def _best(
    substitutions: Iterable[Substitution], n: int, rng: np.random.Generator, taken: set[tuple[str, str]]
) -> list[Substitution]:
    """The n likeliest, at most one a prototype and formula.

    Each further one of a family, and each further polymorph of a formula, counts as less likely, for variety.
    """
    ranked = sorted(substitutions, key=lambda s: (-s.score, s.prototype.label, s.text))
    seen: Counter[tuple[str, tuple[int, ...]]] = Counter()
    polymorphs: Counter[str] = Counter()
    fresh: list[tuple[float, Substitution]] = []
    for s in ranked:
        if seen[s.family] >= _MOST_OF_A_FAMILY:
            continue
        key = (s.prototype.label, _formula(s))
        if key in taken:
            continue
        taken.add(key)
        crowded = _FAMILY_PENALTY * seen[s.family] + _POLYMORPH_PENALTY * polymorphs[_formula(s)]
        fresh.append((s.score - crowded + float(rng.normal(0, _JITTER)), s))
        seen[s.family] += 1
        polymorphs[_formula(s)] += 1
    fresh.sort(key=lambda pair: (-pair[0], pair[1].prototype.label, pair[1].text))
    for _, s in fresh[n:]:
        taken.discard((s.prototype.label, _formula(s)))
    return [s for _, s in fresh[:n]]


def _formula(s: Substitution) -> str:
    counts = s.prototype.counts
    return " ".join(sorted(f"{new}{counts[old]}" for old, new in s.mapping))


def _draw_pool(sodium: list[Substitution], n: int, rng: np.random.Generator) -> set[Substitution]:
    """Draw the pool among small cells without electrochemically active elements: quick to label, of practical use."""
    eligible = [
        s
        for s in sodium
        if len(s.prototype.crystal.species) <= _POOL_CELL and not s.elements & ELECTROCHEMICALLY_ACTIVE
    ]
    drawn = rng.permutation(len(eligible))[:n]
    return {eligible[i] for i in drawn}


def _interleaved(kinds: list[list[Candidate]], rng: np.random.Generator) -> tuple[Candidate, ...]:
    placed: list[tuple[float, int, Candidate]] = []
    for number, kind in enumerate(kinds):
        cost = [len(c.crystal.species) + float(rng.uniform(0, 4)) for c in kind]
        order = np.argsort(cost, kind="stable")
        hurry = 0.4 if number == 0 else 1.0  # references first: without them there are no formation energies
        placed.extend((hurry * (k + 0.5) / len(kind), number, kind[i]) for k, i in enumerate(order))
    placed.sort(key=lambda item: (item[0], item[1]))
    return tuple(replace(c, external_id=f"msp-{i:06d}") for i, (_, _, c) in enumerate(placed, start=1))

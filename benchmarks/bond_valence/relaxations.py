"""How many perovskites and spinels come to rest a second, and how often they do not, printed as Markdown.

python -m benchmarks.bond_valence.relaxations

Rates: as many references as Kameda et al. 2024 had (115 perovskites, 128 spinels), in batches and one by one.
Outcomes: the bundled oxides. Two strains, 17 screening factors.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from benchmarks.bond_valence.calibration import bundled_references

from matsift.bond_valence.cell_relaxation import relax_cell
from matsift.bond_valence.charges import assign_valences
from matsift.bond_valence.dataset import STRAINS, Reference, relaxation_rows
from matsift.bond_valence.ion_pairs import PairTable, balanced_pairs
from matsift.bond_valence.parameters import known_ions
from matsift.bond_valence.prototype_match import build
from matsift.bond_valence.relaxation import relax, starting_lattice
from matsift.bond_valence.screening_factor import automatic_screening_factor, exact_screening_factor

SIZES = {"perovskite": 115, "spinel": 128}
ONE_BY_ONE = 5
REPEATS = 3
#: Lattice errors that differ by no more are one rest.
SAME = 1e-6


def main() -> None:
    """Print the rates."""
    references = [r for prototype, n in SIZES.items() for r in _references(prototype, n)]
    print("| what | crystals | CPU seconds | a CPU second |\n|---|---|---|---|")
    for prototype in SIZES:
        chosen = [r for r in references if r.pair.prototype == prototype]
        _row(f"{prototype}s at rest, in batches", 34 * len(chosen), partial(relaxation_rows, chosen))
        table = PairTable.of([r.pair for r in chosen])
        lattices = np.array([r.lattice_constant for r in chosen])
        what = f"screening factors that keep a {prototype}'s lattice"
        _row(what, len(chosen), partial(exact_screening_factor, table, lattices))
        _row(f"{prototype}s at rest as any cell (L-BFGS)", ONE_BY_ONE, partial(_as_any_cell, chosen[:ONE_BY_ONE]))
    _outcomes()


def _outcomes() -> None:
    """Print how the samples of the bundled oxides end."""
    bundled = [Reference(*reference) for reference in bundled_references().values()]
    rows = relaxation_rows(bundled)
    from_small, from_large = np.moveaxis(rows.lattice_error.reshape(len(bundled), len(STRAINS), -1), 1, 0)
    apart = np.abs(from_small - from_large)
    n_apart, most = np.sum(apart > SAME), 100 * np.nanmax(apart)
    print(
        f"\nOf {len(rows.reason)} samples of the {len(bundled)} bundled oxides {np.sum(~rows.usable)} have no rest; of"
    )
    print(f"{apart.size} pairs that differ by their strain {n_apart} rest apart, by at most {most:.2f} %.\n")
    print("Without an automatic screening factor:\n\n| prototype | strain | samples | none |")
    print("|---|---|---|---|")
    for prototype, strain in itertools.product(SIZES, STRAINS):
        chosen = [r for r in bundled if r.pair.prototype == prototype]
        oxygens = None if prototype == "perovskite" else np.array([r.oxygen_parameter for r in chosen])
        strained = (1 + strain) * np.array([r.lattice_constant for r in chosen])
        found = automatic_screening_factor(PairTable.of([r.pair for r in chosen]), strained, oxygens)
        print(f"| {prototype} | {strain:+.0%} | {len(chosen)} | {np.isnan(found.screening_factor).sum()} |")


def _references(prototype: str, n: int) -> list[Reference]:
    """Return as many oxides of different elements that balance, at lattices where the force field has them at rest."""
    elements = sorted({symbol for symbol, _ in known_ions()})
    pairs = [p for a, b in itertools.permutations(elements, 2) for p in balanced_pairs(prototype, a, b)]
    chosen = [pairs[i] for i in np.random.default_rng(0).permutation(len(pairs))[: 4 * n]]
    table = PairTable.of(chosen)
    rest = relax(table, np.full(len(chosen), 0.65), starting_lattice(table))
    found = [
        Reference(p, float(a), float(u) if prototype == "spinel" else None)
        for p, a, u, why in zip(chosen, rest.lattice_constant, rest.oxygen_parameter, rest.reason, strict=True)
        if why is None
    ]
    return found[:n]


def _as_any_cell(references: list[Reference]) -> None:
    for r in references:
        a, u = r.lattice_constant * 1.1, r.oxygen_parameter
        cell = build(r.pair.prototype, r.pair.a.symbol, r.pair.b.symbol, a, u)
        relax_cell(cell, assign_valences(cell), 0.65)


def _row(what: str, n: int, work: Callable[[], object]) -> None:
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    print(f"| {what} | {n} | {min(seconds):.3f} | {n / min(seconds):,.0f} |")


if __name__ == "__main__":
    main()

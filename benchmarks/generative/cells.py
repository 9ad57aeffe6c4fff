"""How far the volume of a substituted crystal is from the relaxed one, with the cell scaled by radii and without.

Each compound of the bundled set is made from the nearest other compound of its prototype, so the right volume is known.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift.generative.formulas import Compositions
from matsift.generative.substituted import substitute
from matsift.generative.templates import TemplatePool
from matsift_adapters.sources.bundled import bundled_path

_TEMPLATES = 12


@dataclass(frozen=True, eq=False)
class Volumes:
    """Logarithms of n volumes over the relaxed ones, (n,) each, and how many substitutions were refused."""

    scaled: NDArray[np.float64]
    as_it_was: NDArray[np.float64]
    n_refused: int


def table(n: int, seed: int) -> Iterator[str]:
    """Yield the lines of the table."""
    found = volumes(n, seed)
    yield f"{len(found.scaled)} compounds, {found.n_refused} refused:\n"
    yield "| cell | median of the volume's error | nine of ten below |"
    yield "|---|---|---|"
    for name, logs in (("scaled by radii", found.scaled), ("as the template's", found.as_it_was)):
        median, most = np.expm1(np.quantile(np.abs(logs), [0.5, 0.9]))
        yield f"| {name} | {median:.1%} | {most:.1%} |"


def volumes(n: int, seed: int) -> Volumes:
    """Return the volumes of n drawn compounds of the bundled set, as far as another of the prototype is stored."""
    rows = [
        row
        for row in map(json.loads, gzip.decompress(bundled_path("chgnet_prototypes").read_bytes()).splitlines()[1:])
        if row["role"] not in {"failed", "duplicate"} and len(set(row["species"])) > 1
    ]
    crystals = [Crystal.ordered(np.array(r["lattice"]), r["species"], np.array(r["frac_coords"])) for r in rows]
    amounts = [Counter(crystal.species) for crystal in crystals]
    formulas = Compositions.from_formulas(["".join(f"{e}{k}" for e, k in held.items()) for held in amounts])
    drawn = np.random.default_rng(seed).permutation(len(rows))[:n]
    found = TemplatePool(formulas).find(formulas.select(drawn), k=_TEMPLATES)
    scaled, as_it_was, n_refused = [], [], 0
    for at, row in enumerate(drawn.tolist()):
        alike = [t for t, d in found.of(at) if d > 0 and rows[t]["prototype"] == rows[row]["prototype"]]
        if not alike:
            continue
        try:
            made = substitute(crystals[alike[0]], amounts[row], most=1)[0].crystal
        except BadStructureError:
            n_refused += 1
            continue
        right = crystals[row].volume / crystals[row].n_site
        scaled.append(np.log(made.volume / made.n_site / right))
        as_it_was.append(np.log(crystals[alike[0]].volume / crystals[alike[0]].n_site / right))
    return Volumes(np.array(scaled), np.array(as_it_was), n_refused)

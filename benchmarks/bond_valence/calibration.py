"""What the force field says with each of its variants, and how well the calibrated one fits, printed as Markdown.

python -m benchmarks.bond_valence.calibration
"""

from __future__ import annotations

import gzip
import json
import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from matsift.bond_valence.charges import assign_valences
from matsift.bond_valence.energy import evaluate, evaluate_pairs
from matsift.bond_valence.ion_pairs import IonPair, PairTable
from matsift.bond_valence.pair_energy import Variant
from matsift.bond_valence.pairs import collect
from matsift.bond_valence.parameters import read_ion
from matsift.bond_valence.prototype_match import build
from matsift.bond_valence.relaxation import relax
from matsift.bond_valence.screening_factor import exact_screening_factor
from matsift.crystal import Crystal
from matsift.elasticity.equation_of_state import GPA_PER_EV_A3
from matsift_adapters.sources.bundled import bundled_path

VARIANTS = {
    "ionic, no O-O repulsion, 1:1": Variant(radii="ionic", anion_repulsion=False, coulomb_weight=1),
    "ionic, 1:1": Variant(radii="ionic", coulomb_weight=1),
    "ionic, 2:1": Variant(radii="ionic"),
    "covalent, no O-O repulsion, 2:1": Variant(anion_repulsion=False),
    "covalent, 1:1": Variant(coulomb_weight=1),
    "**covalent, 2:1 (default)**": Variant(),
    "covalent, 3:1": Variant(coulomb_weight=3),
}
ANCHORS = ("perovskite-BaCeO3", "perovskite-LaGaO3", "perovskite-SrTiO3", "perovskite-LaAlO3", "spinel-MgAl2O4")
SCANNED = (0.55, 0.60, 0.65, 0.70, 0.75)
WINDOW = (0.55, 0.75)
BRACKET = (0.2, 1.6)

#: Lattice constant (angstrom), oxygen parameter, and measured bulk modulus (GPa) near room temperature.
STIFFNESS = {
    "MgO": ("Mg", None, 4.212, None, 160),
    "CaO": ("Ca", None, 4.8105, None, 114),
    "SrTiO3": ("Sr", "Ti", 3.905, None, 174),
    "MgAl2O4": ("Mg", "Al", 8.083, 0.2624, 196),
}


def main() -> None:
    """Print the tables."""
    references = bundled_references()
    _variants(references)
    _slopes(references)
    _spread(references)
    _stiffness()


def bundled_references() -> dict[str, tuple[IonPair, float, float | None]]:
    """Return ions, lattice constant and oxygen parameter of the bundled perovskites and spinels by their names."""
    with gzip.open(bundled_path("oxide_prototypes"), "rt", encoding="utf-8") as lines:
        next(lines)
        records = [json.loads(line) for line in lines]
    found = {}
    for record in records:
        if record["failure"] is None:
            a, b = (read_ion(name) for name in record["ions"].split())
            pair = IonPair(record["external_id"].partition("-")[0], a, b)
            found[record["external_id"]] = (pair, record["lattice_constant_angstrom"], record["oxygen_parameter"])
    return found


def at_rest(crystal: Crystal, variant: Variant) -> float:
    """Return the screening factor at which a crystal is under no pressure, NaN if there is none in `BRACKET`."""
    pairs = collect([crystal], [assign_valences(crystal)], variant, BRACKET[1])

    def pull(factor: float) -> float:
        return float(np.trace(evaluate_pairs(pairs, np.array([factor]), variant).stresses[0]))

    low, high = (pull(end) for end in BRACKET)
    return float(brentq(pull, *BRACKET)) if low * high < 0 else math.nan


def _variants(references: dict[str, tuple[IonPair, float, float | None]]) -> None:
    crystals = {
        name: build(pair.prototype, pair.a.symbol, pair.b.symbol, a, u)
        for name, (pair, a, u) in references.items()
        if name in ANCHORS
    }
    print("Screening factor at which the lattice of the bundled reference is under no pressure:\n")
    print(f"| radii, repulsion, Coulomb to Morse | {' | '.join(n.partition('-')[2] for n in ANCHORS)} |")
    print("|---" * (len(ANCHORS) + 1) + "|")
    for name, variant in VARIANTS.items():
        found = [at_rest(crystals[anchor], variant) for anchor in ANCHORS]
        print(f"| {name} | {' | '.join('none' if math.isnan(sf) else f'{sf:.3f}' for sf in found)} |")


def _slopes(references: dict[str, tuple[IonPair, float, float | None]]) -> None:
    print("\nRelaxed lattice constant less the reference's, in percent, by screening factor:\n")
    print(f"| oxide | {' | '.join(f'{sf:.2f}' for sf in SCANNED)} |\n" + "|---" * (len(SCANNED) + 1) + "|")
    for name in ANCHORS:
        pair, a, u = references[name]
        table = PairTable.of([pair] * len(SCANNED))
        start = None if u is None else np.full(len(SCANNED), u)
        rest = relax(table, np.array(SCANNED), np.full(len(SCANNED), a), start).lattice_constant
        print(f"| {name.partition('-')[2]} | {' | '.join(f'{100 * (x / a - 1):+.1f}' for x in rest)} |")


def _spread(references: dict[str, tuple[IonPair, float, float | None]]) -> None:
    print("\nScreening factors that keep the lattices of all bundled references:\n")
    print("| prototype | references | mean | standard deviation | least to greatest | inside 0.55 to 0.75 | none |")
    print("|---" * 7 + "|")
    for prototype in ("perovskite", "spinel"):
        chosen = [reference for reference in references.values() if reference[0].prototype == prototype]
        oxygens = None if prototype == "perovskite" else np.array([float(u or math.nan) for _, _, u in chosen])
        lattices = np.array([a for _, a, _ in chosen])
        found = exact_screening_factor(PairTable.of([pair for pair, _, _ in chosen]), lattices, oxygens)
        print(f"| {prototype} | {len(chosen)} | {_summary(found.screening_factor)} |")


def _summary(factors: NDArray[np.float64]) -> str:
    known = factors[np.isfinite(factors)]
    inside = int(((known >= WINDOW[0]) & (known <= WINDOW[1])).sum())
    ends = f"{known.min():.3f} to {known.max():.3f}"
    return f"{known.mean():.3f} | {known.std():.3f} | {ends} | {inside} | {len(factors) - len(known)}"


def _stiffness() -> None:
    print("\nBulk modulus at the measured lattice, screening factor at rest there, and as measured, GPa:\n")
    print(
        "| oxide | screening factor | energy as it is (half D0) | with whole D0 | measured bulk modulus, GPa |\n"
        + "|---" * 5
        + "|"
    )
    for name, (a_cation, b_cation, a, u, measured) in STIFFNESS.items():
        factor = at_rest(_cell(a_cation, b_cation, a, u), Variant())
        cells = [_cell(a_cation, b_cation, a * (1 + strain), u) for strain in (-1e-4, 1e-4)]
        said = evaluate(cells, [assign_valences(cell) for cell in cells], factor)
        pressures = -np.trace(said.stresses, axis1=1, axis2=2) / 3
        stiffness = (pressures[0] - pressures[1]) / math.log(cells[1].volume / cells[0].volume) * GPA_PER_EV_A3
        print(f"| {name} | {factor:.3f} | {stiffness:.0f} | {2 * stiffness:.0f} | {measured} |")


def _cell(a_cation: str, b_cation: str | None, a: float, u: float | None) -> Crystal:
    if b_cation is not None:
        return build("perovskite" if u is None else "spinel", a_cation, b_cation, a, u)
    faces = np.array([(0, 0, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (0.5, 0.5, 0)])
    return Crystal.ordered(np.eye(3) * a, [a_cation] * 4 + ["O"] * 4, np.vstack([faces, 0.5 - faces]))


if __name__ == "__main__":
    main()

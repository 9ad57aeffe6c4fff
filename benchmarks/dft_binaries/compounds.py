"""The binary cubic compounds of the DFT campaign: prototypes, starting cells, and which of them are labelled first.

    python -m benchmarks.dft_binaries.compounds studies/dft_binaries

A prototype is decorated at a bond length of the sum of covalent radii (Cordero et al., Dalton Trans. 2008, 2832, as ASE
holds them) and relaxed by CHGNet: no starting cell is measured or taken from somebody's calculation. Which compounds
are labelled before the campaign is drawn at random.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from pymatgen.io.vasp import Poscar

from matsift.crystal import Crystal
from matsift.execution.killable import KillablePool

SEED = 5
N_START = 26

ROCK_SALT = (
    "LiF LiCl LiBr LiI NaF NaCl NaBr NaI KF KCl KBr KI RbCl RbBr RbI MgO MgS MgSe CaO CaS CaSe CaTe SrO SrS SrSe SrTe "
    "BaO BaS BaSe TiC TiN ZrC ZrN VC VN NbC NbN ScN PbS AgCl AgBr"
).split()
ZINC_BLENDE = (
    "BN BP BAs AlP AlAs AlSb GaP GaAs GaSb InP InAs InSb SiC ZnS ZnSe ZnTe CdTe CuCl CuBr CuI BeS BeSe BeTe"
).split()
CAESIUM_CHLORIDE = "CsCl CsBr CsI TlCl TlBr NiAl CoAl CuZn AgMg LiAg YAg YCu ScCu".split()
FLUORITE = "CaF2 SrF2 BaF2 CdF2".split()
ANTIFLUORITE = "Li2O Na2O Li2S Na2S Mg2Si Mg2Ge Mg2Sn Be2C".split()


def split_formula(formula: str) -> tuple[str, str]:
    """Return the two elements of a formula, in its order."""
    letters = formula.replace("2", "")
    at = 2 if len(letters) > 1 and letters[1].islower() else 1
    return letters[:at], letters[at:]


def decorated(prototype: str, formula: str) -> Crystal:
    """Return a prototype with the elements of a formula, at a bond length of their covalent radii."""
    first, second = split_formula(formula)
    bond = float(sum(covalent_radii[atomic_numbers[symbol]] for symbol in (first, second)))
    fcc = 0.5 * np.array([[0.0, 1, 1], [1, 0, 1], [1, 1, 0]])
    quarter, half = [0.25] * 3, [0.5] * 3
    lattice, species, coords = {
        "rock-salt": (2 * bond * fcc, [first, second], [[0.0] * 3, half]),
        "zinc-blende": (4 / 3**0.5 * bond * fcc, [first, second], [[0.0] * 3, quarter]),
        "caesium-chloride": (2 / 3**0.5 * bond * np.eye(3), [first, second], [[0.0] * 3, half]),
        "fluorite": (4 / 3**0.5 * bond * fcc, [first, second, second], [[0.0] * 3, quarter, [0.75] * 3]),
        "antifluorite": (4 / 3**0.5 * bond * fcc, [second, first, first], [[0.0] * 3, quarter, [0.75] * 3]),
    }[prototype]
    return Crystal.ordered(lattice, species, np.array(coords))


def relaxed_compounds(n_worker: int = 2) -> list[tuple[str, str, Crystal]]:
    """Return (prototype, formula, crystal relaxed by CHGNet) of all compounds that CHGNet can relax."""
    named = {
        "rock-salt": ROCK_SALT,
        "zinc-blende": ZINC_BLENDE,
        "caesium-chloride": CAESIUM_CHLORIDE,
        "fluorite": FLUORITE,
        "antifluorite": ANTIFLUORITE,
    }
    wanted = [(prototype, formula) for prototype, formulae in named.items() for formula in formulae]
    module = "matsift_adapters.oracles.chgnet"
    found = {}
    with KillablePool(
        f"{module}:relax", n_worker=n_worker, time_limit_s=300, initializer=f"{module}:initialize_worker"
    ) as pool:
        for outcome in pool.run((pair, decorated(*pair)) for pair in wanted):
            if outcome.ok:
                found[outcome.key] = outcome.value
            else:
                print(f"{outcome.key}: {outcome.message}", file=sys.stderr)
    return [(*pair, found[pair]) for pair in wanted if pair in found]


def main(folder: Path) -> None:
    """Write start.csv (to be labelled first) and pool.csv (the candidates)."""
    compounds = relaxed_compounds()
    first = set(np.random.default_rng(SEED).permutation(len(compounds))[:N_START].tolist())
    for name, wanted in (("start", True), ("pool", False)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("id", "formula", "prototype", "poscar"))
            for i, (prototype, formula, crystal) in enumerate(compounds):
                if (i in first) == wanted:
                    poscar = Poscar(crystal.to_pymatgen(), comment=f"{formula} {prototype}").get_str(
                        significant_figures=6
                    )
                    writer.writerow((f"{prototype}-{formula}", formula, prototype, poscar))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

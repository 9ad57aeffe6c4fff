"""Energy, forces and stress beside bvlain's site-energy map of the same crystal, printed as Markdown.

python -m benchmarks.bond_valence.site_energy --structures 40

The oxides of the elastic set of de Jong 2015 in MATSIFT_DATA (default ../shared/data). bvlain's call is that of its
users, `bvse_distribution(ion)` at its default grid (0.2 angstrom, 10 angstrom, all processors), oxidation states given;
ours includes the search for neighbours, in one process. CPU seconds, so that a busy machine does not count: the
fastest of three of ours, one call of bvlain's.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from benchmarks.repro_001.real_data import data_folder, load
from bvlain import Lain
from numpy.typing import NDArray

from matsift.bond_valence.charges import NoValencesError, assign_valences
from matsift.bond_valence.energy import evaluate
from matsift.bond_valence.parameters import NoIonParametersError
from matsift.crystal import Crystal
from matsift.errors import BadStructureError

WANTED = 50
SCREENING_FACTOR = 0.65
REPEATS = 3


@dataclass(frozen=True, eq=False)
class Oxide:
    """An oxide of the elastic set with the oxidation states of its atoms."""

    crystal: Crystal
    valences: NDArray[np.int64]

    @property
    def mobile(self) -> str:
        """Its cation of lowest charge, as bvlain names it."""
        charge, symbol = min((int(v), s) for v, s in zip(self.valences, self.crystal.species, strict=True) if v > 0)
        return f"{symbol}{charge}+"


def main() -> None:
    """Print what the oxides are, and the times of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=40, help="oxides for bvlain, evenly spread by their size")
    asked = parser.parse_args()
    warnings.filterwarnings("ignore")
    if not (data_folder() / "elastic").exists():
        print(f"there are no published data in {data_folder()}; name their folder in MATSIFT_DATA")
        return
    oxides, refused = elastic_oxides()
    print(f"{len(oxides) + sum(refused.values())} oxides in the elastic set; {len(oxides)} have known oxidation states")
    print(f"({', '.join(f'{n} {why}' for why, n in refused.most_common()) or 'all'}).\n")
    _chunk(oxides)
    _beside_bvlain(oxides[:: max(1, len(oxides) // asked.structures)])


def elastic_oxides() -> tuple[list[Oxide], Counter[str]]:
    """Return the oxides of the elastic set by size, and why others of its oxides are none here."""
    found, refused = [], Counter[str]()
    for crystal in load("elastic_2015").crystals:
        if "O" not in crystal.species:
            continue
        try:
            found.append(Oxide(crystal, assign_valences(crystal)))
        except (NoValencesError, NoIonParametersError, BadStructureError) as error:
            refused[type(error).__name__] += 1
    return sorted(found, key=lambda oxide: (len(oxide.valences), oxide.crystal.content_hash)), refused


def _chunk(oxides: list[Oxide]) -> None:
    crystals, valences = [o.crystal for o in oxides], [o.valences for o in oxides]
    seconds, _ = fastest(lambda: evaluate(crystals, valences, SCREENING_FACTOR))
    atoms = sum(len(v) for v in valences)
    rate = len(oxides) / seconds
    print(f"All {len(oxides)} ({atoms} atoms) in one chunk: {seconds:.2f} CPU s, {rate:,.0f} a CPU second.\n")


def _beside_bvlain(oxides: list[Oxide]) -> None:
    rows, unanswered = [], Counter[str]()
    for oxide in oxides:
        try:
            theirs, points = fastest(lambda: site_energies(oxide), 1)  # noqa: B023  called at once
        except (KeyError, ValueError, IndexError, MemoryError) as error:
            unanswered[type(error).__name__] += 1
            continue
        ours, _ = fastest(lambda: evaluate([oxide.crystal], [oxide.valences], SCREENING_FACTOR))  # noqa: B023
        rows.append((len(oxide.valences), points, theirs, ours))
    table = np.array(rows)
    ratio = table[:, 2] / table[:, 3]
    print(
        "| atoms | crystals | grid points | bvlain, CPU s | matsift, CPU s | times faster, median (least) |\n|"
        + "---|" * 6
    )
    edges = [0, 4, 8, 16, 32, 1000]
    for low, high in itertools.pairwise(edges):
        chosen = (table[:, 0] > low) & (table[:, 0] <= high)
        if chosen.any():
            _row(f"{low + 1} to {high}" if high < edges[-1] else f"over {low}", table[chosen], ratio[chosen])
    _row("all", table, ratio)
    total = table[:, 2].sum() / table[:, 3].sum()
    print(f"\nIn all {total:.0f} times; at least {WANTED} times on {(ratio >= WANTED).mean():.0%} of the crystals.")
    if unanswered:
        print(f"bvlain has no answer for {sum(unanswered.values())} more ({dict(unanswered)}).")


def site_energies(oxide: Oxide) -> int:
    """Run bvlain's site-energy call on an oxide and return the number of points of its grid."""
    lain: Any = Lain(verbose=False)
    structure = oxide.crystal.to_pymatgen()
    structure.add_oxidation_state_by_site(oxide.valences.tolist())
    lain.read_structure(structure, oxi_check=False)
    return int(lain.bvse_distribution(mobile_ion=oxide.mobile).size)


def _row(what: str, table: NDArray[np.float64], ratio: NDArray[np.float64]) -> None:
    _, points, theirs, ours = np.median(table, axis=0)
    times = f"{np.median(ratio):.0f} ({ratio.min():.0f})"
    print(f"| {what} | {len(table)} | {points:,.0f} | {theirs:.3f} | {ours:.5f} | {times} |")


def fastest(work: Callable[[], Any], repeats: int = REPEATS) -> tuple[float, Any]:
    """Return the least CPU seconds of some repetitions, and the answer of the last."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        answer = work()
        seconds.append(time.process_time() - start)
    return min(seconds), answer


if __name__ == "__main__":
    main()

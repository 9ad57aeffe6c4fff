"""Sodium in crystals that are known to conduct it, or not: ``python -m benchmarks.mobility.known``.

Each barrier stands beside that of bvlain's own search on the same map, with the seconds that either search took.
"""

from __future__ import annotations

import os
import sys
import tarfile
import time
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.percolation import percolation_barriers
from matsift.crystal import Crystal
from matsift.study.mobility import MobilitySettings
from matsift_adapters.oracles.percolation import initialize_worker, method_of, site_energies

ARCHIVE = "structures/mp_36737/cif_36737.tar.gz"
#: Number of the file -> what it is.
_CRYSTALS = {
    "26281": "NaAl11O17, beta alumina",
    "7686": "Na2O, antifluorite",
    "36115": "Na3OBr, antiperovskite",
    "15249": "Na3Sc2(PO4)3, NASICON",
    "12208": "Na3Zr2Si2PO12, NASICON",
    "36113": "Na3PS4, cubic",
    "584": "Na3SbS4",
    "21095": "NaZr2(PO4)3, NASICON",
    "7264": "NaCl",
    "29762": "NaAlO2, layers",
    "4997": "NaCoO2, layers",
    "23941": "NaAlSi3O8, albite",
    "11165": "Na2SO4",
    "9969": "NaMgF3, perovskite",
    "12412": "NaTaO3, perovskite",
    "12630": "NaNO3",
}


def main() -> int:
    """Print a row a crystal; return 0, or 2 where the data are not there."""
    path = Path(os.environ.get("MATSIFT_DATA", "../shared/data")) / ARCHIVE
    if not path.exists():
        print(f"{path}: there is no such file; name the folder of the data in MATSIFT_DATA", file=sys.stderr)
        return 2
    asked = MobilitySettings(ion="Na")
    crystals = _read(path)
    initialize_worker()
    print(f"{method_of(asked)}: eV in 1D, 2D, 3D, and seconds of the search\n")
    print(f"{'':<26}{'ours':>24}{'s':>8}{'bvlain':>27}{'s':>8}")
    ratios = []
    for number, name in _CRYSTALS.items():
        energies, _ = site_energies(crystals[number], asked)
        ours, seconds = _ours(energies, asked.encut)
        theirs, their_seconds = _bvlains(energies, asked.encut)
        ratios.append(their_seconds / seconds)
        print(f"{name:<26}{_spelled(ours):>24}{seconds:8.3f}{_spelled(theirs):>27}{their_seconds:8.2f}", flush=True)
    low, middle, high = min(ratios), np.median(ratios), max(ratios)
    print(f"\nbvlain's search takes {middle:.0f} times as long (median; {low:.0f} to {high:.0f})")
    return 0


def _read(path: Path) -> dict[str, Crystal]:
    from pymatgen.core import Structure  # noqa: PLC0415  pymatgen takes a second to import

    found = {}
    with tarfile.open(path) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for member in archive:
            if (number := Path(member.name).stem) in _CRYSTALS:
                file = archive.extractfile(member)
                assert file is not None
                found[number] = Crystal.from_pymatgen(Structure.from_str(file.read().decode("utf-8"), fmt="cif"))
    return found


def _ours(energies: NDArray[np.float64], cutoff: float) -> tuple[list[float], float]:
    started = time.perf_counter()
    said = percolation_barriers(energies, cutoff=cutoff)
    return [said.one, said.two, said.three], time.perf_counter() - started


def _bvlains(energies: NDArray[np.float64], cutoff: float) -> tuple[list[float], float]:
    from bvlain import Lain  # noqa: PLC0415  it loads pandas and ASE

    search = Lain(verbose=False)
    search.data, search.size = energies, list(energies.shape)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        said = search.percolation_barriers(encut=cutoff)
    return [float(said[f"E_{n}D"]) for n in (1, 2, 3)], time.perf_counter() - started


def _spelled(barriers: list[float]) -> str:
    return "  ".join(f"{barrier:5.2f}" for barrier in barriers)


if __name__ == "__main__":
    sys.exit(main())

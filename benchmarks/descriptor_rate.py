"""How many structures matminer and the engine featurize in a CPU second, in turn on the same structures.

python benchmarks/descriptor_rate.py --structures 20 --largest 16
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pymatgen.analysis.prototypes
from numpy.typing import NDArray
from pymatgen.core import Structure

from matsift.crystal import Crystal
from matsift.descriptors.composition import compute_magpie
from matsift.descriptors.matminer_reference import reference_magpie, reference_voronoi
from matsift.descriptors.sets import DescriptorChunk
from matsift.descriptors.tessellation import dual_cells
from matsift.descriptors.voronoi import compute_voronoi
from matsift.errors import DescriptorError


def prototypes(largest: int) -> list[Crystal]:
    """Return the ordered AFLOW prototypes of at most this many atoms that pymatgen ships."""
    file = Path(pymatgen.analysis.prototypes.__file__).parent / "aflow_prototypes.json.gz"
    entries = [entry["snl"] for entry in json.loads(gzip.decompress(file.read_bytes()))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        structures = [Structure.from_dict(entry) for entry in entries if len(entry["sites"]) <= largest]
    return [Crystal.from_pymatgen(structure) for structure in structures if structure.is_ordered]


def peer_rate(
    reference: Callable[[Crystal], NDArray[np.float64]], crystals: Sequence[Crystal]
) -> tuple[float, NDArray[np.float64], int]:
    """Return structures a CPU second, the values (NaN where matminer has none), and how many those are."""
    reference(crystals[0])
    rows, n_failed = [], 0
    started = time.process_time()
    for crystal in crystals:
        try:
            rows.append(reference(crystal))
        except DescriptorError:
            rows.append(np.full_like(rows[0], np.nan))
            n_failed += 1
    return len(crystals) / (time.process_time() - started), np.array(rows), n_failed


def our_rate(
    compute: Callable[[Sequence[Crystal]], DescriptorChunk], crystals: Sequence[Crystal], repeat: int
) -> tuple[float, NDArray[np.float64]]:
    """Return structures a CPU second in chunks of at least 500, and the values of the structures."""
    chunk = list(crystals) * -(-500 // len(crystals))
    compute(chunk)
    started = time.process_time()
    for _ in range(repeat):
        result = compute(chunk)
    return repeat * len(chunk) / (time.process_time() - started), result.values[: len(crystals)]


def deviation(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float:
    """Return the largest difference, relative to values above 0.001."""
    return float(np.nanmax(np.abs(ours - theirs) / np.maximum(np.abs(theirs), 1e-3)))


def main() -> None:
    """Print the rates, their ratio, the largest deviation, and the share of the tessellation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=20)
    parser.add_argument("--largest", type=int, default=16, help="most atoms in a cell")
    parser.add_argument("--seed", type=int, default=0)
    settings = parser.parse_args()
    everything = prototypes(settings.largest)
    chosen = np.random.default_rng(settings.seed).permutation(len(everything))[: settings.structures]
    crystals = [everything[i] for i in chosen]
    atoms = sum(crystal.n_site for crystal in crystals) / len(crystals)
    print(f"{len(crystals)} AFLOW prototypes of {atoms:.1f} atoms on average; structures a CPU second")
    for name, reference, compute in (
        ("magpie", reference_magpie, compute_magpie),
        ("voronoi", reference_voronoi, compute_voronoi),
    ):
        peer, theirs, n_failed = peer_rate(reference, crystals)
        rate, ours = our_rate(compute, crystals, repeat=3)
        print(
            f"{name:8} matminer {peer:9.2f} ({n_failed} without value)   matsift {rate:9.0f}   "
            f"ratio {rate / peer:6.0f}   largest relative deviation {deviation(ours, theirs):.1e}"
        )
    started = time.process_time()
    for crystal in crystals:
        dual_cells(crystal.lattice, crystal.frac_coords)
    share = (time.process_time() - started) / len(crystals) * rate
    print(f"the tessellation takes {share:.0%} of the time of voronoi")


if __name__ == "__main__":
    main()

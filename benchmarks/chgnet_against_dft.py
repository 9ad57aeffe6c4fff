"""Compare the CHGNet oracle with density functional theory on small crystals of the de Jong set (2015).

    python benchmarks/chgnet_against_dft.py [--structures 40] [--largest-cell 6] [--seed 1] [--workers 2]

Data: `elastic/elastic_tensor_2015.json.gz` under the folder MATSIFT_DATA (default ../shared/data). Prints, for the bulk
and the shear modulus, the mean absolute error, R2, the median ratio to DFT and the rank correlation.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymatgen.core import Structure
from scipy.stats import spearmanr

from matsift.crystal import Crystal
from matsift.elasticity.strain import STRAIN
from matsift.execution.killable import KillablePool
from matsift_adapters.oracles.chgnet import METHOD

DATA = Path(os.environ.get("MATSIFT_DATA", "../shared/data")) / "elastic" / "elastic_tensor_2015.json.gz"


def main() -> None:
    """Print the table, or one line if the data are not here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=40)
    parser.add_argument("--largest-cell", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if not DATA.exists():
        print(f"{DATA} is not here: set MATSIFT_DATA to a folder that holds elastic/elastic_tensor_2015.json.gz")
        return
    rows = draw(options.structures, options.largest_cell, options.seed)
    pool = KillablePool(
        "matsift_adapters.oracles.chgnet:label_elasticity",
        n_worker=options.workers,
        time_limit_s=300.0,
        initializer="matsift_adapters.oracles.chgnet:initialize_worker",
    )
    found = {}
    with pool:
        for outcome in pool.run(
            (i, Crystal.from_pymatgen(Structure.from_dict(r["structure"]))) for i, r in rows.items()
        ):
            if outcome.ok:
                found[outcome.key] = outcome.value
            else:
                print(f"{rows[outcome.key]['formula']}: {outcome.message}")  # type: ignore[index]  # keys are the rows'
    stable = [i for i in rows if i in found and found[i]["born_stable"]]
    print(f"{METHOD}, strains of +-{100 * STRAIN:g} %")
    print(f"{len(rows)} structures, {len(found)} labelled, {len(stable)} of them Born stable; stable ones against DFT:")
    print("modulus   n   MAE/GPa     R2   median ratio   Spearman")
    for name, column in (("k_vrh", "K_VRH"), ("g_vrh", "G_VRH")):
        ours = np.array([found[i][name] for i in stable])
        dft = np.array([float(rows[i][column]) for i in stable])
        print(compared(name, ours, dft))


def draw(n: int, largest_cell: int, seed: int) -> dict[int, dict[str, Any]]:
    """Return n rows of the set with cells up to a size, drawn by seed."""
    with gzip.open(DATA, "rt") as file:
        table = json.load(file)
    rows = [dict(zip(table["columns"], values, strict=True)) for values in table["data"]]
    small = [row for row in rows if row["nsites"] <= largest_cell]
    order = np.random.default_rng(seed).permutation(len(small))[:n]
    return {int(i): small[i] for i in sorted(order)}


def compared(name: str, ours: NDArray[np.float64], dft: NDArray[np.float64]) -> str:
    """Return one line of the table."""
    mae = np.abs(ours - dft).mean()
    r2 = 1 - ((ours - dft) ** 2).sum() / ((dft - dft.mean()) ** 2).sum()
    rank = spearmanr(ours, dft).statistic
    return f"{name:<7} {len(ours):>3} {mae:>9.1f} {r2:>6.2f} {np.median(ours / dft):>14.2f} {rank:>10.2f}"


if __name__ == "__main__":
    main()

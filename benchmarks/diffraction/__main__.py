"""Ideal powder profiles beside pymatgen's XRDCalculator, printed as Markdown: the same numbers and both rates.

make bench-diffraction
python -m benchmarks.diffraction --structures 1000
"""

from __future__ import annotations

import argparse
from importlib.metadata import version

from benchmarks.diffraction.rates import table
from benchmarks.diffraction.samples import samples
from benchmarks.repro_001.real_data import data_folder

_SEED = 2026


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=300, help="most structures of each set")
    settings = parser.parse_args()
    if not (data_folder() / "structures").exists():
        print(f"There are no published data in {data_folder()} (MATSIFT_DATA): AFLOW prototypes only.\n")
    print(f"pymatgen {version('pymatgen')}, one thread each, in turn; Cu K-alpha, 0.1131 < 1/d < 1.0625 1/angstrom.\n")
    for line in table(samples(settings.structures, _SEED)):
        print(line, flush=True)


if __name__ == "__main__":
    main()

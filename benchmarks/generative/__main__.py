"""Rates of generative design on one core beside other codes, printed as Markdown.

make bench-generative
python -m benchmarks.generative --formulas 100000
"""

from __future__ import annotations

import argparse

from benchmarks.generative import cells, rates
from benchmarks.telling import versions

_SEED = 2026


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formulas", type=int, default=20_000, help="random compositions to measure with")
    parser.add_argument("--compounds", type=int, default=300, help="bundled compounds made from others")
    settings = parser.parse_args()
    print(f"{versions('scipy', 'SMACT', 'scikit-learn', 'numba')}; one thread, seconds of the processor.\n")
    for line in rates.table(settings.formulas, _SEED):
        print(line, flush=True)
    print("\nCrystals of the bundled set made from others of their prototype, before relaxation; ", end="")
    for line in cells.table(settings.compounds, _SEED):
        print(line, flush=True)


if __name__ == "__main__":
    main()

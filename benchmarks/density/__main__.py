"""What densities cost, printed as Markdown: promolecules beside plainer ways, the networks' layers, training.

make bench-density
python -m benchmarks.density --densities 500
"""

from __future__ import annotations

import argparse

from benchmarks.density import layers, memory, promolecules


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--densities", type=int, default=5000, help="densities that are trained on; 0 leaves it out")
    parser.add_argument("--repeats", type=int, default=7, help="tries of each promolecule, the best of which counts")
    chosen = parser.parse_args()
    print("Promolecules on 60 x 60 x 60 points, one thread; wanted: below 50 ms for ten atoms.\n")
    for line in promolecules.lines(chosen.repeats):
        print(line, flush=True)
    print("\nForward and backward of a batch of 32 densities of Fm-3m, one thread, time of the processor.\n")
    for line in layers.lines(chosen.repeats):
        print(line, flush=True)
    if chosen.densities:
        print(f"\nOne pass of the 3D network (32 filters), one thread; wanted: below {memory.WANTED_GIB:g} GiB.\n")
        for line in memory.lines(chosen.densities, 60):
            print(line, flush=True)


if __name__ == "__main__":
    main()

"""What leaks, which groups have enough members, how many structure types: of the published crystals, as Markdown.

python -m benchmarks.diffraction.sets
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from benchmarks.repro_002.crystals import PAPER_SETS, stock
from benchmarks.repro_002.described import Described, described
from numpy.typing import NDArray

from matsift.diffraction.group_relations import line_class
from matsift.diffraction.leakage import leak_pairs, with_partner
from matsift.diffraction.measured_like import MeasuredLike
from matsift.diffraction.sets import RANGES, SetSettings, draw_sets
from matsift.diffraction.structure_type import TypeSplitSettings, split_by_type
from matsift.diffraction.synthetic import synthetic_crystals

_SETTINGS = (SetSettings(), SetSettings(min_items=80), SetSettings(n_item=8, min_items=60))
_N_SYNTHETIC = 20
_N_PROFILE = 5000
_SEED = 2026


def main() -> None:
    """Print the tables; profiles and symmetry are those that `make repro-002` keeps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".matsift/repro_002"), help="what make repro-002 keeps")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    crystals = stock(options.home, PAPER_SETS, n_worker=options.workers, tell=print)
    data = described(options.home, crystals, n_worker=options.workers, tell=print)
    leak_pairs(data.profiles.take([0, 0]), [1, 1])  # compiled before it is timed
    started = time.process_time()
    pairs = leak_pairs(data.profiles, data.groups)
    seconds = time.process_time() - started
    share = with_partner(len(data), pairs).mean()
    print(
        f"{len(data)} crystals of {len(np.unique(data.groups))} space groups, {len(np.unique(data.types))} structure "
        f"types. Look-alikes: {len(pairs)} pairs found in {seconds:.1f} s of processor time; {share:.1%} of the "
        "crystals have one.\n"
    )
    _tell_sets(data, pairs)
    _tell_made(data)
    print(f"\nClasses of space groups by the places of their lines: {len({line_class(n) for n in range(1, 231)})}.")


def _tell_sets(data: Described, pairs: NDArray[np.int64]) -> None:
    print(
        "| items x sets | least members | groups | left out by type | " + " | ".join(f"D({n})" for n in RANGES) + " |"
    )
    print("|" + "---|" * (4 + len(RANGES)))
    for settings in _SETTINGS:
        sets = draw_sets(data.groups, data.log_volumes, data.log_densities, pairs, settings)
        split = split_by_type(sets.classes, data.types.tolist(), TypeSplitSettings(n_item=settings.n_item))
        sizes = " | ".join(str(int(sets.in_range[name].sum())) for name in RANGES)
        print(
            f"| {settings.n_item} x {settings.n_set} | {settings.least} | {len(sets.groups)} | {len(split.without)} | "
            f"{sizes} |"
        )


def _tell_made(data: Described) -> None:
    """Print how long it takes to make up what is trained on."""
    rng = np.random.default_rng(_SEED)
    some = data.profiles.take(np.arange(min(_N_PROFILE, len(data))))
    change = MeasuredLike()
    change(some.take([0]), rng)
    started = time.process_time()
    made = change(some, rng)
    micro = (time.process_time() - started) / len(some) * 1e6
    print(
        f"\nAs measured: {micro:.0f} microseconds a profile; {np.diff(some.offsets).mean():.0f} lines become "
        f"{np.diff(made.offsets).mean():.0f}.\n\n"
        "| random crystals of | milliseconds of processor time each | atoms |\n|---|---|---|"
    )
    for group in (2, 14, 62, 141, 167, 206, 227):
        synthetic_crystals(group, 1, rng)
        started = time.process_time()
        crystals = synthetic_crystals(group, _N_SYNTHETIC, rng)
        milli = (time.process_time() - started) / _N_SYNTHETIC * 1e3
        print(f"| {group} | {milli:.0f} | {np.mean([c.n_site for c in crystals]):.0f} |")


if __name__ == "__main__":
    main()

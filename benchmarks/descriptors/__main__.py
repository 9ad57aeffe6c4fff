"""The descriptor engine beside matminer, printed as Markdown: parity, failures, rates, from database to database.

make bench-descriptors
python -m benchmarks.descriptors --only rates database --sizes 1000 10000
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.descriptors import database, no_failures, parity, rates, reference
from benchmarks.descriptors.disagreements import described, without_value
from benchmarks.descriptors.samples import SEED, Sample, everything
from benchmarks.repro_001.real_data import data_folder

from matsift.crystal import Crystal
from matsift_adapters.settings import available_cpus

_PARTS = ("parity", "failures", "rates", "database")


def main() -> None:
    """Run the parts asked for, all unless some are named."""
    settings = _settings()
    samples = everything(settings.limit)
    if not (data_folder() / "structures").exists():
        print(f"There are no published data in {data_folder()} (MATSIFT_DATA): AFLOW prototypes only.\n")
    templates = [s.crystal for s in samples if 8 <= s.crystal.n_site <= 12]
    if "parity" in settings.only:
        _parity(samples, settings)
    if "failures" in settings.only:
        print("## Every published structure\n")
        print("\n".join(no_failures.table(settings.limit, settings.workers)))
    if "rates" in settings.only:
        _rates(samples, templates, settings)
    if "database" in settings.only:
        _database(templates, settings)


def _parity(samples: Sequence[Sample], settings: argparse.Namespace) -> None:
    if not settings.cached_only:
        reference.fill(
            samples, settings.cache, settings.workers, time_limit_s=settings.time_limit, again=settings.again
        )
    cache = reference.load(settings.cache)
    comparisons = parity.compare(samples, cache)
    print("## The same numbers\n")
    for comparison in comparisons:
        sets = [sample.set_name for sample in comparison.samples]
        counts = ", ".join(f"{sets.count(name)} of {name}" for name in sorted(set(sets)))
        print(f"{comparison.kind}: matminer was asked for {len(sets)} structures ({counts}).")
    print("\n" + "\n".join(parity.agreement_table(comparisons)) + "\n")
    print("\n".join(without_value(comparisons, samples)) + "\n")
    print("\n".join(described(comparisons)) + "\n")


def _rates(samples: Sequence[Sample], templates: Sequence[Crystal], settings: argparse.Namespace) -> None:
    print("## Rates on one core\n")
    small = [sample for sample in samples if sample.crystal.n_site <= settings.largest]
    chosen = np.random.default_rng(SEED).permutation(len(small))[: settings.structures]
    print("\n".join(rates.in_turn([small[i] for i in chosen])) + "\n")
    cells, both = rates.tessellation_share(templates, SEED)
    print(
        f"Ten atoms: {1 / both:,.0f} structures a CPU second; the tessellation takes {cells / both:.0%} of the time.\n"
    )
    print("## Rates over cores\n")
    workers = range(1, settings.workers + 1)
    print("\n".join(rates.scaling(templates, workers, 20_000, SEED)) + "\n")


def _database(templates: Sequence[Crystal], settings: argparse.Namespace) -> None:
    print("## From database to database\n")
    folder = settings.cache / "database"
    shutil.rmtree(folder, ignore_errors=True)
    per_structure_s = rates.tessellation_share(templates, SEED)
    try:
        runs = list(database.run(folder, templates, settings.sizes, n_worker=settings.workers, seed=SEED))
    finally:
        database.remove(folder)
    print("\n".join(database.table(runs, per_structure_s, available_cpus(), settings.workers)))


def _settings() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=_PARTS, default=_PARTS)
    parser.add_argument("--limit", type=int, help="structures of the comparison, small cells first; default: all")
    parser.add_argument("--cache", type=Path, default=Path(".matsift/bench_descriptors"), help="matminer's values")
    parser.add_argument("--cached-only", action="store_true", help="compare what the cache holds, ask matminer nothing")
    parser.add_argument("--time-limit", type=float, default=reference.TIME_LIMIT_S, help="matminer's, s a structure")
    parser.add_argument("--again", action="store_true", help="ask matminer again for what exceeded the limit before")
    parser.add_argument("--workers", type=int, default=available_cpus())
    parser.add_argument("--structures", type=int, default=40, help="structures that both are timed on")
    parser.add_argument("--largest", type=int, default=20, help="most atoms in a cell that both are timed on")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="database to database")
    return parser.parse_args()


if __name__ == "__main__":
    main()

"""Featurization on one and two processes of this machine and on one and two Dask workers, printed as Markdown.

python -m benchmarks.scaling
python -m benchmarks.scaling --structures 4000 --rounds 5
"""

from __future__ import annotations

import argparse
import os
import pickle
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from benchmarks.descriptors.samples import Sample, prototypes
from benchmarks.descriptors.variants import variants
from benchmarks.scaling.cluster import Cluster
from benchmarks.scaling.machine import busy_ratio

from matsift.crystal import Crystal
from matsift.descriptors.batches import compute_many
from matsift.descriptors.registry import compute_chunk
from matsift.execution.dask_pool import DaskPools
from matsift.execution.pools import Pools, open_pool, pools_at

SETS = ("mp", "magpie", "voronoi")
_N_TEMPLATE, _MOST_SITES = 200, 40
_N_TRIVIAL = 300

_Way = tuple[str, int, Pools | None]


def main() -> int:
    """Print rates in turn, what this machine's cores give, what travels and what an item costs."""
    options = _options()
    templates = [s.crystal for s in islice(_small(), _N_TEMPLATE)]
    crystals = list(variants(templates, options.structures, seed=1))
    with TemporaryDirectory(prefix="matsift_scaling_") as folder, ExitStack() as stack:
        ways: list[_Way] = [("processes here", n, None) for n in (1, 2)]
        for n in (1, 2):
            cluster = stack.enter_context(Cluster(Path(folder) / str(n), n))
            pools = DaskPools(cluster.address, print)
            stack.callback(pools.close)
            while pools.n_at_once(1) < n:
                time.sleep(0.1)
            ways.append(("Dask workers", n, pools))
        for line in (*_rates(ways, crystals, options), *_transport(crystals, options.chunk), *_items(ways)):
            print(line, flush=True)
    return 0


def _rates(ways: Sequence[_Way], crystals: Sequence[Crystal], options: argparse.Namespace) -> Iterator[str]:
    """Yield the table of rates; each round does all ways in turn and asks what two cores give."""
    rates, ratios, loads = defaultdict[_Way, list[float]](list), list[float](), list[float]()
    for _ in range(options.rounds):
        for way in ways:
            rates[way].append(_rate(way, crystals, options.chunk))
        ratios.append(busy_ratio())
        loads.append(os.getloadavg()[0])
    atoms = np.mean([crystal.n_site for crystal in crystals])
    yield (
        f"{len(crystals):,} structures of {atoms:.1f} atoms on average, sets {' + '.join(SETS)}, chunks of "
        f"{options.chunk}, {options.rounds} rounds in turn; load of the machine {min(loads):.0f} to {max(loads):.0f}. "
        f"Two plain busy processes did {np.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) times the work "
        "of one."
    )
    yield ""
    yield "| where | workers | structures/s, median | least to most | over one worker | over as many processes here |"
    yield "|---|---|---|---|---|---|"
    for place, n, pools in ways:
        own, way = np.array(rates[place, n, pools]), next(w for w in ways if w[:2] == (place, 1))
        here = np.array(rates["processes here", n, None])
        yield (
            f"| {place} | {n} | {np.median(own):,.0f} | {own.min():,.0f} to {own.max():,.0f} | "
            f"{np.median(own / np.array(rates[way])):.2f} | {np.median(own / here):.2f} |"
        )
    yield ""


def _rate(way: _Way, crystals: Sequence[Crystal], chunk: int) -> float:
    """Return structures a second by the clock, from the first answer of each worker on."""
    _, n, pools = way
    times, counts = list[float](), list[int]()
    with pools_at(pools):
        for keys, _ in compute_many(SETS, crystals, n_worker=n, time_limit_s=300, chunk_size=chunk):
            times.append(time.perf_counter())
            counts.append(len(keys))
    return sum(counts[2 * n :]) / (times[-1] - times[2 * n - 1])


def _transport(crystals: Sequence[Crystal], chunk: int) -> Iterator[str]:
    some = list(crystals[:chunk])
    there, back = (len(pickle.dumps(x)) / len(some) for x in ((SETS, some, None), compute_chunk((SETS, some, None))))
    yield f"Bytes that travel for a structure: {there:,.0f} there (crystal), {back:,.0f} back (values)."
    yield ""


def _items(ways: Sequence[_Way]) -> Iterator[str]:
    """Yield what an item costs that does nothing."""
    yield "| where | workers | ms of an item that does nothing |"
    yield "|---|---|---|"
    for place, n, pools in ways:
        with pools_at(pools), open_pool("builtins:abs", n_worker=n, time_limit_s=60) as pool:
            _drained(pool.run((i, i) for i in range(10 * n)))
            began = time.perf_counter()
            _drained(pool.run((i, i) for i in range(_N_TRIVIAL)))
            yield f"| {place} | {n} | {1e3 * (time.perf_counter() - began) / _N_TRIVIAL:.1f} |"


def _drained(outcomes: Iterator[object]) -> None:
    for _ in outcomes:
        pass


def _small() -> Iterator[Sample]:
    return (sample for sample in prototypes() if sample.crystal.n_site <= _MOST_SITES)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description="what more workers bring")
    parser.add_argument("--structures", type=int, default=4000, help="structures of a measurement")
    parser.add_argument("--chunk", type=int, default=100, help="structures of an item")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each way, in turn")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())

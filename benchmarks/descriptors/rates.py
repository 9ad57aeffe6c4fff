"""How many structures matminer and the engine do in a CPU second of one core, in turn on the same structures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from benchmarks.descriptors.samples import Sample
from benchmarks.descriptors.variants import variants

from matsift.crystal import Crystal
from matsift.descriptors.batches import compute_many
from matsift.descriptors.matminer_reference import reference_magpie, reference_structural
from matsift.descriptors.registry import compute_chunk
from matsift.descriptors.tessellation import tessellate
from matsift.errors import DescriptorError

_BLOCK, _CHUNK, _CPU_SECONDS = 5, 200, 0.5
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("composition", ("magpie",)),
    ("structural", ("voronoi",)),
    ("both in one call", ("magpie", "voronoi")),
)


@dataclass
class Seconds:
    """CPU seconds for n structures."""

    n: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Structures a CPU second."""
        return self.n / self.seconds


def in_turn(samples: Sequence[Sample]) -> Iterator[str]:
    """Yield the lines of the table of rates: matminer does a block, the engine all structures, and so on in turn."""
    crystals = [sample.crystal for sample in samples]
    _peer(crystals[:1])
    chunk = crystals * max(1, _CHUNK // len(crystals))
    peer, ours = {kind: Seconds() for kind, _ in _KINDS}, {kind: Seconds() for kind, _ in _KINDS}
    n_without = 0
    for start in range(0, len(crystals), _BLOCK):
        block = crystals[start : start + _BLOCK]
        composition, structural, without = _peer(block)
        n_without += without
        for kind, seconds in zip(peer, (composition, structural, composition + structural), strict=True):
            peer[kind].n += len(block)
            peer[kind].seconds += seconds
        for kind, sets in _KINDS:
            done = _repeated(partial(compute_chunk, (sets, chunk, None)), len(chunk))
            ours[kind].n += done.n
            ours[kind].seconds += done.seconds
    atoms = np.mean([crystal.n_site for crystal in crystals])
    yield f"{len(crystals)} structures of {atoms:.1f} atoms on average, {n_without} without a value by matminer."
    yield ""
    yield "| descriptors | matminer, structures a CPU second | matsift | ratio |"
    yield "|---|---|---|---|"
    for kind, _ in _KINDS:
        yield f"| {kind} | {peer[kind].rate:.2f} | {ours[kind].rate:,.0f} | {ours[kind].rate / peer[kind].rate:,.0f} |"


def tessellation_share(templates: Sequence[Crystal], seed: int) -> tuple[float, float]:
    """Return CPU seconds a structure, of about ten atoms, for the Voronoi cells and for all descriptors in one call."""
    crystals = list(variants(templates, _CHUNK, seed))
    cells = _repeated(lambda: tessellate(crystals), len(crystals))
    everything = _repeated(lambda: compute_chunk((("magpie", "voronoi"), crystals, None)), len(crystals))
    return 1 / cells.rate, 1 / everything.rate


def scaling(templates: Sequence[Crystal], workers: Sequence[int], n: int, seed: int) -> Iterator[str]:
    """Yield the lines of the table of rates by number of worker processes, wall-clock, their start not counted."""
    crystals = list(variants(templates, n, seed))
    yield "| worker processes | structures a second | over one |"
    yield "|---|---|---|"
    first = None
    for n_worker in workers:
        times, counts = [], []
        for keys, _ in compute_many(
            ("magpie", "voronoi"), crystals, n_worker=n_worker, time_limit_s=60, chunk_size=_CHUNK
        ):
            times.append(time.perf_counter())
            counts.append(len(keys))
        began = 2 * n_worker  # both workers are up and running
        rate = sum(counts[began + 1 :]) / (times[-1] - times[began])
        first = first or rate
        yield f"| {n_worker} | {rate:,.0f} | {rate / first:.2f} |"


def _peer(crystals: Sequence[Crystal]) -> tuple[float, float, int]:
    """Return matminer's CPU seconds for compositions and for structures, and how many it gives no value for."""
    started = time.process_time()
    for crystal in crystals:
        reference_magpie(crystal)
    between, n_without = time.process_time(), 0
    for crystal in crystals:
        try:
            reference_structural(crystal)
        except DescriptorError:
            n_without += 1
    return between - started, time.process_time() - between, n_without


def _repeated(work: Callable[[], object], n: int) -> Seconds:
    """Run some work on n structures once unmeasured and then for a while."""
    work()
    done, started = 0, time.process_time()
    while time.process_time() - started < _CPU_SECONDS:
        work()
        done += n
    return Seconds(done, time.process_time() - started)

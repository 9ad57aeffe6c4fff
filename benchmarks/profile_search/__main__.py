"""The search for a pattern's phases among 100,000 profiles, printed as Markdown: time, hits, and fitted weights.

make bench-search
python -m benchmarks.profile_search --patterns 30 --profiles 40000
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from benchmarks.profile_search.patterns import found_peaks
from benchmarks.profile_search.stored import Stored, stored
from benchmarks.telling import has_data
from numpy.typing import NDArray

from matsift.diffraction.identify import identify
from matsift.diffraction.peaks import PeakList
from matsift.diffraction.search import ProfileIndex
from matsift.diffraction.trial_patterns import fit_evidence

_SEED = 2026
_HEADING = (
    "| searched in | patterns | structure first | in the first 5 | its space group first | in the first 5 | "
    "median time s | longest s |"
)


def main() -> int:
    """Print the tables; 1 if a search takes a second, 2 if there are no data."""
    options = _options()
    if not has_data("structures"):
        return 2
    data = stored(options.home.parent / "repro_002", options.profiles, n_worker=options.workers, seed=_SEED, tell=_tell)
    begin = time.perf_counter()
    index = ProfileIndex.build(data.profiles, np.arange(len(data.groups)), data.groups)
    print(
        f"{len(index):,} profiles, {len(data.crystals):,} of them of published crystals, the others isotypes of them;"
    )
    print(
        f"{len(index.q) / len(index):.0f} lines a profile; the index is built in {time.perf_counter() - begin:.1f} s.\n"
    )
    rng = np.random.default_rng(_SEED)
    rows = rng.permutation(len(data.crystals))[: 2 * options.patterns]
    single = found_peaks(options.home, [(data.crystals[row],) for row in rows[: options.patterns]], _SEED)
    slowest = _table(index, data, single, rows[: options.patterns])
    pairs = rows[: 2 * (options.patterns // 4)].reshape(-1, 2)
    _mixtures(
        index, found_peaks(options.home, [tuple(data.crystals[r] for r in pair) for pair in pairs], _SEED + 1), pairs
    )
    several = [len(identify(peaks, index, None).mixture) > 1 for peaks in single if peaks is not None]
    print(f"Patterns of one phase that are told to hold several: {np.mean(several):.1%}.\n")
    _weights(index, data, rows, options.patterns)
    return int(slowest >= 1.0)


def _table(index: ProfileIndex, data: Stored, patterns: list[PeakList | None], rows: NDArray[np.int64]) -> float:
    """Print hits and times of simulated patterns of one phase; return the longest search in seconds."""
    real = ProfileIndex.build(
        data.profiles.take(np.arange(len(data.crystals))),
        np.arange(len(data.crystals)),
        data.groups[: len(data.crystals)],
    )
    print(_HEADING)
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    longest = 0.0
    for title, where in (("published crystals", real), ("all", index)):
        hits, times = [], []
        seen = [(peaks, row) for peaks, row in zip(patterns, rows.tolist(), strict=True) if peaks is not None]
        where.search(seen[0][0])
        for peaks, row in seen:
            begin = time.perf_counter()
            matches = where.search(peaks, n=100)
            times.append(time.perf_counter() - begin)
            groups = list(dict.fromkeys(where.space_groups[matches.rows].tolist()))
            true = data.groups[row]
            hits.append([row in matches.rows[:1], row in matches.rows[:5], true in groups[:1], true in groups[:5]])
        shares = " | ".join(f"{share:.0%}" for share in np.mean(hits, axis=0))
        print(
            f"| {title} ({len(where):,}) | {len(seen)} | {shares} | {np.median(times):.2f} | {max(times):.2f} |",
            flush=True,
        )
        longest = max(times)
    return longest


def _mixtures(index: ProfileIndex, patterns: list[PeakList | None], pairs: NDArray[np.int64]) -> None:
    """Print how often the phases of a mixture are named, themselves or as an isotype of their space group."""
    themselves, as_group, foreign, times = [], [], [], []
    for peaks, pair in zip(patterns, pairs, strict=True):
        if peaks is None:
            continue
        begin = time.perf_counter()
        answer = identify(peaks, index, None)
        times.append(time.perf_counter() - begin)
        rows = {phase.row for phase in answer.mixture}
        groups = {phase.space_group_number for phase in answer.mixture}
        true = index.space_groups[pair].tolist()
        themselves.append([row in rows for row in pair.tolist()])
        as_group.append([group in groups for group in true])
        foreign.append(bool(groups - set(true)))
    print(
        f"\nMixtures of two phases, 2 to 1 by volume, in all profiles: {len(times)} patterns; the larger phase is named"
    )
    print("in {:.0%}, the smaller in {:.0%};".format(*np.mean(themselves, axis=0)), end=" ")
    print("a phase of its space group in {:.0%} and {:.0%};".format(*np.mean(as_group, axis=0)))
    print(f"one of a third group in {np.mean(foreign):.0%}; {np.median(times):.2f} s an answer.\n")


def _weights(index: ProfileIndex, data: Stored, rows: NDArray[np.int64], n: int) -> None:
    """Print the weights of the search alone, fitted on other crystals' trial patterns."""
    chosen = rows[n : 2 * n]
    crystals = [data.crystals[row] for row in chosen]
    rng = np.random.default_rng(_SEED)
    fitted = fit_evidence(crystals, data.groups[chosen], chosen, index, None, rng)
    print(
        f"Weights of the search alone, by {fitted.n_pattern} trial patterns, half of whose crystals it does not know:"
    )
    print(
        f"search {fitted.search:.2f}, number {fitted.number:.2f}, unknown {fitted.unknown:.2f}, "
        f"threshold {fitted.threshold:.4f}."
    )


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profiles", type=int, default=100_000)
    parser.add_argument("--patterns", type=int, default=120, help="simulated patterns of one phase")
    parser.add_argument("--workers", type=int, default=2, help="processes that read structures the first time")
    parser.add_argument("--home", type=Path, default=Path(".matsift/profile_search"), help="what is kept between runs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""``make bench-identify``: how often network, profile search and both find the space group of measured patterns."""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.kept_lines import KeptLines
from benchmarks.measured_patterns import tables
from benchmarks.measured_patterns.answers import Answer, Asked, Found, by_both, by_networks, by_search, searched
from benchmarks.measured_patterns.lines import lines_of
from benchmarks.measured_patterns.mixed import mixed
from benchmarks.measured_patterns.patterns import Case, minerals, mixtures, refinements
from benchmarks.repro_002.__main__ import draw, ensemble, options_of
from benchmarks.repro_002.code_mark import code_hash
from benchmarks.repro_002.crystals import ALL_SETS, PAPER_SETS, Stock, digest_of, stock
from benchmarks.repro_002.described import described
from benchmarks.repro_002.task import NETWORKS, Items, Networks, Task
from benchmarks.telling import has_data, tell
from numpy.typing import NDArray
from pymatgen.core import Composition

from matsift.crystal import Crystal
from matsift.diffraction.ensemble import SpaceGroupEnsemble
from matsift.diffraction.measured_like import MeasuredLike
from matsift.diffraction.search import ProfileIndex
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.together import Evidence
from matsift.diffraction.trial_patterns import fit_evidence

_N_TRIAL = 150
#: Members of the ensemble that learns from measured-like profiles.
N_MEMBER = 3
_SEARCH_CODE = ("grid", "peaks", "search", "search_kernel", "positions")


def main() -> int:
    """Print the tables; 2 if there are no data."""
    options = _options()
    if not has_data():
        return 2
    begin = time.monotonic()
    stored = _stored(options)
    index = ProfileIndex.build(stored.profiles, np.arange(len(stored.groups)), stored.groups)
    networks = {} if options.no_networks else _networks(options)
    mark = f"{digest_of(stored.crystals)}-{code_hash(_SEARCH_CODE)}"
    refined, left_out = refinements()
    lines = ["# Measured patterns", "", f"{dt.datetime.now(tz=dt.UTC).date()}, seed {options.seed}.", ""]
    for cases in (list(minerals())[: options.limit], refined):
        lines += _section(cases, index, networks, mark, options)
    lines += [f"- {sentence}" for sentence in left_out]
    lines += ["## A-Lab", "", *_mixtures(index, stored, options)]
    lines += [f"This run took {(time.monotonic() - begin) / 60:.1f} min; what was kept is not in it.", ""]
    text = "\n".join(lines)
    if options.out:
        options.out.write_text(text)
    print(text)
    return 0


@dataclass(frozen=True, eq=False)
class _Stored:
    """What is searched: n crystals, their profiles and their space groups (n,)."""

    crystals: tuple[Crystal, ...]
    profiles: SparseProfiles
    groups: NDArray[np.int64]


def _stored(options: argparse.Namespace) -> _Stored:
    """Return all crystals at hand; those that networks are trained on are described once for both benchmarks."""
    everything = stock(options.home, ALL_SETS, n_worker=options.workers, tell=tell)
    parts = []
    for is_known in (True, False):
        rows = [i for i, name in enumerate(everything.sets) if (name in PAPER_SETS) == is_known]
        part = Stock(
            tuple(everything.crystals[i] for i in rows),
            tuple(everything.sets[i] for i in rows),
            tuple(everything.names[i] for i in rows),
        )
        parts.append((part, described(options.home, part, n_worker=options.workers, tell=tell)))
    return _Stored(
        tuple(part.crystals[i] for part, data in parts for i in data.rows.tolist()),
        SparseProfiles.concatenate(data.profiles for _, data in parts),
        np.concatenate([data.groups for _, data in parts]),
    )


@dataclass(frozen=True, eq=False)
class _Trained:
    """An ensemble with the weights of network and search that go with it."""

    networks: SpaceGroupEnsemble
    evidence: Evidence


def _networks(options: argparse.Namespace) -> dict[str, _Trained]:
    """Return SpgVolNet trained on ideal profiles and on measured-like ones, both calibrated on measured-like items."""
    crystals = stock(options.home, PAPER_SETS, n_worker=options.workers, tell=tell)
    task = draw(crystals, options)
    items, _ = task.held_out()
    rng = np.random.default_rng(options.seed)
    asked = MeasuredLike()(items.profiles, rng)
    found = {}
    for name, networks in _trained(task, crystals, options).items():
        known = networks.calibrated(asked, items.classes, items.volumes)
        found[name] = _Trained(known, _evidence(task, items, known, crystals.crystals, options))
    return found


def _trained(task: Task, crystals: Stock, options: argparse.Namespace) -> dict[str, SpaceGroupEnsemble]:
    best = NETWORKS[0]
    measured_like = Networks("vol_measured_like", best.title, best.has_volume, best.range_name, N_MEMBER)
    return {
        "ideal": ensemble(task, best, crystals, options),
        "measured-like": ensemble(task, measured_like, crystals, options, MeasuredLike()),
    }


def _evidence(
    task: Task, items: Items, networks: SpaceGroupEnsemble, crystals: Sequence[Crystal], options: argparse.Namespace
) -> Evidence:
    """Return the weights of network and search, by crystals that the networks were not trained on."""
    tell("weights of network and search")
    rng = np.random.default_rng(options.seed)
    rows = rng.choice(len(items), min(_N_TRIAL, len(items)), replace=False)
    data = task.data
    index = ProfileIndex.build(data.profiles, data.rows, data.groups)
    chosen = data.rows[items.rows[rows]]
    return fit_evidence([crystals[i] for i in chosen], items.groups[rows], chosen, index, networks, rng)


def _section(
    cases: Sequence[Case],
    index: ProfileIndex,
    networks: Mapping[str, _Trained],
    mark: str,
    options: argparse.Namespace,
) -> list[str]:
    """Return the tables of patterns whose space groups are known."""
    lines = lines_of(cases, options.home, n_worker=options.workers, tell=tell)
    asked = Asked.of(cases, lines)
    digest = hashlib.sha256(asked.profiles.bins.tobytes()).hexdigest()[:8]
    kept = KeptLines(options.home / f"matches-{cases[0].kind.split()[0]}-{mark}-{digest}.jsonl")
    found = searched(asked, index, kept, tell)
    told = _told(asked, found, networks)
    groups = next(iter(networks.values())).networks.groups if networks else ()
    known = np.isin(asked.groups, np.array(groups, dtype=np.int64))
    head = [f"## {cases[0].kind}", "", *tables.read(cases, lines)]
    if len(asked.cases) < 50:
        return [*head, *tables.answers(asked, told, known), *tables.one_by_one(asked, told)]
    return [
        *head,
        *tables.coverage(asked, groups, index.space_groups),
        *tables.answers(asked, told, known),
        *tables.by_score(asked, found, told["search"]),
        *tables.by_group(asked, told),
    ]


def _told(asked: Asked, found: Sequence[Found], networks: Mapping[str, _Trained]) -> dict[str, list[Answer]]:
    told = {"search": by_search(asked, found)}
    for name, one in networks.items():
        told[f"networks, {name}"] = by_networks(asked, one.networks)
        told[f"both, {name}"] = by_both(asked, found, one.networks, one.evidence)
    return told


def _mixtures(index: ProfileIndex, stored: _Stored, options: argparse.Namespace) -> list[str]:
    cases, left_out = mixtures()
    lines = lines_of(cases, options.home, n_worker=options.workers, tell=tell)
    formulae = [Composition(_amounts(crystal)).reduced_formula for crystal in stored.crystals]
    tell(f"mixtures: {len(cases)} patterns")
    found = mixed(cases, lines, index, formulae)
    return [*tables.read(cases, lines), *tables.mixtures(found), *(f"- {sentence}" for sentence in left_out)]


def _amounts(crystal: Crystal) -> dict[str, float]:
    amounts: dict[str, float] = {}
    for symbol, occupancy in zip(crystal.species, crystal.occupancies.tolist(), strict=True):
        amounts[symbol] = amounts.get(symbol, 0.0) + occupancy
    return amounts


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.measured_patterns",
        description="Top-1 and top-5 rates of network, profile search and both on measured patterns, as Markdown.",
        epilog="example: python -m benchmarks.measured_patterns --no-networks --limit 50",
    )
    options_of(parser)
    parser.add_argument("--limit", type=int, help="only the first minerals, for trying")
    parser.add_argument("--no-networks", action="store_true", help="the profile search alone")
    parser.add_argument("--out", type=Path, help="write the tables to this file as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

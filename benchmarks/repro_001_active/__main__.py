"""``make repro-001-active``: the campaigns of paper 001, replayed on published labels."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.repro_001 import paper
from benchmarks.repro_001_active import tables
from benchmarks.repro_001_active.cost import measure
from benchmarks.repro_001_active.curves import arms, curve
from benchmarks.repro_001_active.data import PROPERTIES, TITLE, Labelled, load, split
from benchmarks.repro_001_active.kept import KeptRounds
from benchmarks.telling import has_data, versions

from matsift.acquisition.replay_table import ReplayTable
from matsift.acquisition.simulation import SimulatedCampaign, SimulatedRound, Simulation
from matsift.learners.lightgbm_ensemble import LightGbmSettings
from matsift.study.strategies import known_strategies

SEED = 1
#: What is not LightGBM as it comes: a quarter of the bins halves the time of a member and costs no accuracy.
BASE = {"max_bin": 63}


def main() -> int:
    """Print the tables; 1 if exploration needs more than half of random's labels, 2 if there are no data."""
    options = _options()
    if not has_data():
        return 2
    begin = time.monotonic()
    settings = LightGbmSettings.model_validate(
        {**BASE, "members": options.members, **{key: json.loads(value) for key, _, value in map(_pair, options.set)}}
    )
    data = load(options.home, n_worker=options.workers, limit=options.limit)
    lines = _heading(settings, options)
    seeds = range(SEED, SEED + options.seeds)
    parts = {seed: split(data, n_pool=options.pool, test_share=options.test_share, seed=seed) for seed in seeds}
    lines += _parts(data, parts[SEED])
    if not options.no_cost:
        said = {name: measure(parts[SEED], name, settings, seed=SEED) for name in options.properties}
        lines += ["### Bins of their own against shared bins", "", *tables.costs(said)]
    campaigns = [campaign for seed in seeds for campaign in _campaigns(options, seed)]
    done: dict[str, list[SimulatedRound]] = {}
    for seed, table in parts.items():
        done |= _run(table, [c for c in campaigns if c.seed == seed], settings, options)
    told, met = _curves(campaigns, done, options)
    lines += [*told, f"This run took {(time.monotonic() - begin) / 60:.1f} min.", ""]
    text = "\n".join(lines)
    if options.out:
        options.out.write_text(text)
    print(text)
    return 0 if met else 1


def _run(
    table: ReplayTable,
    campaigns: Sequence[SimulatedCampaign],
    settings: LightGbmSettings,
    options: argparse.Namespace,
) -> dict[str, list[SimulatedRound]]:
    """Run the campaigns of one seed to their ends, or go on with them, and return all their rounds."""
    kept = KeptRounds(options.home, table, settings, options.bins)
    found = kept.load()
    n_done = {campaign.name: len(found.get(campaign.name, ())) for campaign in campaigns}
    simulation = Simulation(table, settings, n_worker=options.workers, bins=options.bins)
    begin = time.monotonic()
    for campaign, one in simulation.run(campaigns, {name: tuple(rounds) for name, rounds in found.items()}):
        kept.keep(campaign, one)
        found.setdefault(campaign.name, []).append(one)
        n_done[campaign.name] += 1
        minutes = (time.monotonic() - begin) / 60
        told = ", ".join(str(n) for n in n_done.values())
        print(f"\r  seed {campaign.seed}: rounds {told}; {minutes:.1f} min  ", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return found


def _campaigns(options: argparse.Namespace, seed: int) -> list[SimulatedCampaign]:
    return [
        SimulatedCampaign.of(name, strategy, batch, seed, options.budget)
        for batch in options.batches
        for name in options.properties
        for strategy in options.strategies
    ]


def _curves(
    campaigns: Sequence[SimulatedCampaign], done: dict[str, list[SimulatedRound]], options: argparse.Namespace
) -> tuple[list[str], bool]:
    of_arm = {arm: [done[campaign.name] for campaign in group] for arm, group in arms(campaigns, done).items()}
    found, final = {arm: curve(rounds) for arm, rounds in of_arm.items()}, tables.final_of(options.pool)
    told, needed = tables.saving(found, final)
    lines = [
        *("### Learning curves", "", *tables.errors(found, final)),
        *("### Labels needed", "", *told),
        *("### Members and spread", "", *tables.members(found, final)),
        *("### Discoveries", "", *tables.discoveries(found, final)),
        *("### Time", "", *tables.times(of_arm, options.members, options.workers)),
    ]
    met = True
    for arm, labels in needed.items():
        if arm.strategy == "exploration":
            good = labels is not None and labels <= final // 2
            met &= good
            verdict = (
                f"{paper.SYMBOL[arm.property_name]}, batch {arm.batch}: exploration has random's error after "
                f"{final} labels within {final // 2}, on the remaining pool: "
                f"{'met' if good else 'NOT met'} ({labels})."
            )
            lines += [verdict, ""]
    return lines, met


def _parts(data: Labelled, table: ReplayTable) -> list[str]:
    counts = {name: getattr(table, name) for name in ("start", "pool", "test")}
    told = ", ".join(f"{name} {len(rows)} ({int(data.is_alkali[rows].sum())} alkali)" for name, rows in counts.items())
    summary = (
        f"{data.n_stated} crystals state both moduli, {len(data.n_site)} of them once and past the quality rules, "
        f"{data.X.shape[1]} descriptor columns. Parts: {told}."
    )
    return [summary, ""]


def _heading(settings: LightGbmSettings, options: argparse.Namespace) -> list[str]:
    packages = versions("matsift", "lightgbm", "numpy")
    today = dt.datetime.now(tz=dt.UTC).date()
    given = settings.model_dump(exclude_defaults=True) or "as it comes"
    summary = (
        f"{today}, {packages}, Python {platform.python_version()}, {os.cpu_count()} cores. LightGBM {given}, "
        f"{settings.members} members, {options.bins} bins, {options.seeds} seed(s)."
    )
    return [f"## {TITLE}", "", summary, ""]


def _pair(text: str) -> tuple[str, str, str]:
    return text.partition("=")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.repro_001_active",
        description="Campaigns on labels that are known, as Markdown tables; one that was interrupted goes on.",
        epilog="example: python -m benchmarks.repro_001_active --members 5 --batches 100",
    )
    parser.add_argument("--strategies", nargs="+", choices=known_strategies(), default=["exploration", "random"])
    parser.add_argument("--properties", nargs="+", choices=PROPERTIES, default=list(PROPERTIES))
    parser.add_argument("--batches", nargs="+", type=int, default=[25], help="labels a round (default 25)")
    parser.add_argument("--seeds", type=int, default=1, help="repeats, each with parts of its own (default 1)")
    parser.add_argument("--members", type=int, default=20, help="members of the ensemble (default 20)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of LightGBM, as JSON"
    )
    parser.add_argument("--pool", type=int, default=2400, help="labels held back (default 2400)")
    parser.add_argument("--budget", type=int, help="labels a campaign buys (default: all of the pool)")
    parser.add_argument("--test-share", type=float, default=0.2, help="share of the crystals that test (default 0.2)")
    parser.add_argument("--bins", choices=("shared", "own"), default="shared")
    parser.add_argument("--no-cost", action="store_true", help="do not measure bins of their own against shared ones")
    parser.add_argument("--limit", type=int, help="only the first labelled crystals, for trying")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument(
        "--home", type=Path, default=Path(".matsift/repro_001_active"), help="keeps descriptors, rounds"
    )
    parser.add_argument("--out", type=Path, help="write the tables to this file as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

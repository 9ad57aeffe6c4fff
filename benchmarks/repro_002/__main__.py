"""``make repro-002``: paper 002's comparisons on published structures; an interrupted run goes on where it stopped."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.repro_000.checks import Check
from benchmarks.repro_000.tables import checks as checks_table
from benchmarks.repro_002 import paper, tables
from benchmarks.repro_002.checks import checks
from benchmarks.repro_002.copies import with_copies
from benchmarks.repro_002.crystals import PAPER_SETS, Stock, stock
from benchmarks.repro_002.described import described
from benchmarks.repro_002.found import Found, found_by, of_classes, of_first, sets_kept, wrong_answers
from benchmarks.repro_002.task import NETWORKS, Networks, Task, epochs_of
from benchmarks.repro_002.trained import trained
from benchmarks.telling import has_data, tell, versions

from matsift.diffraction.ensemble import GroupPrediction, SpaceGroupEnsemble
from matsift.diffraction.metrics import GroupMetrics, VolumeError, ensemble_metrics, specific_metrics, top_k_share
from matsift.diffraction.nearest_bins import nearest_classes
from matsift.diffraction.sets import SetSettings
from matsift.diffraction.training import Augment, TrainingSettings

#: Bins that are added up before profiles are compared, and what the baseline is called then.
_MERGED = {"bins": 1, "five bins as one": 5, "twenty bins as one": 20}


def main() -> int:
    """Print the tables; 1 if a check is not met, 2 if there are no data."""
    options = _options()
    if not has_data():
        return 2
    begin = time.monotonic()
    crystals = stock(options.home, PAPER_SETS, n_worker=options.workers, tell=tell)
    task = draw(crystals, options)
    lines, found_checks = _measured(task, ensembles(task, crystals, options))
    minutes = (time.monotonic() - begin) / 60
    lines += [f"This run took {minutes:.1f} min; what was kept from earlier ones is not in it.", ""]
    text = "\n".join([*_heading(options), *lines])
    if options.out:
        options.out.write_text(text)
    print(text)
    return 0 if all(check.met for check in found_checks) else 1


def draw(crystals: Stock, options: argparse.Namespace) -> Task:
    """Return the sets that are trained on and asked about."""
    data = described(options.home, crystals, n_worker=options.workers, tell=tell)
    return Task.draw(data, SetSettings(n_item=options.items, max_groups=options.groups, seed=options.seed), options.cap)


def ensembles(task: Task, crystals: Stock, options: argparse.Namespace) -> dict[str, SpaceGroupEnsemble]:
    """Return the trained ensembles by name."""
    return {networks.name: ensemble(task, networks, crystals, options) for networks in NETWORKS}


def ensemble(
    task: Task, networks: Networks, crystals: Stock, options: argparse.Namespace, augment: Augment | None = None
) -> SpaceGroupEnsemble:
    """Return one ensemble, trained in as many steps as all others."""
    items = task.training(networks.range_name)
    epochs = epochs_of(len(items), len(task.training("inf")), options.epochs)
    asked = [task.of_left_out_types() if networks.range_name == "types" else task.held_out()[0]]
    own, n_own = task.crystals(items, crystals.crystals), len(items)
    items = with_copies(items, own, asked, n_copy=options.copies, seed=options.seed)
    settings = replace(settings_of(options, epochs), epoch_items=n_own)
    return trained(
        options.home / networks.name,
        items,
        settings,
        groups=task.groups,
        has_volume=networks.has_volume,
        seeds=paper.SEEDS[: min(options.members, networks.n_member)],
        tell=tell,
        augment=augment,
        n_process=options.workers,
    )


def settings_of(options: argparse.Namespace, epochs: int) -> TrainingSettings:
    """Return how a member is trained."""
    return TrainingSettings(
        width=options.width,
        power=options.power,
        factor=options.factor,
        dropout=options.dropout,
        he=True,
        epochs=epochs,
        batch=options.batch,
        learning_rate=options.rate,
        schedule="one_cycle",
        loss_weights=(1.0, options.volume_weight),
        device=options.device,
    )


def _measured(task: Task, trained_ones: Mapping[str, SpaceGroupEnsemble]) -> tuple[list[str], list[Check]]:
    items, sets = task.held_out()
    said = {name: one.predict(items.profiles) for name, one in trained_ones.items()}
    whole = {name: one for name, one in said.items() if name != "vol_types"}
    found = {name: found_by(one, items, sets, task.groups) for name, one in whole.items()}
    as_many = found_by(of_first(said["vol_inf"], len(said["vol_narrow"].members)), items, sets, task.groups)
    known, n_class = task.training("inf"), len(task.groups)
    nearest = {
        name: of_classes(nearest_classes(known.profiles, known.classes, items.profiles, merged=n), items, sets, n_class)
        for name, n in _MERGED.items()
    }
    found_checks = checks(found, nearest)
    kept = {name: sets_kept(one, items, sets) for name, one in whole.items()}
    wrong = {name: wrong_answers(one, items, task.groups) for name, one in whole.items()}
    types = _by_type(task, trained_ones, found)
    lines = [
        *("## Sets", "", *tables.sizes(task)),
        *("## Space groups", "", *tables.comparison(found, nearest)),
        *("## Beside the paper", "", *tables.against_the_paper(found, as_many)),
        *("## Volume of the primitive cell", "", *tables.volumes(found)),
        *("## Certainty", "", *tables.certainty(kept)),
        *("## Wrong answers", "", *tables.relations(wrong)),
        *(
            "## Structure types that were not trained on",
            "",
            *tables.structure_types(types),
        ),
        *("## Checks", "", *checks_table(found_checks)),
    ]
    return lines, found_checks


def _by_type(
    task: Task, trained_ones: Mapping[str, SpaceGroupEnsemble], found: Mapping[str, Found]
) -> list[tuple[str, GroupMetrics, GroupMetrics, float, VolumeError | None]]:
    """Return the metrics of the structure-type split, those of the paper's split above them."""
    usual = found["vol_inf"]
    top_5 = float(np.mean(usual.top_5))
    rows = [("the five validation sets", _mean(usual.ensemble), _mean(usual.specific), top_5, usual.volume)]
    items = task.of_left_out_types()
    if not len(items):
        return rows
    said: GroupPrediction = trained_ones["vol_types"].predict(items.profiles)
    known = task.training("types")
    predicted = nearest_classes(known.profiles, known.classes, items.profiles, merged=_MERGED["twenty bins as one"])
    baseline = of_classes(predicted, items, np.ones(len(items), dtype=np.int64), len(task.groups))[0]
    return [
        *rows,
        (
            f"types left out ({len(items)} items of {len(task.types.classes)} groups)",
            ensemble_metrics(said, items.classes),
            specific_metrics(said, items.classes)[0],
            top_k_share(said.probabilities, items.classes, 5),
            None if said.volume is None else VolumeError.of(said.volume, items.volumes),
        ),
        ("types left out, 1-nearest neighbour on twenty bins as one", baseline, baseline, float("nan"), None),
    ]


def _mean(metrics: list[GroupMetrics]) -> GroupMetrics:
    names = metrics[0].plain()
    return GroupMetrics(**{name: float(np.mean([getattr(m, name) for m in metrics])) for name in names})


def _heading(options: argparse.Namespace) -> list[str]:
    packages = versions("matsift", "numpy", "torch", "spglib")
    summary = (
        f"{dt.datetime.now(tz=dt.UTC).date()}, {packages}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{options.workers} processes. {options.members} members, {options.width} channels (paper: {paper.WIDTH}), "
        f"{options.epochs} epochs (paper: {paper.EPOCHS}) of items drawn from the crystals and {options.copies} "
        f"isotypic copies of each, in batches of {options.batch}, learning rate one cycle up to "
        f"{options.rate:g} (paper: 0.001 throughout), {options.dropout:g} of the paper's dropout, intensities to the "
        f"power of {options.power:g} times {options.factor:g}, the volume's loss counted {options.volume_weight:g} "
        f"times, smaller sets the same number of steps, seed {options.seed}."
    )
    return ["# Paper 002: space group and volume of the cell from an ideal powder profile", "", summary, ""]


def options_of(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser with what fixes sets and networks."""
    parser.add_argument("--groups", type=int, default=None, help="most populated space groups only (default all)")
    parser.add_argument("--items", type=int, default=16, help="crystals of a group in a validation set (default 16)")
    parser.add_argument("--cap", type=int, default=400, help="crystals of a group in training (default 400)")
    parser.add_argument(
        "--epochs", type=int, default=40, help="each of as many items as there are crystals (default 40)"
    )
    parser.add_argument("--copies", type=int, default=4, help="isotypic copies of a training crystal (default 4)")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=4e-3, help="largest learning rate (default 0.004)")
    parser.add_argument("--factor", type=float, default=10.0, help="on the intensities that enter (default 10)")
    parser.add_argument("--power", type=float, default=0.25, help="of the intensities that enter (default 0.25)")
    parser.add_argument("--dropout", type=float, default=0.1, help="share of the paper's (default 0.1)")
    parser.add_argument("--volume-weight", type=float, default=3.0, help="of the volume's loss (default 3)")
    parser.add_argument("--width", type=int, default=32, help="channels of the convolutions (default 32)")
    parser.add_argument("--members", type=int, default=len(paper.SEEDS), choices=range(1, 7))
    parser.add_argument("--device", default="auto", help="cpu, cuda or auto (default)")
    parser.add_argument("--seed", type=int, default=0, help="of the sets; members have seeds of their own")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument("--home", type=Path, default=Path(".matsift/repro_002"), help="keeps what was computed")
    return parser


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.repro_002",
        description="The comparisons of paper 002 as Markdown; a run that was interrupted goes on.",
        epilog="example: python -m benchmarks.repro_002 --members 2 --epochs 2 --groups 8",
    )
    options_of(parser).add_argument("--out", type=Path, help="write the tables to this file as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

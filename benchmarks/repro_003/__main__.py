"""``make repro-003``: paper 003's comparisons on published labels; an interrupted run goes on where it stopped."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
from benchmarks.repro_000.checks import Check
from benchmarks.repro_000.tables import checks as checks_table
from benchmarks.repro_003 import dft, elsewhere, paper, pictures, tables
from benchmarks.repro_003.checks import checks
from benchmarks.repro_003.described import Described, described
from benchmarks.repro_003.found import Found, Plan, found
from benchmarks.repro_003.jobs import Task
from benchmarks.repro_003.learners import BY_KEY, LEARNERS
from benchmarks.repro_003.rows import PROPERTIES, Rows, rows
from benchmarks.telling import has_data, tell, versions

from matsift.learners.left_out_elements import PAPER_SHARE, element_sets, elements_to_leave_out
from matsift.learners.repeated_folds import repeated_folds


def main() -> int:
    """Print the tables; 1 if a check is not met, 2 if there are no data."""
    options = _options()
    if not has_data():
        return 2
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process a core, one thread each
    begin = time.monotonic()
    crystals = rows(options.home, n_worker=options.workers, tell=tell)
    data = described(options.home, crystals, n_worker=options.workers, tell=tell)
    if options.limit:
        some = np.sort(np.random.default_rng(0).permutation(len(crystals))[: options.limit])
        crystals, data = crystals.take(some), data.take(some)
    plan = plan_of(crystals, options)
    task = Task(options.home, data, crystals.moduli, plan.tests(), options.epochs)
    wanted = {key for name in options.learner for key in (name, *BY_KEY[name].branches)} or BY_KEY.keys()
    learners = [one for one in LEARNERS if one.key in wanted]
    said = found(task, plan, n_worker=options.workers, tell=tell, learners=learners)
    lines, found_checks = measured(said, plan, crystals, data, options.home)
    lines += [*elsewhere_lines(said, plan, crystals, options), "## Checks", "", *checks_table(found_checks)]
    minutes = (time.monotonic() - begin) / 60
    lines += [f"This run took {minutes:.1f} min; what was kept from earlier ones is not in it.", ""]
    text = "\n".join([*_heading(options), *lines])
    if options.out:
        options.out.write_text(text)
    print(text)
    return 0 if all(check.met for check in found_checks) else 1


def plan_of(crystals: Rows, options: argparse.Namespace) -> Plan:
    """Return the folds, drawn by formula, and the elements left out: the paper's, and those of its rule."""
    folds = repeated_folds(crystals.formulae, n_fold=paper.N_FOLD, n_repeat=options.repeats, seed=0)
    by_rule = elements_to_leave_out(crystals.elements, PAPER_SHARE)
    wanted = dict.fromkeys((*paper.ELEMENTS, *by_rule) if options.elements is None else options.elements)
    here = {symbol for symbols in crystals.elements for symbol in symbols}
    return Plan(
        folds,
        element_sets(crystals.elements, only=[symbol for symbol in wanted if symbol in here]),
        elsewhere.mask(crystals),
    )


def measured(said: Found, plan: Plan, crystals: Rows, data: Described, home: Path) -> tuple[list[str], list[Check]]:
    """Return the tables and the checks."""
    found_checks = checks(said, plan, crystals)
    seen = pictures.representations(data)
    lines = ["## Rows", "", *tables.rows_kept(crystals)]
    lines += ["## Five-fold cross validation (Table 2)", "", *tables.table_2(said), *tables.differences(said, crystals)]
    if plan.sets:
        lines += ["## One element left out (Tables 1 and 3)", "", *tables.table_1(said, crystals)]
        lines += ["R2 / RMSE in GPa, the paper's in brackets.", ""]
        lines += [line for name in PROPERTIES for line in tables.table_3(said, name)]
        lines += [*tables.best_of(said), "## Certainty under that shift", "", *tables.coverage(said)]
        lines += ["## Who is like whom (Figure 4)", "", *tables.mixed(pictures.mixed(seen, plan.sets))]
    paths = pictures.draw(home, crystals, seen, plan.sets)
    lines += [f"Pictures: {paths[0].parent} ({len(paths)} pages).", ""]
    lines += ["## Cost", "", *tables.costs(said)]
    return lines, found_checks


def elsewhere_lines(said: Found, plan: Plan, crystals: Rows, options: argparse.Namespace) -> list[str]:
    """Return what our own calculations say: of the bulk moduli, and of densities in the place of promolecules."""
    compounds = dft.computed(options.gpaw)
    lines = ["## Rows that we computed ourselves, all left out", "", *elsewhere.table(said, plan, crystals, compounds)]
    lines += ["## Promolecules against densities by GPAW", ""]
    if len(compounds) < dft.FEWEST:
        return [*lines, f"{len(compounds)} compounds are computed in {options.gpaw}; {dft.FEWEST} are needed.", ""]
    asked = dft.plan(compounds, options.dft_repeats)
    of = {}
    for side, data in dft.sides(compounds).items():
        tell(f"densities: {side}")
        task = Task(options.home, data, dft.moduli(compounds), asked.tests(), options.epochs)
        of[side] = found(task, asked, n_worker=options.workers, tell=tell, learners=dft.learners())
    return [*lines, dft.equations_of_state(compounds), "", *dft.table(of)]


def _heading(options: argparse.Namespace) -> list[str]:
    packages = versions("matsift", "numpy", "torch", "lightgbm", "scikit-learn")
    summary = (
        f"{dt.datetime.now(tz=dt.UTC).date()}, {packages}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{options.workers} processes of one thread. Promolecule densities (the paper: VASP). Networks at most "
        f"{options.epochs} epochs, the 2D ones {BY_KEY['cnn_2d'].most_epochs}, one member a training, convolutions of "
        "the paper's widths (3D: 32, its figure is lost), dense layers of an eighth: 4,096 inputs a layer learn "
        "nothing more from a thousand rows and would take most of each step."
    )
    return ["# Paper 003: elastic moduli of Fm-3m crystals from composition and charge density", "", summary, ""]


def options_of(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Return the parser with what fixes rows, tests and networks."""
    parser.add_argument("--repeats", type=int, default=1, help="of the five folds (default 1; paper: 5)")
    parser.add_argument("--dft-repeats", type=int, default=1, help="of those on densities by GPAW (default 1)")
    parser.add_argument("--gpaw", type=Path, default=dft.FOLDER, help="where `matsift dataset densities` computes")
    parser.add_argument("--epochs", type=int, default=60, help="of a network at most (default 60)")
    parser.add_argument("--elements", nargs="*", help="left out (default: the paper's eleven, those of its rule)")
    parser.add_argument("--learner", action="append", default=[], choices=BY_KEY, help="only these (default all)")
    parser.add_argument("--limit", type=int, help="so many rows at random, for trying")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument("--home", type=Path, default=Path(".matsift/repro_003"), help="keeps what was computed")
    return parser


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.repro_003",
        description="The comparisons of paper 003 as Markdown; a run that was interrupted goes on.",
        epilog="example: python -m benchmarks.repro_003 --limit 200 --epochs 2 --elements Li F",
    )
    options_of(parser).add_argument("--out", type=Path, help="write the tables to this file as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

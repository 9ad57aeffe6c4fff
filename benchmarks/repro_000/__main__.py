"""``make repro-000``: the regressions and relaxations of paper 000 on published data and on the bundled oxides."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
from benchmarks.repro_000 import tables
from benchmarks.repro_000.checks import Check, regression_checks, structure_checks
from benchmarks.repro_000.data import SETS, load, unseen
from benchmarks.repro_000.kept import Kept
from benchmarks.repro_000.lattices import compared
from benchmarks.repro_000.regression import SHORT, Bench, coupled, importances, scanned, scores
from benchmarks.repro_000.rows import PARTS, samples
from benchmarks.repro_000.structure_test import left_out, median_instability, predicted, table_2
from benchmarks.repro_001.real_data import data_folder
from benchmarks.telling import has_data, tell, versions

from matsift.bond_valence.relaxation import lattice_at
from matsift.learners.group_splits import SplitPlan
from matsift.learners.paper_regressors import PAPER_REGRESSORS

TITLES = {
    "bundled": "The bundled oxides (relaxed by CHGNet)",
    "materials_project": "Materials Project (mp_36737), with perov_5 for perovskites that it lacks",
    "perov_5": "perov_5 alone",
}
#: The set of all tables; of the others the regressors of Table 2.
MAIN = "bundled"
#: The set that the checks decide about, where it is at hand: the paper's data are from there.
DECIDING = "materials_project"
_N_SPLIT_OF_STUDIES = 20


def main() -> int:
    """Print the tables; 1 if a check on the deciding set is not met, 2 if there are no data of the sets asked for."""
    options = _options()
    wanted = [name for name in options.set or SETS if name == MAIN or data_folder().is_dir()]
    if not wanted and not has_data():
        return 2
    begin = time.monotonic()
    lines, met = _heading(options), True
    for name in wanted:
        told, found = _of_set(name, options)
        lines += told
        met &= name != DECIDING or all(check.met for check in found)
    lines += [
        f"This run took {(time.monotonic() - begin) / 60:.1f} min; what was kept from earlier ones is not in it.",
        "",
    ]
    text = "\n".join(lines)
    if options.out:
        options.out.write_text(text)
    print(text)
    return 0 if met else 1


def _of_set(name: str, options: argparse.Namespace) -> tuple[list[str], list[Check]]:
    rows = samples(load(name, options.home))
    kept = Kept(options.home, [rows.data.X, rows.data.y, rows.lattice_constants, rows.oxygen_parameters])
    bench = Bench(name, rows, kept, SplitPlan(options.splits, seed=options.seed), options.workers, tell)
    parts = [part for part in PARTS if part == "both" or len(rows.tables()) > 1]
    regressors = tuple(PAPER_REGRESSORS) if name == MAIN and not options.short else SHORT
    lines = [f"## {TITLES[name]}", "", *tables.sizes(rows), "### Table 1", ""]
    found = {part: {name: scores(bench, part, name) for name in regressors} for part in reversed(parts)}
    for part in parts:
        lines += [
            f"{part}, medians over {options.splits} splits by composition:",
            "",
            *tables.table_1(part, found[part]),
        ]
    of_structures = table_2(bench)
    found_checks = [*regression_checks(found["both"]), *structure_checks(of_structures)]
    lines += ["### Gaussian process", "", *tables.gpr_statistics(found["both"])]
    lines += ["### Table 2", "", *tables.table_2(of_structures)]
    lines += [f"The references themselves have a median instability index of {median_instability(rows):.3f} v.u.", ""]
    lines += ["### Oxides that the model has not seen", "", *tables.left_out(left_out(bench))]
    if name == MAIN:
        lines += [*_studies(bench), "### The references against others", "", *compared(options.home)]
    lines += ["### Checks", "", *tables.checks(found_checks)]
    return lines, found_checks


def _studies(bench: Bench) -> list[str]:
    by_length = {f"GPR-NN l={length:g}": importances(bench, length) for length in (7.0, 200.0)}
    return [
        *tables.unseen(_unseen(bench)),
        *("### Importance of the columns", "", *tables.importance(by_length)),
        *("### Coupling: coordinates added to the original ones, l = 7", ""),
        *tables.coupling(coupled(bench, _N_SPLIT_OF_STUDIES)),
        *("### Median test RMSE over length and noise variance", "", *tables.scan(scanned(bench, _N_SPLIT_OF_STUDIES))),
    ]


def _unseen(bench: Bench) -> list[tuple[str, ...]]:
    told: list[tuple[str, ...]] = []
    new = samples(unseen())
    factors, roots = predicted(bench, "GPR-NN l=7", new.at_rest()), new.exact()
    for oxide, factor, root in zip(new.oxides, factors, roots, strict=True):
        relaxed, _ = lattice_at(oxide.pair, np.array([factor]))
        a, reference = float(relaxed.lattice_constant[0]), oxide.reference.lattice_constant
        told.append(
            (oxide.name, f"{factor:.4f}", f"{root:.4f}", f"{a:.3f}", f"{reference:.3f}", f"{a / reference - 1:+.2%}")
        )
    return told


def _heading(options: argparse.Namespace) -> list[str]:
    packages = versions("matsift", "numpy", "scipy")
    today = dt.datetime.now(tz=dt.UTC).date()
    summary = (
        f"{today}, {packages}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"{options.workers} processes, {options.splits} splits, seed {options.seed}. "
        "The paper's figures stand in parentheses."
    )
    return ["# Paper 000: the screening factor as a function of composition", "", summary, ""]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.repro_000",
        description="Tables of paper 000 as Markdown; a run that was interrupted goes on.",
        epilog="example: python -m benchmarks.repro_000 --set bundled --splits 20 --short",
    )
    parser.add_argument("--set", action="append", choices=SETS, help="a data set, several times (default: all)")
    parser.add_argument("--splits", type=int, default=100, help="splits by composition (default 100)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--short", action="store_true", help="leave out networks of more than one neuron")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    parser.add_argument("--home", type=Path, default=Path(".matsift/repro_000"), help="keeps what was measured")
    parser.add_argument("--out", type=Path, help="write the tables to this file as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

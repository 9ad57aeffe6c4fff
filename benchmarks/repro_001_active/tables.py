"""The learning curves as Markdown tables, the paper's figures beside ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from benchmarks.repro_001 import paper
from benchmarks.repro_001.tables import markdown
from benchmarks.repro_001_active.cost import Cost
from benchmarks.repro_001_active.curves import Arm, Curve

from matsift.acquisition.simulation import SimulatedRound

RANDOM = "random"


def final_of(n_pool: int) -> int:
    """Return after how many labels random's error is read: 2000 of a pool of 2400, as in the paper."""
    return round(n_pool * 5 / 6)


def steps_of(final: int) -> tuple[int, ...]:
    """Return the labels at which the curves are told: 0, 250, 500, 1000, 1500, 2000 of a pool of 2400."""
    return tuple(round(final * eighths / 8) for eighths in (0, 1, 2, 4, 6, 8))


def errors(curves: Mapping[Arm, Curve], final: int) -> list[str]:
    """Return the MAE on the remaining pool and on the test set by labels bought."""
    rows, all_steps = [], steps_of(final)
    for arm, curve in curves.items():
        steps = [n for n in all_steps if n <= curve.bought[-1]]
        cells = [f"{curve.at('pool_mae', n):.2f} / {curve.at('test_mae', n):.2f}" for n in steps]
        cells += [""] * (len(all_steps) - len(steps))
        cells.append(f"{curve.mean_until('pool_mae', final):.2f} / {curve.mean_until('test_mae', final):.2f}")
        last = f"{curve.mean['test_mae'][-1]:.2f} ({curve.bought[-1]})"
        rows.append((paper.SYMBOL[arm.property_name], arm.strategy, str(arm.batch), *cells, last))
    header = (
        *("", "strategy", "batch", *(f"{n}" for n in all_steps)),
        *(f"mean of all rounds to {final}", "test, at the end (labels)"),
    )
    told = (
        "MAE in GPa, on the rows that remain in the pool / on the untouched test set, after so many labels. The "
        "remaining pool grows easier as hard rows leave it; the test set does not."
    )
    return [told, "", *markdown(header, rows)]


def members(curves: Mapping[Arm, Curve], final: int) -> list[str]:
    """Return the STDEV of the members' MAE, the rank correlation of spread and error, and the error on the alkalis."""
    rows = []
    for arm, curve in curves.items():
        ends = (0, min(final, int(curve.bought[-1])))
        cells = [
            *(f"{curve.at('pool_mae_stdev', n):.3f}" for n in ends),
            *(f"{curve.at('test_mae_stdev', n):.3f}" for n in ends),
            *(f"{curve.at('pool_spearman', n):.2f}" for n in ends),
            *(f"{curve.at('test_alkali_mae', n):.2f}" for n in ends),
        ]
        rows.append((paper.SYMBOL[arm.property_name], arm.strategy, str(arm.batch), *_pairs(cells)))
    header = (
        *("", "strategy", "batch", "STDEV over members of the pool's MAE", "of the test set's MAE"),
        *("Spearman(STDEV, abs error), pool", "test MAE on alkali compounds"),
    )
    return [f"At the start, and after {final} labels or at the end:", "", *markdown(header, rows)]


def saving(curves: Mapping[Arm, Curve], final: int) -> tuple[list[str], dict[Arm, int | None]]:
    """Return after how many labels each strategy has random's error, and the same on the remaining pool alone."""
    rows, needed = [], {}
    for arm, curve in curves.items():
        control = curves.get(Arm(arm.property_name, RANDOM, arm.batch)) or _any_random(curves, arm.property_name)
        if arm.strategy == RANDOM or control is None:
            continue
        at = min(final, int(control.bought[-1]))
        cells = []
        for metric in ("pool_mae", "test_mae"):
            goal = control.at(metric, at)
            first, lasting = curve.first_at_most(metric, goal), curve.for_good_at_most(metric, goal)
            cells += [f"{goal:.2f}", _count(first), _count(lasting)]
            if metric == "pool_mae":
                needed[arm] = first
        rows.append((paper.SYMBOL[arm.property_name], arm.strategy, str(arm.batch), *cells))
    header = (
        *("", "strategy", "batch", f"random's pool MAE after {final}", "first reached after", "for good after"),
        *(f"random's test MAE after {final}", "first reached after", "for good after"),
    )
    theirs = ", ".join(
        f"{paper.SYMBOL[name]} {paper.MAE_BEFORE[name]} -> {paper.MAE_AFTER_RANDOM[name]} GPa"
        for name in paper.PROPERTIES
    )
    told = (
        f"The paper: exploration needs 1000 labels for what random needs 2000 for, on the remaining pool ({theirs} "
        "with random). Random's error is the mean over its seeds, over whatever then remains in its pool."
    )
    return [told, "", *markdown(header, rows)], needed


def discoveries(curves: Mapping[Arm, Curve], final: int) -> list[str]:
    """Return which share of the best tenth of the pool each strategy has bought."""
    steps = steps_of(final)[1:4]
    rows = [
        (
            *(paper.SYMBOL[arm.property_name], arm.strategy, str(arm.batch)),
            *(f"{curve.at('top_found', n):.0%}" if n <= curve.bought[-1] else "" for n in steps),
        )
        for arm, curve in curves.items()
    ]
    told = "Share of the pool's best tenth (largest modulus) among the labels bought: what greedy strategies are for."
    return [told, "", *markdown(("", "strategy", "batch", *(f"{n} labels" for n in steps)), rows)]


def times(curves: Mapping[Arm, Sequence[Sequence[SimulatedRound]]], n_member: int, n_worker: int) -> list[str]:
    """Return what a round costs, and what dominates it."""
    rows = []
    for arm, seeds in curves.items():
        done = [one.seconds for rounds in seeds for one in rounds]
        total = {name: sum(seconds[name] for seconds in done) for name in done[0]}
        busy = total["training"] + total["predicting"] + total["choosing"]
        shares = " / ".join(f"{total[name] / busy:.1%}" for name in ("training", "predicting", "choosing"))
        a_fit = (total["training"] + total["predicting"]) / (n_member * len(done))
        rows.append(
            (
                *(paper.SYMBOL[arm.property_name], arm.strategy, str(arm.batch), str(len(done))),
                *(f"{a_fit:.2f}", f"{busy / len(done):.1f}", shares, f"{total['wall'] / 60:.1f}"),
            )
        )
    wall = sum(one.seconds["wall"] for seeds in curves.values() for rounds in seeds for one in rounds)
    header = (
        *("", "strategy", "batch", "rounds", "a member, s of processor", "a round, s of processor"),
        *("of it training / predicting / choosing and metrics", "min on the clock"),
    )
    told = (
        f"All rounds together took {wall / 60:.1f} min on the clock with {n_worker} processes of one thread; campaigns "
        "run side by side, and the clock between two rounds is put down to the one that ended."
    )
    return [told, "", *markdown(header, rows)]


def costs(measured: Mapping[str, Cost]) -> list[str]:
    """Return what shared bins save and change."""
    rows = []
    for name, cost in measured.items():
        cells = (
            f"{cost.own_s:.2f}",
            f"{cost.shared_s:.2f}",
            f"{cost.own_s / cost.shared_s:.2f}",
            f"{cost.binning_s:.2f}",
        )
        changes = (f"{cost.difference:.2f}", f"{cost.by_seed:.2f}", f"{cost.same_batch} of 25")
        rows.append((paper.SYMBOL[name], *cells, *changes, " / ".join(f"{mae:.2f}" for mae in cost.mae)))
    header = (
        *("", "a member with bins of its own, s", "with shared bins, s", "ratio", "binning once, s"),
        *("mean difference on the pool, GPa", "by another seed", "same batch", "test MAE own / shared"),
    )
    return markdown(header, rows)


def _any_random(curves: Mapping[Arm, Curve], property_name: str) -> Curve | None:
    found = [c for arm, c in curves.items() if (arm.property_name, arm.strategy) == (property_name, RANDOM)]
    return found[0] if found else None


def _pairs(cells: Sequence[str]) -> list[str]:
    return [" -> ".join(pair) for pair in np.array(cells).reshape(-1, 2).tolist()]


def _count(labels: int | None) -> str:
    return "not reached" if labels is None else str(labels)

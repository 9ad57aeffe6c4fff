"""The results as Markdown tables, the paper's figures beside ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from benchmarks.repro_001 import paper
from benchmarks.repro_001.jobs import COVERAGE, REPLAY_BATCH, REPLAY_MEMBERS, REPLAY_POOL, REPLAY_START, Job
from benchmarks.repro_001.paper import PROPERTIES, SYMBOL
from benchmarks.repro_001.plan import ABLATION, EVERYTHING, OURS, PAPER_279, STRATEGIES
from benchmarks.repro_001.rows_kept import Step

from matsift.learners.splits import PAPER_THRESHOLDS

Results = dict[Job, dict[str, Any]]


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a Markdown table, an empty line behind it."""
    lines = [" | ".join(header), " | ".join("---" for _ in header), *(" | ".join(row) for row in rows)]
    return [*(f"| {line} |" for line in lines), ""]


def rows_kept(quality: list[Step], screening: list[Step], element: str) -> list[str]:
    """Return the table of rows left, the share of the first row of each part beside the paper's."""
    labels, candidates = quality[0][1] or 1, screening[0][1] or 1
    ours = [(step, str(left), f"{left / labels:.1%}", "", remark) for step, left, remark in quality]
    ours[len(ours) - 4] = (*ours[len(ours) - 4][:3], _share(paper.LABELS), ours[len(ours) - 4][4])
    theirs = [(step, str(left), f"{left / candidates:.1%}", "", remark) for step, left, remark in screening]
    theirs[-2] = (*theirs[-2][:3], _share(paper.CANDIDATES) + (" (Na)" if element != "Na" else ""), theirs[-2][4])
    return markdown(("step", "rows left", "share", "paper", "remark"), [*ours, *theirs])


def accuracy(results: Results) -> list[str]:
    """Return R2 and MAE of single models, default and tuned, on random 20 % and in five folds."""
    rows: list[tuple[str, ...]] = []
    for name in PROPERTIES:
        variants: list[tuple[str, str, Callable[[Job], bool]]] = [
            ("default, random 20 %, paper's 279", f"{paper.R2_ALL[name]}", _is("holdout", PAPER_279, preset="default")),
            ("tuned, random 20 %, paper's 279", "", _is("holdout", PAPER_279, preset="tuned")),
            ("default, random 20 %, all 282", "", _is("holdout", EVERYTHING, preset="default")),
            ("tuned, random 20 %, all 282", "", _is("holdout", EVERYTHING, preset="tuned")),
            ("default, 5-fold, paper's 279", "", _is("folds", PAPER_279, grouped=False)),
            ("default, 5-fold, all 282", "", _is("folds", EVERYTHING, grouped=False)),
            ("default, 5-fold by formula, all 282", "", _is("folds", EVERYTHING, grouped=True)),
        ]
        for title, theirs, chosen in variants:
            cells = [_spread_of(results, name, chosen, metric) for metric in ("r2", "mae", "rmse")]
            rows.append((SYMBOL[name], title, *cells, theirs))
    return markdown(("", "LightGBM", "R2", "MAE, GPa", "RMSE, GPa", "paper R2"), rows)


def ablation(results: Results) -> list[str]:
    """Return R2 and MAE of default LightGBM on a random 20 % by descriptor sets."""
    rows: list[tuple[str, ...]] = []
    for title, sets in ABLATION.items():
        cells = [
            _spread_of(results, name, _is("holdout", sets, preset="default"), metric)
            for name in PROPERTIES
            for metric in ("r2", "mae")
        ]
        theirs = {0: paper.R2_ALL, 1: paper.R2_WITHOUT_ENERGIES}.get(len(rows))
        rows.append((title, *cells, "" if theirs is None else f"{theirs['k_vrh']} / {theirs['g_vrh']}"))
    return markdown(("descriptors", "R2 K", "MAE K", "R2 G", "MAE G", "paper R2 K / G"), rows)


def strategies(results: Results, element: str) -> list[str]:
    """Return the sampling strategies: whole test set, below the threshold, the element alone, the members' STDEV."""
    rows = []
    for name in PROPERTIES:
        for title, chosen in _strategies(results, name).items():
            metrics = ("r2", "r2_stdev", "mae", "n_tail_in_test", "below_tail_r2", "below_tail_mae")
            cells = [_spread_of(results, name, chosen, metric) for metric in metrics]
            cells += [_spread_of(results, name, chosen, f"element_{metric}") for metric in ("r2", "mae")]
            theirs = {
                "Model 1": f"R2 {paper.R2_MODEL_1[name]} on Na",
                "Model 3": "R2 {} ({}), MAE {}".format(*paper.R2_MODEL_3[name], paper.MAE_MODEL_3[name]),
            }.get(title, "")
            rows.append((SYMBOL[name], title, *cells, theirs))
    tail = " and ".join(f"{SYMBOL[p]} >= {PAPER_THRESHOLDS[p]:g} GPa" for p in PROPERTIES)
    header = (
        *("", "strategy", "R2", "STDEV of R2 over members", "MAE", "tail rows in test", "R2 without tail"),
        *("MAE without tail", f"R2 on {element}", f"MAE on {element}", "paper"),
    )
    return [
        f"Ensembles of 20 LightGBM as it comes on the paper's 277 columns; blends on 280. The tail is {tail}.",
        "",
        *markdown(header, rows),
    ]


def spreads(results: Results, element: str) -> list[str]:
    """Return what the spread knows: shares of low spread, rank correlation with the error, intervals, the element."""
    rows = []
    for name in PROPERTIES:
        low = f"<= {paper.LOW_SPREAD[name]:g} GPa"
        for title, chosen in _strategies(results, name).items():
            ratios = [
                r["element_mean_spread"] / r["others_mean_spread"]
                for job, r in results.items()
                if job.property_name == name
                and chosen(job)
                and "element_mean_spread" in r
                and "others_mean_spread" in r
            ]
            metrics = ("low_spread", "element_low_spread", "spread_error_spearman", "interval_coverage")
            cells = [_spread_of(results, name, chosen, metric) for metric in (*metrics, "mean_interval_width")]
            theirs = {
                "Model 1": f"ratio {paper.SPREAD_RATIO_MODEL_1[name]}",
                "Model 3": f"{paper.LOW_SPREAD_SHARE[name]:.0%} of the Na candidates {low}",
            }.get(title, "")
            rows.append((SYMBOL[name], title, *cells, _mean_and_deviation(ratios), theirs))
    header = (
        *("", "strategy", "share of test with low STDEV", f"of {element} in test", "Spearman(STDEV, abs error)"),
        *("coverage of 90 % intervals", "their width, GPa", f"STDEV on {element} / on others", "paper"),
    )
    return markdown(header, rows)


def coverage(results: Results) -> list[str]:
    """Return the coverage of the calibrated intervals on the test rows, seed by seed, and how far the mean is off."""
    rows = []
    for name in PROPERTIES:
        for title, chosen in _strategies(results, name).items():
            by_seed = sorted(
                (job.seed, r["interval_coverage"])
                for job, r in results.items()
                if job.property_name == name and chosen(job) and "interval_coverage" in r
            )
            if by_seed:
                mean = float(np.mean([share for _, share in by_seed]))
                each = ", ".join(f"{share:.3f}" for _, share in by_seed)
                rows.append((SYMBOL[name], title, each, f"{mean:.3f}", f"{100 * (mean - COVERAGE):+.1f}"))
    header = ("", "strategy", f"coverage of {COVERAGE:.0%} intervals, seed by seed", "mean", "points off")
    return markdown(header, rows)


def candidates(results: Results, screened: str) -> list[str]:
    """Return what the ensembles say of the candidates without a label; nothing where there are none."""
    rows = []
    for name in PROPERTIES:
        chosen = _is("candidates")
        if not any(chosen(job) for job in results):
            return []
        theirs = f"{paper.LOW_SPREAD_SHARE[name]:.0%}, {'228' if name == 'k_vrh' else '163'} of 2,432"
        cells = [_spread_of(results, name, chosen, metric) for metric in ("n", "low_spread", "in_top_tenth")]
        rows.append((SYMBOL[name], *cells, theirs))
    return [screened, "", *markdown(("", "candidates", "share with low STDEV", "in the top tenth", "paper"), rows)]


def replay(results: Results) -> list[str]:
    """Return the learning curves of exploration and random choice, and how many labels exploration saves."""
    if not any(job.kind == "replay" for job in results):
        return []
    rows = []
    for name in PROPERTIES:
        for strategy in ("exploration", "random"):
            curves = _curves(results, name, strategy)
            cells = [
                f"{curves['pool_mae'][at // REPLAY_BATCH]:.2f} / {curves['test_mae'][at // REPLAY_BATCH]:.2f}"
                for at in (0, 100, 250, 500)
            ]
            rows.append(
                (
                    SYMBOL[name],
                    strategy,
                    *cells,
                    f"{curves['pool_spearman'][0]:.2f}",
                    _saving(results, name) if strategy == "exploration" else "",
                )
            )
    text = (
        f"Start {REPLAY_START}, pool {REPLAY_POOL}, batch {REPLAY_BATCH}, {REPLAY_MEMBERS} members. MAE in GPa on the "
        "remaining pool / on an untouched test set, after so many labels. The remaining pool grows easier as hard rows "
        "leave it; the test set does not."
    )
    header = (
        "",
        "strategy",
        "0",
        "100",
        "250",
        "500",
        "Spearman at the start",
        "labels to the random arm's last MAE: pool / test",
    )
    return [text, "", *markdown(header, rows)]


def _saving(results: Results, name: str) -> str:
    explored, random = _curves(results, name, "exploration"), _curves(results, name, "random")
    labels = []
    for metric in ("pool_mae", "test_mae"):
        there = np.flatnonzero(explored[metric] <= random[metric][-1])
        labels.append(f"{there[0] * REPLAY_BATCH} of 500" if len(there) else "not within 500")
    return " / ".join(labels)


def _curves(results: Results, name: str, strategy: str) -> dict[str, Any]:
    chosen = [
        r["curve"]
        for job, r in results.items()
        if job.kind == "replay" and job.property_name == name and job.option("strategy") == strategy
    ]
    return {key: np.mean([[step[key] for step in curve] for curve in chosen], axis=0) for key in chosen[0][0]}


def _is(kind: str, sets: tuple[str, ...] | None = None, **options: Any) -> Callable[[Job], bool]:
    return lambda job: (
        job.kind == kind
        and (sets is None or job.sets == sets)
        and all(job.option(key) == value for key, value in options.items())
    )


def _strategies(results: Results, name: str) -> dict[str, Callable[[Job], bool]]:
    """Return title -> which jobs, of the strategies that were measured at all."""
    every: dict[str, tuple[str, bool, str | None]] = {
        title: (strategy, forced, None) for title, (strategy, forced) in STRATEGIES.items()
    }
    every |= {title: (strategy, forced, learner) for title, (strategy, forced, learner, _) in OURS.items()}
    chosen = {
        title: _is("strategy", strategy=strategy, threshold=PAPER_THRESHOLDS[name] if forced else None, learner=learner)
        for title, (strategy, forced, learner) in every.items()
    }
    return {title: predicate for title, predicate in chosen.items() if any(predicate(job) for job in results)}


def _spread_of(results: Results, name: str, chosen: Callable[[Job], bool], metric: str) -> str:
    return _mean_and_deviation(
        [r[metric] for job, r in results.items() if job.property_name == name and chosen(job) and metric in r]
    )


def _mean_and_deviation(values: Sequence[float]) -> str:
    if not values:
        return "-"
    if all(isinstance(value, int) and value == values[0] for value in values):
        return str(values[0])
    decimals = 3 if abs(np.mean(values)) < 2 else 1
    mean = f"{np.mean(values):.{decimals}f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.{decimals}f}"


def _share(counts: tuple[int, int]) -> str:
    return f"{counts[1]:,} of {counts[0]:,} ({counts[1] / counts[0]:.1%})"

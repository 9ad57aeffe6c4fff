"""The tables of the reproduction as Markdown, the paper's words beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from benchmarks.repro_001.tables import markdown
from benchmarks.repro_002 import paper
from benchmarks.repro_002.found import METRICS, Found, SetsKept, difference
from benchmarks.repro_002.task import NETWORKS, Task

from matsift.diffraction.metrics import GroupMetrics, Interval, VolumeError
from matsift.diffraction.sets import RANGES

_TITLES = {networks.name: networks.title for networks in NETWORKS}


def sizes(task: Task) -> list[str]:
    """Return how many crystals the ranges and training sets hold."""
    sets = task.sets
    held_out = int((sets.validation > 0).sum())
    rows = [(f"D({name})", str(int(sets.in_range[name].sum()))) for name in RANGES]
    crystals = (
        f"{len(task.data)} crystals with profile and space group (spglib, 0.01 Å); {task.data.n_without} without. "
        f"{len(sets.groups)} space groups (paper: {paper.N_GROUP}) have enough that leak into no other crystal "
        f"(five-bin rule) and lie in D(sU+eta): {', '.join(map(str, task.groups))}."
    )
    validation = (
        f"Five validation sets of {held_out // 5} items (paper: {paper.N_ITEM}). Here one training set goes without "
        "all five; the paper trained five times."
    )
    lines = [
        *(crystals, "", validation, ""),
        *markdown(("range", f"crystals (paper: D(inf) {paper.N_CRYSTAL})"), rows),
    ]
    rows = [
        (networks.title, str(len(task.training(networks.range_name))))
        for networks in NETWORKS
        if networks.name != "spg_inf"
    ]
    return [*lines, *markdown(("training set", f"crystals, at most {task.cap} a group"), rows)]


def comparison(found: Mapping[str, Found], nearest: Mapping[str, list[GroupMetrics]]) -> list[str]:
    """Return macro metrics of ensembles, of their members and of the baseline, intervals over the validation sets."""
    rows: list[tuple[str, ...]] = []
    for name, one in found.items():
        beside = str(Interval.of(one.top_5)), str(Interval.of(one.by_lines))
        rows.append((_TITLES[name], "ensemble", *(str(one.interval(metric)) for metric in METRICS), *beside))
        rows.append(("", "specific mean", *(str(one.interval(metric, "specific")) for metric in METRICS), "", ""))
    for name, measured in nearest.items():
        values = [Interval.of([getattr(m, metric) for m in measured]) for metric in METRICS]
        rows.append((f"1-nearest neighbour, {name}", "", *map(str, values), "", ""))
    return markdown(("", "", *METRICS, "among five", "right by lines"), rows)


def against_the_paper(found: Mapping[str, Found], as_many: Found) -> list[str]:
    """Return the paper's orderings beside our differences on the same validation sets.

    `as_many` is SpgVolNet on D(inf) with as many members as that on the narrowest range.
    """
    rows: list[tuple[str, ...]] = []
    for name, one in found.items():
        said = (
            _signed(difference(one.ensemble, one.specific, "precision")),
            _signed(difference(one.ensemble, one.specific, "recall")),
        )
        apart = one.interval("precision").apart(one.interval("precision", "specific"))
        verdict = "intervals apart" if apart else "intervals overlap"
        rows.append((paper.ENSEMBLE, f"{_TITLES[name]}: ensemble - specific", *said, verdict))
    titles = _TITLES["vol_inf"], _TITLES["spg_inf"], _TITLES["vol_narrow"]
    rows += _pair(found["vol_inf"], found["spg_inf"], f"{titles[0]} - {titles[1]}", paper.MULTI_TASK)
    rows += _pair(as_many, found["vol_narrow"], f"{titles[0]} - {titles[2]}", paper.RANGES)
    return markdown(("the paper says", "here", "precision", "recall", "95 % over five sets"), rows)


def _pair(first: Found, second: Found, title: str, words: str) -> list[tuple[str, ...]]:
    rows = []
    for of in ("ensemble", "specific"):
        told = [difference(getattr(first, of), getattr(second, of), metric) for metric in METRICS[:2]]
        verdict = ", ".join(
            f"{metric} {'higher' if one.low > 0 else 'lower' if one.high < 0 else 'undecided'}"
            for metric, one in zip(METRICS, told, strict=False)
        )
        rows.append((words, f"{title}, {of}", *map(_signed, told), verdict))
    return rows


def _signed(one: Interval) -> str:
    return f"{one.mean:+.1%} ± {(one.high - one.low) / 2:.1%}"


def volumes(found: Mapping[str, Found]) -> list[str]:
    """Return the errors of the primitive cell's volume."""
    low, high = paper.VOLUME_QUARTILES
    rows: list[tuple[str, ...]] = [("the paper's best", f"{low:+.1%}", "", f"{high:+.1%}", "", "")]
    for name, one in found.items():
        if one.volume is not None and one.specific_volume is not None:
            rows.append((_TITLES[name], *_volume(one.volume), f"{one.specific_volume:.1%}"))
    return markdown(("V'/V - 1", "lower quartile", "median", "upper quartile", "median of |.|", "of one member"), rows)


def _volume(error: VolumeError) -> tuple[str, ...]:
    values = (error.lower_quartile, error.median, error.upper_quartile)
    return (*(f"{value:+.1%}" for value in values), f"{error.median_absolute:.1%}")


def certainty(kept: Mapping[str, SetsKept]) -> list[str]:
    """Return what the sets that hold the true group 90 % of the time do."""
    rows = [
        (
            _TITLES[name],
            f"{one.temperature:.2f}",
            str(one.covered),
            f"{one.size:.1f}",
            f"{one.sure:.0%}",
            f"{one.sure_right:.0%}" if one.sure else "",
        )
        for name, one in kept.items()
    ]
    header = ("", "temperature", "true group in its set (wanted 90 %)", "groups in a set", "sure", "of those right")
    return markdown(header, rows)


def relations(of: Mapping[str, dict[str, float]]) -> list[str]:
    """Return what the wrong answers are to the true groups."""
    names = list(next(iter(of.values())))
    rows = [(_TITLES[name], *(f"{shares[one]:.0%}" for one in names)) for name, shares in of.items()]
    return markdown(("of the wrong answers", *names), rows)


def structure_types(rows: Sequence[tuple[str, GroupMetrics, GroupMetrics, float, VolumeError | None]]) -> list[str]:
    """Return metrics on items whose structure type was in training, and on those whose type was not."""
    told = []
    for title, ensemble, specific, top_5, volume in rows:
        told.append(
            (
                title,
                f"{ensemble.precision:.1%} ({specific.precision:.1%})",
                f"{ensemble.recall:.1%} ({specific.recall:.1%})",
                f"{top_5:.1%}" if np.isfinite(top_5) else "",
                "" if volume is None else f"{volume.median_absolute:.1%}",
            )
        )
    return markdown(
        ("", "precision (specific)", "recall (specific)", "among five", "volume, median of abs. error"), told
    )

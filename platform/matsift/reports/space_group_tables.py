"""The tables of a space-group study: metrics, group by group, and how wrong answers stand to the true groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from markupsafe import Markup

from matsift.diffraction.group_relations import Relation, same_crystal_system
from matsift.reports.figures.space_groups import subset_words
from matsift.reports.notation import number, space_group_markup
from matsift.reports.patterns import group_words
from matsift.reports.small_tables import Column, Table
from matsift.reports.space_groups import GroupScore, HeldOutGroups, SpaceGroupReport

_MOST_MISTAKES = 12
_WORDS: dict[Relation, str] = {
    "same": "the true group",
    "supergroup": "a supergroup: too much symmetry, as where weak lines of a distortion are not told from nothing",
    "subgroup": "a subgroup: too little symmetry",
    "both": "a type that is both, by a larger cell",
    "unrelated": "not related by two steps of maximal subgroups",
}


def space_group_tables(report: SpaceGroupReport) -> dict[str, pa.Table]:
    """Return every table by the name of its file: what is said of every held-out structure, and the metrics."""
    held = [pa.table(_held_columns(held)) for held in report.held_out]
    scores = [
        {
            "model": s.model,
            "subset": s.subset,
            "metric": s.metric,
            "ensemble": s.ensemble,
            "ensemble_half_width": s.ensemble_half_width,
            "members_mean": s.members_mean,
            "members_half_width": s.members_half_width,
            "members": list(s.members),
            "nearest": s.nearest,
            "n_row": s.n_row,
        }
        for s in report.scores
    ]
    known = {"held_out": pa.concat_tables(held)} if held else {}
    return known | ({"scores": _flat(pa.Table.from_pylist(scores))} if scores else {})


def score_table(scores: Sequence[GroupScore]) -> Table | None:
    """Return the metrics of members and ensemble with their intervals, a row a metric; None without any."""
    if not scores:
        return None
    columns = (
        Column("Model"),
        Column("On"),
        Column("Metric"),
        Column("Members / %", True),
        Column("Lowest and highest", True),
        Column("Ensemble / %", True),
        Column("Nearest neighbour / %", True),
        Column("Items", True),
    )
    rows = tuple(
        (
            s.model,
            subset_words(s.subset),
            s.metric.replace("_", " "),
            _with_half_width(s.members_mean, s.members_half_width),
            f"{number(100 * min(s.members))} to {number(100 * max(s.members))}",
            _with_half_width(s.ensemble, s.ensemble_half_width),
            number(None if s.nearest is None else 100 * s.nearest),
            number(s.n_row, 0),
        )
        for s in scores
    )
    return Table("Members on their own, and their ensemble", columns, rows, wide=True)


def group_table(held: HeldOutGroups) -> Table | None:
    """Return recall and precision of every group that is held out, and what it is taken for; None without any item."""
    if not len(held):
        return None
    columns = (
        Column("Space group"),
        Column("Held out", True),
        Column("Recall / %", True),
        Column("Precision / %", True),
        Column("Otherwise most often taken for"),
    )
    counts = held.confusion()
    rows = tuple(
        (
            _group(group),
            number(int(counts[place].sum()), 0),
            _share(int(counts[place, place]), int(counts[place].sum())),
            _share(int(counts[place, place]), int(counts[:, place].sum())),
            _taken_for(held, group),
        )
        for place, group in enumerate(held.groups)
        if counts[place].any()
    )
    return Table(f"{held.model} on {subset_words(held.subset)}, group by group", columns, rows, wide=True)


def relation_table(held_out: Sequence[HeldOutGroups]) -> Table | None:
    """Return how often the answer is the true group, a relative of it, or neither; None without any item."""
    shown = [held for held in held_out if len(held)]
    if not shown:
        return None
    columns = (
        Column("The likeliest group is"),
        *(Column(f"{held.model} on {subset_words(held.subset)} / %", True) for held in shown),
    )
    rows = [
        (words, *(number(100 * held.relation_counts().get(relation, 0) / len(held)) for held in shown))
        for relation, words in _WORDS.items()
    ]
    systems = (number(100 * float(np.mean(_same_systems(held)))) for held in shown)
    rows.append(("of the true crystal system", *systems))
    return Table("The likeliest group and the true one", columns, tuple(rows), wide=True)


def mistake_table(held: HeldOutGroups) -> Table | None:
    """Return the most frequent mistakes with what the answer is to the true group; None where there is no mistake."""
    pairs = Counter(
        (true, predicted, relation)
        for true, predicted, relation in zip(held.true.tolist(), held.predicted.tolist(), held.relations, strict=True)
        if true != predicted
    )
    if not pairs:
        return None
    columns = (Column("True"), Column("Taken for"), Column("Times", True), Column("The answer is"))
    rows = tuple(
        (_group(true), _group(predicted), str(n), _WORDS[relation].split(":")[0])
        for (true, predicted, relation), n in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[
            :_MOST_MISTAKES
        ]
    )
    return Table(f"Most frequent mistakes of {held.model} on {subset_words(held.subset)}", columns, rows, wide=True)


def _held_columns(held: HeldOutGroups) -> dict[str, pa.Array]:
    n = len(held)
    return {
        "model": pa.array([held.model] * n, pa.string()),
        "subset": pa.array([held.subset] * n, pa.string()),
        "space_group_number": pa.array(held.true, pa.int64()),
        "predicted": pa.array(held.predicted, pa.int64()),
        "relation": pa.array(held.relations, pa.string()),
        "probability": pa.array(held.probability, pa.float64()),
        "in_set": pa.array(held.in_set, pa.bool_()),
        "set_size": pa.array(held.set_size, pa.int64()),
        "volume_angstrom3": pa.array(held.volume, pa.float64(), from_pandas=True),
        "predicted_volume_angstrom3": pa.array(held.predicted_volume, pa.float64(), from_pandas=True),
    }


def _flat(table: pa.Table) -> pa.Table:
    """Return a table whose lists of members stand as text: CSV knows no lists."""
    place = table.schema.get_field_index("members")
    texts = [" ".join(f"{value:.6g}" for value in values) for values in table["members"].to_pylist()]
    return table.set_column(place, "members", pa.array(texts, pa.string()))


def _same_systems(held: HeldOutGroups) -> list[bool]:
    pairs = zip(held.true.tolist(), held.predicted.tolist(), strict=True)
    return [same_crystal_system(true, predicted) for true, predicted in pairs]


def _taken_for(held: HeldOutGroups, group: int) -> Markup:
    wrong = Counter(held.predicted[(held.true == group) & ~held.is_right].tolist())
    named = (Markup("{} {}").format(_group(other), n) for other, n in wrong.most_common(3))
    return Markup(", ").join(named) if wrong else Markup("–")


def _group(number_: int) -> Markup:
    return space_group_markup(group_words(number_))


def _share(part: int, whole: int) -> str:
    return number(100 * part / whole) if whole else "–"


def _with_half_width(value: float, half_width: float | None) -> str:
    said = number(100 * value)
    return said if half_width is None else f"{said} ± {number(100 * half_width)}"

"""A ranking by several objectives as plain lines, for a terminal or a file."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from matsift.reports.notation import headed, in_unit, number, percent, quantity, symbol
from matsift.reports.objectives import ObjectiveRanking, ObjectiveValue, Order, PlacedCandidate, RankedObjective
from matsift.reports.text_table import aligned

_HASH_SHOWN = 10
_IN_WORDS = {"pareto": "by Pareto layer, then the chance, then the utility", "utility": "by expected utility"}


def objective_lines(ranking: ObjectiveRanking, by: Order, n: int, width: int | None = None) -> list[str]:
    """Return the first `n` candidates as lines: a title, the table, and what it means.

    `width` folds what stands below the table to the columns of a terminal; None leaves it whole.
    """
    ranked = ranking.in_order(by)
    shown = ranked[:n]
    title = f"{len(shown)} of {len(ranked)} candidates, {_IN_WORDS[by]}"
    notes = objective_notes(ranking)
    folded = notes if width is None else [line for note in notes for line in textwrap.wrap(note, width)]
    if not shown:
        return [title, "", *folded]
    return [title, "", *_table(ranking, shown, by), "", *folded]


def objective_notes(ranking: ObjectiveRanking) -> tuple[str, ...]:
    """Return what the layers, chances and utilities of a ranking mean, and what it leaves out, in sentences."""
    asked = "; ".join(wanted(objective) for objective in ranking.objectives)
    notes = [
        f"Objectives: {asked}.",
        f"Layer 1, the Pareto front: {len(ranking.front)} candidates that no other beats in all expected values.",
    ]
    if any(objective.threshold is not None for objective in ranking.objectives):
        notes.append(_about_chances(ranking))
    scales = "; ".join(_scale(objective) for objective in ranking.objectives)
    notes.append(f"Utility: 0 where a threshold is missed, else the weighted mean of worths that rise {scales}.")
    if ranking.n_unknown:
        missing = Counter(name for row in ranking.placed for name in row.unknown)
        named = ", ".join(f"{symbol(name)} {count}" for name, count in missing.most_common())
        without = f"{ranking.n_unknown} of {len(ranking.placed)}"
        notes.append(f"Without a place, as an objective is unknown: {without} ({named}).")
    return tuple(notes)


def wanted(objective: RankedObjective) -> str:
    """Return what is asked of an objective, as ``K_VRH maximized, at least 50.0 GPa``."""
    said = f"{symbol(objective.name)} {objective.goal}d"
    if objective.threshold is None:
        return said
    bound = "at least" if objective.goal == "maximize" else "at most"
    return f"{said}, {bound} {in_unit(quantity(objective.threshold, objective.unit), objective.unit)}"


def shown_value(value: ObjectiveValue, objective: RankedObjective) -> str:
    """Return a value with its standard deviation, ``41.2 ± 6.0``; what is known has none."""
    if value.origin == "no_path":
        return "no path"
    if value.mean is None:
        return "–"
    mean = quantity(value.mean, objective.unit)
    return f"{mean} ± {quantity(value.deviation, objective.unit)}" if value.deviation else mean


def _about_chances(ranking: ObjectiveRanking) -> str:
    pairs = ", ".join(
        f"{symbol(a)} and {symbol(b)} {number(value, 2)}" for (a, b), value in ranking.correlations.items()
    )
    told = f"correlated as their ensembles' members ({pairs})" if pairs else "independent"
    return (
        "Chance: probability of meeting all thresholds, predictions taken as normal with the width of their calibrated "
        f"intervals, {told}."
    )


def _scale(objective: RankedObjective) -> str:
    worst, best = (quantity(end, objective.unit) for end in (objective.worst, objective.best))
    return f"from {worst} to {in_unit(best, objective.unit)} of {symbol(objective.name)} (weight {objective.weight:g})"


def _table(ranking: ObjectiveRanking, shown: Sequence[PlacedCandidate], by: Order) -> list[str]:
    header = [
        "#",
        "layer",
        "chance",
        "utility",
        *(headed(symbol(objective.name), objective.unit) for objective in ranking.objectives),
        "formula",
        "structure",
    ]
    rows = [
        [
            str(row.pareto_place if by == "pareto" else row.utility_place),
            str(row.layer),
            percent(row.chance),
            number(row.utility, 3),
            *(shown_value(value, asked) for value, asked in zip(row.values, ranking.objectives, strict=True)),
            row.formula,
            row.structure_hash[:_HASH_SHOWN],
        ]
        for row in shown
    ]
    n_text = 2  # formula and structure stand to the left
    are_numeric = [True] * (len(header) - n_text) + [False] * n_text
    return [line.rstrip() for line in aligned([header, *rows], are_numeric, ruled=True)]

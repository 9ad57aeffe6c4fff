"""The front of a ranking by several objectives as a small table of the page."""

from __future__ import annotations

from markupsafe import Markup

from matsift.reports.notation import formula_markup, headed, number, percent, symbol_markup
from matsift.reports.objective_lines import shown_value
from matsift.reports.objectives import ObjectiveRanking
from matsift.reports.small_tables import Column, Table

_MOST_ROWS = 25


def objective_table(ranking: ObjectiveRanking | None) -> Table | None:
    """Return the candidates of the front, or the first of them, with their values; None where none has a place."""
    if ranking is None or not ranking.front:
        return None
    front = ranking.front
    shown = front[:_MOST_ROWS]
    columns = (
        Column("Place", numeric=True),
        Column("Formula"),
        Column("Chance", numeric=True),
        Column("Utility", numeric=True),
        *(Column(headed(symbol_markup(o.name), o.unit), numeric=True) for o in ranking.objectives),
    )
    rows = tuple[tuple[str | Markup, ...], ...](
        (
            str(row.pareto_place),
            formula_markup(row.formula),
            percent(row.chance),
            number(row.utility, 3),
            *(shown_value(value, asked) for value, asked in zip(row.values, ranking.objectives, strict=True)),
        )
        for row in shown
    )
    title = "The Pareto front" if len(shown) == len(front) else f"The first {len(shown)} of {len(front)} on the front"
    return Table(title, columns, rows, wide=True)

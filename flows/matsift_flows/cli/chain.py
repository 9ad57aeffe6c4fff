"""The chain behind the predictions of one structure, as lines: what says so, trained on what, read from where."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby

from matsift.reports.notation import in_unit, percent, quantity, symbol
from matsift_flows.reporting.chain_steps import Row, model_steps, runs, short

_NAME_WIDTH = 13
_LINE_WIDTH = 100


def chain_lines(structure_hash: str, rows: Sequence[Row]) -> list[str]:
    """Return the source entries, then for each property what the current ensemble says, on what, and what others said.

    Parameters
    ----------
    structure_hash
        Content hash of the structure.
    rows
        Its rows of `analysis.provenance`, those of a property together, the current one first.
    """
    if not rows:
        return [f"structure {structure_hash}", "  no model has predicted it"]
    first = rows[0]
    lines = [f"{first['formula']}, structure {structure_hash}"]
    lines += _named("source entry", [*first["source_entries"]], first["source_run_ids"])
    for _, of_property in groupby(rows, key=lambda row: row["property_name"]):
        lines += ["", *_property(list(of_property))]
    return lines


def _property(rows: Sequence[Row]) -> list[str]:
    current, *others = rows
    name, unit = symbol(current["property_name"]), current["unit"]
    spread = quantity(current["spread"], unit)
    lines = [f"{name}: {_value(current)}, spread {in_unit(spread, unit)}{runs([current['prediction_run_id']])}"]
    for step in model_steps(current):
        lines += _named(step.name, [step.text], step.run_ids)
    lines += _named("own label", current["own_labels"] or ["none"])
    said = [f"{_value(row)}, by {short(row['model_hash'])} on {row['n_label']} labels" for row in others]
    return lines + _named("other models", said)


def _value(row: Row) -> str:
    unit = row["unit"]
    mean, lower, upper = (quantity(row[key], unit) for key in ("mean", "lower", "upper"))
    return f"{in_unit(mean, unit)} ({percent(row['coverage'])} interval {lower} to {upper})"


def _named(name: str, texts: Sequence[str], run_ids: Iterable[int | None] = ()) -> list[str]:
    """Return the texts below each other, the name before the first, the runs after the last."""
    first, rest = f"  {name:<{_NAME_WIDTH}}", " " * (_NAME_WIDTH + 2)
    ended = [*texts[:-1], *(text + runs(run_ids) for text in texts[-1:])]
    return [
        line
        for position, text in enumerate(ended)
        for line in textwrap.wrap(
            text,
            _LINE_WIDTH,
            initial_indent=rest if position else first,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]

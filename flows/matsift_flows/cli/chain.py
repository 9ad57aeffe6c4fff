"""The chain behind the predictions of one structure, as lines: what says so, trained on what, read from where."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from matsift.reports.notation import in_unit, moment, percent, quantity, symbol

Row = Mapping[str, Any]

_HASH_SHOWN = 12
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
    lines = [f"{name}: {_value(current)}, spread {in_unit(spread, unit)}{_runs([current['prediction_run_id']])}"]
    model = f"{_short(current['model_hash'])} {current['learner']} ({current['purpose']}), seed {current['seed']}"
    trained = f"trained {moment(current['model_trained_at'])}, code {current['model_code_version']}"
    lines += _named("model", [f"{model}, {trained}"], [current["model_run_id"]])
    lines += _named("artifact", [current["artifact_uri"]])
    roles = ", ".join(f"{current[f'n_{role}']} {role}" for role in ("train", "validation", "test"))
    lines += _named(
        "snapshot",
        [f"{_short(current['snapshot_hash'])}: {current['n_label']} labels by {current['sampling_strategy']}, {roles}"],
        [current["snapshot_run_id"]],
    )
    labels = f"{', '.join(current['label_methods'])} from {', '.join(current['label_origins'])}"
    lines += _named("labels", [labels], current["label_run_ids"])
    lines += _named("descriptors", [", ".join(current["descriptor_sets"])], current["descriptor_run_ids"])
    lines += _named("own label", current["own_labels"] or ["none"])
    said = [f"{_value(row)}, by {_short(row['model_hash'])} on {row['n_label']} labels" for row in others]
    return lines + _named("other models", said)


def _value(row: Row) -> str:
    unit = row["unit"]
    mean, lower, upper = (quantity(row[key], unit) for key in ("mean", "lower", "upper"))
    return f"{in_unit(mean, unit)} ({percent(row['coverage'])} interval {lower} to {upper})"


def _named(name: str, texts: Sequence[str], run_ids: Iterable[int | None] = ()) -> list[str]:
    """Return the texts below each other, the name before the first, the runs after the last."""
    first, rest = f"  {name:<{_NAME_WIDTH}}", " " * (_NAME_WIDTH + 2)
    ended = [*texts[:-1], *(text + _runs(run_ids) for text in texts[-1:])]
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


def _runs(run_ids: Iterable[int | None]) -> str:
    known = sorted({run for run in run_ids if run is not None})
    if not known:
        return ""
    return f" [run{'s' if len(known) > 1 else ''} {', '.join(map(str, known))}]"


def _short(content_hash: str) -> str:
    return content_hash[:_HASH_SHOWN]

"""Candidates ranked by one objective or several, from frames of predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import ValidationError

from matsift.errors import UserInputError
from matsift.ranking.objectives import Estimates, Objective
from matsift.ranking.ranked import rank_by_objectives
from matsift_flows.api.frames import Frame, checked_library, column, new_frame


def rank(
    predictions: Frame,
    objectives: Sequence[Objective | Mapping[str, Any]],
    *,
    by: Literal["pareto", "utility"] = "pareto",
) -> Frame:
    """Return candidates in order, by Pareto layers or by expected utility, as `[[ranking.objectives]]` of a study does.

    Parameters
    ----------
    predictions
        Rows with `structure_hash`, `property_name`, `mean`, `lower`, `upper`, `coverage`: those of `Model.predict`, of
        several models one below the other, or of `Database.predictions`.
    objectives
        Of each property ``{"property": ..., "goal": "maximize" or "minimize"}``, and as far as you like ``threshold``,
        ``weight``, ``scale``.
    by
        ``"pareto"``, or ``"utility"``, which counts what the values may deviate.

    Returns
    -------
    frame
        `place`, `structure_hash`, `formula`, for each property its mean and the chance of meeting its threshold, then
        `layer`, `chance` (of meeting all thresholds) and `utility`. Candidates of which an objective is unknown stand
        at the end, without place.

    Raises
    ------
    UserInputError
        If an objective cannot be read, or a property is not among the predictions.
    """
    if not objectives:
        raise UserInputError("name one objective at least, for example {'property': 'k_vrh', 'goal': 'maximize'}")
    wanted = [_objective(one) for one in objectives]
    names = [one.property for one in wanted]
    if len(set(names)) != len(names):
        raise UserInputError("each property can be one objective only")
    library = checked_library("pandas" if isinstance(predictions, pd.DataFrame) else "polars")
    rows = _rows(predictions)
    hashes = list(dict.fromkeys(rows["structure_hash"]))
    estimates = [_estimates(rows, name, hashes) for name in names]
    scores = rank_by_objectives(wanted, estimates, hashes)
    places = scores.pareto_place if by == "pareto" else scores.utility_place
    order = np.lexsort((hashes, np.where(places > 0, places, np.iinfo(np.int64).max)))
    formulae = dict(zip(rows["structure_hash"], rows["formula"], strict=True))
    columns: dict[str, Any] = {
        "place": [int(places[i]) or None for i in order],
        "structure_hash": [hashes[i] for i in order],
        "formula": [formulae[hashes[i]] for i in order],
    }
    for position, (name, estimate) in enumerate(zip(names, estimates, strict=True)):
        columns[name] = estimate.mean[order]
        columns[f"{name}_chance"] = scores.chances[order, position]
    columns["layer"] = [int(scores.layer[i]) or None for i in order]
    columns |= {"chance": scores.chance[order], "utility": scores.utility[order]}
    if library == "pandas":
        whole = {name: pd.array(columns[name], dtype="Int64") for name in ("place", "layer")}
        return new_frame(columns | whole, library)
    return new_frame(columns, library)


def _objective(given: Objective | Mapping[str, Any]) -> Objective:
    if isinstance(given, Objective):
        return given
    try:
        return Objective.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "objective"
        raise UserInputError(f"{key}: {first['msg'].removeprefix('Value error, ')}") from None


def _rows(predictions: Frame) -> dict[str, list[Any]]:
    names = ("structure_hash", "property_name", "mean", "lower", "upper", "coverage")
    rows = {name: column(predictions, name) for name in names}
    rows["formula"] = column(predictions, "formula") if "formula" in predictions.columns else [None] * len(predictions)
    if not all(isinstance(key, str) for key in rows["structure_hash"]):
        raise UserInputError("a row of the predictions names no structure; fill the column structure_hash")
    return rows


def _estimates(rows: Mapping[str, Sequence[Any]], name: str, hashes: Sequence[str]) -> Estimates:
    place = {key: i for i, key in enumerate(hashes)}
    fields = ("mean", "lower", "upper", "coverage")
    values = np.full((len(fields), len(hashes)), np.nan)
    seen = set[str]()
    for row, (key, of) in enumerate(zip(rows["structure_hash"], rows["property_name"], strict=True)):
        if of != name:
            continue
        if key in seen:
            raise UserInputError(f"the predictions hold {name} of the structure {key[:12]} more than once")
        seen.add(key)
        values[:, place[key]] = [_number(rows[field][row]) for field in fields]
    if not seen:
        known = ", ".join(sorted(set(rows["property_name"])))
        raise UserInputError(f"there is no prediction of {name}; the frame holds {known or 'none'}")
    mean, lower, upper, coverage = values
    return Estimates.predicted(mean, lower, upper, coverage)


def _number(value: Any) -> float:
    return math.nan if value is None or value is pd.NA else float(value)

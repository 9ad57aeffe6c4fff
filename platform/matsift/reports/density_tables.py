"""The tables of a study of charge densities: learners beside the paper's, elements left out, and the files beside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from matsift.learners.comparison import best_counts
from matsift.reports.densities import DensityReport, PropertyComparison
from matsift.reports.notation import headed, number, percent, quantity, symbol, text_markup
from matsift.reports.small_tables import Column, Table

#: Table 2 of the paper: kind of learner -> property -> (R2, RMSE in GPa), on 2,170 Fm-3m crystals with DFT densities.
PAPER_TABLE_2: dict[str, dict[str, tuple[float, float]]] = {
    "random_forest": {"k_vrh": (0.943, 18.721), "g_vrh": (0.794, 16.142)},
    "magpie_cnn": {"k_vrh": (0.944, 18.423), "g_vrh": (0.745, 17.959)},
    "density_cnn_3d": {"k_vrh": (0.884, 26.819), "g_vrh": (0.745, 17.944)},
    "density_cnn_2d": {"k_vrh": (0.912, 23.401), "g_vrh": (0.768, 17.192)},
    "density_fusion": {"k_vrh": (0.955, 16.530), "g_vrh": (0.804, 15.780)},
}


def density_tables(report: DensityReport) -> dict[str, pa.Table]:
    """Return every table by the name of its file: what is said of every crystal held out, and the metrics."""
    said = [row for compared in report.properties for row in _said_rows(compared)]
    scores = [row for compared in report.properties for row in _score_rows(compared, report)]
    left_out = [row for compared in report.properties for row in _left_out_rows(compared)]
    named = {"held_out": said, "scores": scores, "left_out_elements": left_out}
    return {name: pa.Table.from_pylist(rows) for name, rows in named.items() if rows}


def comparison_table(compared: PropertyComparison, kinds: Mapping[str, str]) -> Table | None:
    """Return R2 and errors of every learner over all crystals, each held out once; None without any learner."""
    if not compared.standings:
        return None
    columns = (
        Column("Learner"),
        Column("R²", True),
        Column(headed("RMSE", compared.unit), True),
        Column(headed("MAE", compared.unit), True),
        Column("RMSE ± over folds", True),
        Column("Inside the interval", True),
        Column("Paper: R²", True),
        Column(headed("Paper: RMSE", compared.unit), True),
    )
    rows = []
    for line in compared.standings:
        r2, rmse = PAPER_TABLE_2.get(kinds.get(line.learner, ""), {}).get(compared.property_name, (None, None))
        deviation = compared.fold_deviations.get(line.learner, {}).get("rmse")
        rows.append(
            (
                line.learner,
                number(line.averaged.get("r2"), 3),
                quantity(line.averaged["rmse"], compared.unit, more=1),
                quantity(line.averaged["mae"], compared.unit, more=1),
                f"± {quantity(deviation, compared.unit)}" if deviation is not None else "–",
                percent(compared.interval_coverages.get(line.learner)),
                number(r2, 3),
                number(rmse, 1),
            )
        )
    title = f"{symbol(compared.property_name)} of {number(len(compared), 0)} crystals"
    return Table(text_markup(title), columns, tuple(rows), wide=True)


def left_out_table(compared: PropertyComparison) -> Table | None:
    """Return R2 and RMSE of every learner on the crystals of each element left out; None without any element."""
    if not compared.elements:
        return None
    counts = best_counts([compared.left_out])
    sets = next(iter(compared.left_out.values())).sets
    columns = (
        Column("Learner"),
        *(Column(f"{found.element} ({found.n_train}/{found.n_test})", True) for found in sets),
        Column("Best in", True),
    )
    rows = []
    for learner, own in compared.left_out.items():
        scores = own.scores()
        cells = [
            f"{number(scores[e].get('r2'), 2)}\u00a0/\u00a0{quantity(scores[e]['rmse'], compared.unit)}"
            for e in own.elements
        ]
        rows.append((learner, *cells, str(counts[learner])))
    title = f"{symbol(compared.property_name)}: R² / RMSE in {compared.unit}, without an element (train/test crystals)"
    return Table(text_markup(title), columns, tuple(rows), wide=True)


def coverage_table(compared: PropertyComparison) -> Table | None:
    """Return what the intervals of every learner hold in the mean over the elements left out; None without any."""
    if not any(compared.coverages.values()):
        return None
    width = headed("Width", compared.unit)
    kinds = (("plain", "New element"), ("shifted", "Calibrated on others"), ("guaranteed", "With a guarantee"))
    columns = (
        Column("Learner"),
        Column("Known chemistry", True),
        *(column for _, title in kinds for column in (Column(title, True), Column(width, True))),
    )
    rows = []
    for learner, lines in compared.coverages.items():
        cells = [percent(compared.interval_coverages.get(learner))]
        for kind, _ in kinds:
            cells.append(percent(_mean([getattr(line, kind) for line in lines])))
            cells.append(quantity(_mean([getattr(line, f"{kind}_width") for line in lines]), compared.unit))
        rows.append((learner, *cells))
    title = f"{symbol(compared.property_name)}: share of labels inside the interval"
    return Table(text_markup(title), columns, tuple(rows), wide=True)


def difference_table(compared: PropertyComparison) -> Table | None:
    """Return how far the best learner is ahead of each other one; None where there is one learner alone."""
    if not compared.differences:
        return None
    columns = (
        Column(f"{compared.best} against"),
        Column(headed("RMSE lower by", compared.unit), True),
        Column("95 % interval", True),
        Column("More than chance"),
    )
    rows = tuple(
        (
            found.second,
            quantity(-found.difference, compared.unit, more=1),
            f"{quantity(-found.upper, compared.unit, more=1)} to {quantity(-found.lower, compared.unit, more=1)}",
            "yes" if found.is_real else "no",
        )
        for found in compared.differences
    )
    title = f"{symbol(compared.property_name)}: is the best learner really better?"
    return Table(text_markup(title), columns, rows, wide=True)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _said_rows(compared: PropertyComparison) -> list[dict[str, Any]]:
    return [
        {
            "property": compared.property_name,
            "learner": learner,
            "formula": compared.formulae[i],
            "fold": int(said.folds[0, i]) + 1,
            "true": float(said.y[i]),
            "predicted": float(said.mean[0, i]),
            "spread": float(said.spread[0, i]),
        }
        for learner, said in compared.said.items()
        for i in range(len(said.y))
    ]


def _score_rows(compared: PropertyComparison, report: DensityReport) -> list[dict[str, Any]]:
    return [
        {
            "property": compared.property_name,
            "learner": line.learner,
            "kind": report.kinds.get(line.learner, ""),
            "n_crystal": line.n_row,
            **{name: line.averaged.get(name) for name in ("r2", "rmse", "mae")},
            "rmse_deviation_over_folds": compared.fold_deviations.get(line.learner, {}).get("rmse"),
            "interval_coverage": compared.interval_coverages.get(line.learner),
        }
        for line in compared.standings
    ]


def _left_out_rows(compared: PropertyComparison) -> list[dict[str, Any]]:
    found = []
    for learner, own in compared.left_out.items():
        scores = own.scores()
        coverages = {line.element: line for line in compared.coverages.get(learner, ())}
        for one in own.sets:
            line = coverages.get(one.element)
            found.append(
                {
                    "property": compared.property_name,
                    "learner": learner,
                    "element": one.element,
                    "n_train": one.n_train,
                    "n_test": one.n_test,
                    **{name: scores[one.element].get(name) for name in ("r2", "rmse", "mae")},
                    "interval_coverage": None if line is None else line.plain,
                    "interval_coverage_shifted": None if line is None else line.shifted,
                    "interval_coverage_guaranteed": None if line is None else line.guaranteed,
                }
            )
    return found

"""The tables of a study of generative design: shares of generators, searches, and the files beside the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa

from matsift.reports.figures.latent_search import first_hits
from matsift.reports.generative import GeneratedCandidate, GenerativeReport, GeneratorLine, SearchCourse, ShareLine
from matsift.reports.notation import headed, in_unit, number, percent, quantity, symbol
from matsift.reports.small_tables import Column, Table, hash_markup
from matsift.reports.tables import unit_suffix

#: How an origin is written on the page.
ORIGINS = {
    "gan": "composition GAN",
    "latent_search": "latent search",
    "rules": "substitution rules",
    "random": "random compositions",
}


def share_table(shares: Sequence[ShareLine]) -> Table | None:
    """Return the shares of valid, unique and new compositions of each maker; None without any."""
    if not shares:
        return None
    heads = ("Made", "Valid", "Unique", "New", "All three")
    columns = (Column("Compositions of"), *(Column(head, True) for head in heads))
    rows = tuple(
        (
            line.maker,
            number(line.n_made, 0),
            *(
                percent(share, 1).replace(" ", "\u00a0")
                for share in (line.valid, line.unique, line.new, line.valid_unique_new)
            ),
        )
        for line in shares
    )
    return Table("Valid, unique, new", columns, rows, wide=True)


def generator_table(generators: Sequence[GeneratorLine]) -> Table | None:
    """Return what each generator learned from and how it scored; None without any."""
    if not generators:
        return None
    columns = (
        *map(Column, ("Generator", "Kind", "Version")),
        Column("Formulas", True),
        Column("Seed", True),
        Column("Scores"),
    )
    rows = tuple(
        (
            line.name,
            symbol(line.kind),
            hash_markup(line.content_hash),
            number(line.n_formula, 0),
            str(line.seed),
            ", ".join(
                f"{symbol(name)} {number(value, 0 if float(value).is_integer() else 3)}"
                for name, value in line.scores.items()
            ),
        )
        for line in generators
    )
    return Table("Generators", columns, rows, wide=True)


def search_table(report: GenerativeReport) -> Table | None:
    """Return what each search found within its suggestions; None without any search."""
    if not report.searches:
        return None
    target, wanted = report.target, report.threshold
    heads = ["Suggestions", "Decoded", "Compositions", headed("Best", target.unit)]
    if wanted is not None:
        side = "≥" if report.goal == "maximize" else "≤"
        heads += [f"Hits {side} {in_unit(quantity(wanted, target.unit), target.unit)}", "Hits a label"]
    columns = (Column("Search"), *(Column(head, True) for head in heads))
    return Table("Searches", columns, tuple(_search_cells(course, report) for course in report.searches), wide=True)


def generative_tables(report: GenerativeReport) -> dict[str, pa.Table]:
    """Return every table by the name of its file: all candidates, all suggestions, shares, what generators scored."""
    known = _Known.of(report)
    candidates = [_candidate_row(candidate, known) for candidate in report.candidates]
    suggestions = [row for course in report.searches for row in _suggestion_rows(course, report)]
    shares = [
        {"maker": s.maker, "n_made": s.n_made, "valid": s.valid, "unique": s.unique, "new": s.new}
        | {"valid_unique_new": s.valid_unique_new}
        for s in report.shares
    ]
    scores = [
        {"generator": line.name, "kind": line.kind, "content_hash": line.content_hash, "score": name, "value": value}
        for line in report.generators
        for name, value in line.scores.items()
    ]
    named = {"candidates": candidates, "suggestions": suggestions, "shares": shares, "generators": scores}
    return {name: pa.Table.from_pylist(rows) for name, rows in named.items() if rows}


def _search_cells(course: SearchCourse, report: GenerativeReport) -> tuple[str, ...]:
    known = course.values[course.decodes & np.isfinite(course.values)]
    best = None if not known.size else float(known.max() if report.goal == "maximize" else known.min())
    cells = (
        course.name,
        number(len(course), 0),
        percent(float(course.decodes.mean())) if len(course) else "–",
        number(len({f for f in course.formulas if f is not None}), 0),
        quantity(best, report.target.unit),
    )
    if report.threshold is None:
        return cells
    hits = first_hits(course, report)
    return (*cells, number(hits, 0), number(hits / known.size, 3) if known.size else "–")


@dataclass(frozen=True)
class _Known:
    """What is known of any candidate: units of what is predicted and computed by name, and the names of verdicts."""

    predicted: dict[str, str]
    labelled: dict[str, str]
    judged: tuple[str, ...]

    @classmethod
    def of(cls, report: GenerativeReport) -> Self:
        return cls(
            {p.property_name: p.unit for c in report.candidates for p in c.predictions},
            {label.property_name: label.unit for c in report.candidates for label in c.labels},
            tuple(dict.fromkeys(verdict.name for c in report.candidates for verdict in c.verdicts)),
        )


def _candidate_row(c: GeneratedCandidate, known: _Known) -> dict[str, Any]:
    row: dict[str, Any] = {
        "rank": c.rank,
        "formula": c.formula,
        "origin": c.origin,
        "status": c.status,
        "reason": c.reason,
        "structure_hash": c.structure_hash,
        "space_group": c.space_group,
        "nearest_formula": c.nearest.formula if c.nearest else None,
        "nearest_distance": c.nearest.distance if c.nearest else None,
        "template_formula": c.template.formula if c.template else None,
        "template_space_group": c.template.space_group if c.template else None,
        "template_distance": c.template.distance if c.template else None,
        "template_source": f"{c.template.source.source} {c.template.source.external_id}"
        if c.template and c.template.source
        else None,
        "missing_phases": "; ".join(c.missing_phases),
        "hand_off_oracle": c.hand_off.oracle if c.hand_off else None,
        "hand_off_state": c.hand_off.state if c.hand_off else None,
        "hand_off_reason": c.hand_off.reason if c.hand_off else None,
    }
    for name, unit in known.predicted.items():
        p = c.prediction(name)
        for field in ("mean", "lower", "upper", "spread"):
            row[_named(f"{name}_{field}", unit)] = getattr(p, field) if p else None
    for name, unit in known.labelled.items():
        label = c.label(name)
        row[_named(f"{name}_label", unit)] = label.value if label else None
        row[f"{name}_label_method"] = label.method if label else None
    outcomes = {verdict.name: verdict.outcome for verdict in c.verdicts}
    return row | {f"{name}_outcome": outcomes.get(name) for name in known.judged}


def _suggestion_rows(course: SearchCourse, report: GenerativeReport) -> list[dict[str, Any]]:
    value = _named(report.target.name, report.target.unit)
    return [
        {
            "search": course.name,
            "suggestion": n,
            "round": int(course.rounds[n - 1]),
            "decodes": bool(course.decodes[n - 1]),
            "formula": course.formulas[n - 1],
            value: float(course.values[n - 1]) if np.isfinite(course.values[n - 1]) else None,
        }
        for n in range(1, len(course) + 1)
    ]


def _named(name: str, unit: str) -> str:
    suffix = unit_suffix(unit)
    return f"{name}_{suffix}" if suffix else name

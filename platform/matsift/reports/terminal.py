"""The ranking as plain rows, for a terminal."""

from __future__ import annotations

from matsift.reports.data import CandidateLabel, PropertyPrediction, RankedCandidate, RankingReport
from matsift.reports.notation import quantity, symbol

_HASH_SHOWN = 10


def rows_for_terminal(report: RankingReport, n: int) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the headers and the first `n` ranked candidates as text; every header of a number ends in its unit."""
    headers = [f"{symbol(p.name)} / {p.unit}" for p in report.properties]
    intervals = [f"interval {symbol(p.name)} / {p.unit}" for p in report.properties]
    paired = [header for pair in zip(headers, intervals, strict=True) for header in pair]
    columns = ("rank", "formula", "space group", "structure", *paired, "state", "criteria")
    return columns, [_row(ranked, report) for ranked in report.ranking.ranked[:n]]


def _row(ranked: RankedCandidate, report: RankingReport) -> tuple[str, ...]:
    candidate = ranked.candidate
    values: list[str] = []
    for known in report.properties:
        values += _prediction(candidate.prediction(known.name))
    labels = [x for p in report.properties if (x := candidate.label(p.name))]
    return (
        str(ranked.rank),
        candidate.formula,
        candidate.space_group,
        candidate.structure_hash[:_HASH_SHOWN],
        *values,
        " ".join([candidate.state, *map(_label, labels)]),
        _criteria(ranked),
    )


def _prediction(found: PropertyPrediction | None) -> tuple[str, str]:
    if found is None:
        return ("–", "–")
    mean, spread, lower, upper = (quantity(v, found.unit) for v in (found.mean, found.spread, found.lower, found.upper))
    return (f"{mean} ± {spread}", f"{lower} to {upper}")


def _label(label: CandidateLabel) -> str:
    return f"{symbol(label.property_name)} {quantity(label.value, label.unit)} {label.unit}"


def _criteria(ranked: RankedCandidate) -> str:
    candidate = ranked.candidate
    unknown = [c.name for c in candidate.criteria_of("unknown")]
    passed = f"{len(candidate.criteria_of('passed'))} of {len(candidate.criteria)} passed"
    return f"{passed}, unknown: {', '.join(unknown)}" if unknown else passed

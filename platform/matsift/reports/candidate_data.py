"""All candidates as columns of JSON: the table and the cards of the page are drawn from it, row by row as one looks.

A column of few different texts is written as the texts once and the place of each row's among them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

from matsift.reports.data import Candidate, CriterionSeen, RankedCandidate, RankingReport, ReportProperty
from matsift.reports.desk import AcquisitionStory, CandidateDetail, LearnedFrom, Neighbour
from matsift.reports.limits import FAR, flags
from matsift.reports.markup import json_markup, safe_link
from matsift.reports.mobility import MobilityAxis
from matsift.reports.notation import (
    decimals,
    in_unit,
    moment,
    quantity,
    shown_symbols,
    shown_unit,
    symbol,
)

_LETTER = {"passed": "p", "failed": "f", "unknown": "u", None: "-"}
_PARTS = 1000  # of the strongest line


def candidate_data(report: RankingReport) -> Markup:
    """Return the ranked candidates and then those left out, with the details of those that have some, for a script."""
    rows = (*report.ranking.ranked, *report.ranking.excluded)
    candidates = [row.candidate for row in rows]
    place = {candidate.structure_hash: n for n, candidate in enumerate(candidates)}
    return json_markup(
        {
            "n_ranked": len(report.ranking.ranked),
            "symbols": shown_symbols(),
            "hash": [c.structure_hash for c in candidates],
            "formula": [c.formula for c in candidates],
            "group": _coded(c.space_group for c in candidates),
            "state": _coded(c.state for c in candidates),
            "flags": _coded("\n".join(words) for words in flags(report, candidates)),
            "reason": [row.reason for row in rows],
            "properties": [_property(known, candidates) for known in report.properties],
            "mobility": None if report.mobility is None else _mobility(report.mobility, candidates),
            "criteria": _criteria(candidates),
            "links": _links(candidates),
            "details": {
                str(place[d.structure_hash]): _detail(d) for d in report.desk.details if d.structure_hash in place
            },
            "chains": [[symbol(c.property_name), *map(list, c.steps)] for c in report.desk.chains],
            "cited": [[s.name, s.description, s.version, s.licence] for s in report.desk.cited],
            "made": _made(report),
        }
    )


def shown_rows(rows: Sequence[RankedCandidate], most: int = 100) -> Sequence[RankedCandidate]:
    """Return the rows that stand in the page as text too, for paper and for readers without scripts."""
    return rows[:most]


def column_widths(report: RankingReport, labelled: Sequence[str], name: str) -> list[float]:
    """Return the widths of the columns of a table (``ranked`` or another) in em, so that rows may come and go."""
    of_properties = []
    for known in report.properties:
        of_properties += [11.5 if decimals(known.unit) > 2 else 9.5, *([7.5] if known.name in labelled else [])]
    of_mobility = [6.0, 9.0] if report.mobility is not None else []
    return [*([5.4] if name == "ranked" else []), 12.5, *of_properties, *of_mobility, 9.0, 17.0, 25.0, 12.5]


def _property(known: ReportProperty, candidates: Sequence[Candidate]) -> dict[str, Any]:
    said = [c.prediction(known.name) for c in candidates]
    labels = [c.label(known.name) for c in candidates]
    columns = {
        field: [None if p is None else _short(getattr(p, field)) for p in said]
        for field in ("mean", "spread", "lower", "upper")
    }
    return {
        "name": known.name,
        "symbol": symbol(known.name),
        "definition": known.definition,
        "unit": shown_unit(known.unit),
        "decimals": decimals(known.unit),
        "coverage": next((p.coverage for p in said if p is not None and p.coverage is not None), None),
        "value": [None if x is None else _short(x.value) for x in labels] if any(labels) else None,
        "method": _coded("" if x is None else x.method for x in labels),
        **columns,
    }


def _mobility(axis: MobilityAxis, candidates: Sequence[Candidate]) -> dict[str, Any]:
    known = [c.mobility for c in candidates]
    return {
        "ion": axis.ion,
        "dimension": [None if m is None else m.dimension(axis.level) for m in known],
        "barrier": [None if m is None else _short(m.barrier(axis.level)) for m in known],
        "words": _coded("" if m is None else m.all_barriers for m in known),
    }


def _criteria(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
    units: dict[str, str] = {}
    by_name: list[dict[str, CriterionSeen]] = []
    for candidate in candidates:
        by_name.append({c.name: c for c in candidate.criteria})
        for name, criterion in by_name[-1].items():
            units[name] = units.get(name) or criterion.unit
    found = []
    for name, unit in units.items():
        column = [known.get(name) for known in by_name]
        found.append(
            {
                "name": name,
                "unit": shown_unit(unit),
                "outcome": "".join(_LETTER[None if c is None else c.outcome] for c in column),
                "seen": [None if c is None else _short(c.value_seen) for c in column],
                "detail": _coded("" if c is None else c.detail for c in column),
            }
        )
    return found


def _links(candidates: Sequence[Candidate]) -> dict[str, Any]:
    """Return a row's entries as source, id, licence and address; an address that ends in the id holds ``*`` for it."""
    every = [(n, link) for n, c in enumerate(candidates) for link in c.sources]
    rows: list[list[int]] = [[] for _ in candidates]
    for position, (n, _) in enumerate(every):
        rows[n].append(position)
    return {
        "rows": rows,
        "id": [link.external_id for _, link in every],
        "source": _coded(link.source for _, link in every),
        "licence": _coded(link.licence for _, link in every),
        "url": _coded(_pattern(safe_link(link.url), link.external_id) for _, link in every),
    }


def _pattern(url: str | None, external_id: str) -> str:
    if url is None or "*" in url:
        return url or ""
    return f"{url[: -len(external_id)]}*" if external_id and url.endswith(external_id) else url


def _detail(detail: CandidateDetail) -> dict[str, Any]:
    pattern = detail.pattern
    return {
        "crystal": detail.crystal is not None,
        "pattern": None
        if pattern is None
        else {
            "wavelength": round(pattern.wavelength, 5),
            "angle": [round(float(angle), 2) for angle in pattern.two_theta_deg],
            "height": [max(round(_PARTS * float(share)), 1) for share in pattern.intensity],
        },
        "similar": [_neighbour(one) for one in detail.similar],
        "learned": [_learned(one) for one in detail.learned_from],
        "stories": [_story(one) for one in detail.stories],
    }


def _neighbour(one: Neighbour) -> list[str | float]:
    return [one.structure_hash, one.formula, one.space_group, round(one.distance, 3), one.told]


def _learned(one: LearnedFrom) -> dict[str, Any]:
    return {
        "symbol": symbol(one.property_name),
        "limit": round(one.limit, 3),
        "far": FAR if one.is_far else "",
        "nearest": [_neighbour(nearest) for nearest in one.nearest],
    }


def _story(story: AcquisitionStory) -> dict[str, Any]:
    said = in_unit(f"{quantity(story.mean, story.unit)} ± {quantity(story.spread, story.unit)}", story.unit)
    answer = "" if story.value is None else f"; computed {in_unit(quantity(story.value, story.unit), story.unit)}"
    return {
        "words": f"{story.strategy} for {symbol(story.property_name)}, round {story.round_number}: place {story.rank} "
        f"of {story.n_candidate}, predicted {said}{answer}",
        "steps": [[moment(step.occurred_at), step.status, step.by, step.reason] for step in story.steps],
    }


def _made(report: RankingReport) -> dict[str, Any]:
    made = report.provenance
    return {
        "study": f"study {report.study}" if report.study else f"studies {', '.join(s.name for s in report.studies)}",
        "paper": report.paper,
        "code": made.code_version,
        "data": made.dataset_version,
        "models": [f"{m.learner} {m.content_hash[:12]} ({symbol(m.property_name)})" for m in made.models],
    }


def _coded(texts: Iterable[str]) -> dict[str, Any]:
    words: dict[str, int] = {}
    at = [words.setdefault(text, len(words)) for text in texts]
    return {"words": list(words), "at": at}


def _short(value: float | None) -> float | None:
    """Return eight significant digits, so that what the script rounds for the eye is what Python would write."""
    return float(f"{value:.8g}") if value is not None and math.isfinite(value) else None

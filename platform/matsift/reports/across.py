"""One report across studies: every candidate once, with what each study says of it.

A candidate stands by its best share of a ranking: place 3 of 60 before place 2 of 20. Where two studies predict one
property of a candidate, the first study named counts; criteria, models and plots say which study they are of.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from matsift.reports.data import (
    Candidate,
    ModelRow,
    Provenance,
    RankedCandidate,
    Ranking,
    RankingReport,
    StudyLine,
    SummaryNumber,
)
from matsift.reports.desk import CandidateDetail, Desk

#: Name of the report among those of studies, which no study can have.
ACROSS = "all-studies"
_STATES = ("candidate", "acquired", "labelled")

T = TypeVar("T")


@dataclass(frozen=True)
class _Seen:
    """What one study says of a candidate; `share` is its place over the number ranked, None where it was left out."""

    study: str
    row: RankedCandidate
    share: float | None


def merged(reports: Sequence[RankingReport], studies: Sequence[StudyLine], generated_at: datetime) -> RankingReport:
    """Return the report across studies.

    Parameters
    ----------
    reports
        Rankings, each of a study of its own, the one that counts in doubt first; at least one.
    studies
        A line on each study, also on those that rank no candidates.
    generated_at
        The moment that the page names.

    Raises
    ------
    ValueError
        If there is no ranking.
    """
    if not reports:
        raise ValueError("a report across studies needs at least one that ranks candidates")
    ranking = _ranking(reports)
    n_shared = sum(1 for seen in _by_structure(reports).values() if len(seen) > 1)
    n_candidate = len(ranking.ranked) + len(ranking.excluded)
    return RankingReport(
        study="",
        title="Candidates across studies",
        generated_at=generated_at,
        properties=_first(p for r in reports for p in r.properties),
        ranking=ranking,
        provenance=_provenance(reports),
        description=f"What the studies {', '.join(line.name for line in studies)} say, in one table.",
        summary=(
            SummaryNumber("studies", str(len(studies)), f"{len(reports)} of them rank candidates"),
            SummaryNumber("candidates", str(n_candidate), f"{n_shared} in more than one study"),
            SummaryNumber("ranked", str(len(ranking.ranked)), "by at least one study"),
        ),
        distributions=_first((d for r in reports for d in r.distributions), lambda d: d.property_name),
        parities=tuple(replace(p, title=_of(r, p.title)) for r in reports for p in r.parities),
        evaluations=tuple(replace(e, model=_of(r, e.model)) for r in reports for e in r.evaluations),
        failures=_first(f for r in reports for f in r.failures),
        mobility=next((r.mobility for r in reports if r.mobility is not None), None),
        numbers_figures=False,
        desk=_desk(reports),
        studies=tuple(studies),
    )


def _ranking(reports: Sequence[RankingReport]) -> Ranking:
    ranked: list[tuple[float, str, Candidate, str]] = []
    excluded: list[tuple[str, Candidate, str]] = []
    for key, seen in _by_structure(reports).items():
        candidate = _joined(seen)
        reason = " ".join(f"{one.study}: {one.row.reason}" for one in seen)
        shares = [one.share for one in seen if one.share is not None]
        if shares:
            ranked.append((min(shares), key, candidate, reason))
        else:
            excluded.append((key, candidate, reason))
    ranked.sort(key=lambda row: row[:2])
    excluded.sort(key=lambda row: row[0])
    return Ranking(
        reports[0].ranking.settings,
        "Each study ranks its own candidates by a question of its own. Here they stand by their best share of a "
        "ranking, place 3 of 60 before place 2 of 20; equal shares by their hash.",
        tuple(RankedCandidate(n, row[2], row[3]) for n, row in enumerate(ranked, start=1)),
        tuple(RankedCandidate(None, row[1], row[2]) for row in excluded),
    )


def _by_structure(reports: Sequence[RankingReport]) -> dict[str, list[_Seen]]:
    found: dict[str, list[_Seen]] = {}
    for report in reports:
        n = len(report.ranking.ranked)
        for row in (*report.ranking.ranked, *report.ranking.excluded):
            share = None if row.rank is None else row.rank / n
            found.setdefault(row.candidate.structure_hash, []).append(_Seen(report.study, row, share))
    return found


def _joined(seen: Sequence[_Seen]) -> Candidate:
    """Return a candidate with all that the studies know of it; of two predictions of a property the first counts."""
    known = [one.row.candidate for one in seen]
    return replace(
        known[0],
        predictions=_first((p for c in known for p in c.predictions), lambda p: p.property_name),
        criteria=tuple(
            replace(criterion, name=f"{one.study}: {criterion.name}")
            for one in seen
            for criterion in one.row.candidate.criteria
        ),
        sources=_first(link for c in known for link in c.sources),
        labels=_first(label for c in known for label in c.labels),
        state=max((c.state for c in known), key=_STATES.index),
        mobility=next((c.mobility for c in known if c.mobility is not None), None),
    )


def _desk(reports: Sequence[RankingReport]) -> Desk:
    details: dict[str, list[CandidateDetail]] = {}
    for report in reports:
        for detail in report.desk.details:
            details.setdefault(detail.structure_hash, []).append(detail)
    return Desk(
        details=tuple(_detail(of_one) for of_one in details.values()),
        chains=_first((c for r in reports for c in r.desk.chains), lambda c: c.property_name),
        cited=_first(s for r in reports for s in r.desk.cited),
        training=_first((t for r in reports for t in r.desk.training), lambda t: t.property_name),
        oracles=_first(o for r in reports for o in r.desk.oracles),
    )


def _detail(of_one: Sequence[CandidateDetail]) -> CandidateDetail:
    return replace(
        of_one[0],
        learned_from=_first((x for d in of_one for x in d.learned_from), lambda x: x.property_name),
        stories=tuple(story for d in of_one for story in d.stories),
    )


def _provenance(reports: Sequence[RankingReport]) -> Provenance:
    made = [report.provenance for report in reports]
    return replace(
        made[0],
        dataset_version="; ".join(_first(p.dataset_version for p in made)),
        runs=_first((run for p in made for run in p.runs), lambda run: run.run_id),
        snapshots=_first((s for p in made for s in p.snapshots), lambda s: s.content_hash),
        models=_models(reports),
        descriptor_sets=_first(d for p in made for d in p.descriptor_sets),
    )


def _models(reports: Sequence[RankingReport]) -> tuple[ModelRow, ...]:
    """Return the models behind the predictions shown, one a property, and then the others."""
    named = [
        (m.property_name, n < len(report.properties), replace(m, learner=_of(report, m.learner)))
        for report in reports
        for n, m in enumerate(report.provenance.models)
    ]
    shown = _first((row for row in named if row[1]), lambda row: row[0])
    return _first((row[2] for row in (*shown, *named)), lambda m: m.content_hash)


def _of(report: RankingReport, words: str) -> str:
    return f"{report.study}: {words}"


def _first(items: Iterable[T], key: Callable[[T], Hashable] = lambda item: item) -> tuple[T, ...]:
    """Return the items without those whose key came before."""
    found: dict[Hashable, T] = {}
    for item in items:
        found.setdefault(key(item), item)
    return tuple(found.values())

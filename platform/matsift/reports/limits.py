"""What a ranking cannot tell: elements and structures unlike all it learned from, criteria that nobody decided."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.reports.data import Candidate, RankingReport
from matsift.reports.desk import TrainingElements
from matsift.reports.notation import number, percent, symbol

#: What is said of a candidate unlike anything that a model learned from.
FAR = "unlike the training data"
#: Fewer training labels with an element than this say little about it.
FEW_LABELS = 5

_SYMBOL = re.compile(r"[A-Z][a-z]?")
_KNOWN = frozenset(ELEMENT_SYMBOLS)
_MOST_NAMED = 12
_ORACLES = (
    ("chgnet", "of the universal potential CHGNet: neither DFT nor measured, and the models learn its errors too"),
    ("bvse", "bond valence site energies: they rank paths, and are no migration barriers"),
    ("bond-valence", "of a classical bond-valence force field: neither DFT nor measured"),
    ("gpaw", "of DFT in its ground state, with the errors of its functional"),
    ("vasp", "of DFT in its ground state, with the errors of its functional"),
    ("espresso", "of DFT in its ground state, with the errors of its functional"),
    ("pbe", "of DFT in its ground state, with the errors of its functional"),
)


@dataclass(frozen=True)
class Limit:
    """One thing that the report cannot tell: a few words, and the sentence behind them."""

    title: str
    text: str


def elements_of(formula: str) -> tuple[str, ...]:
    """Return the elements named in a formula, in its order; what is no element is passed over."""
    return tuple(dict.fromkeys(s for s in _SYMBOL.findall(formula) if s in _KNOWN))


def flags(report: RankingReport, candidates: Sequence[Candidate]) -> list[tuple[str, ...]]:
    """Return for each candidate the warnings that a reader should see before its numbers."""
    far = {
        detail.structure_hash: [symbol(x.property_name) for x in detail.learned_from if x.is_far]
        for detail in report.desk.details
    }
    found = []
    for candidate in candidates:
        words = [f"never in training: {s} ({', '.join(of)})" for s, of in _unseen(report, candidate).items()]
        if names := far.get(candidate.structure_hash):
            words.append(f"{FAR} ({', '.join(names)})")
        found.append(tuple(words))
    return found


def limits(report: RankingReport) -> tuple[Limit, ...]:
    """Return what the report cannot tell, the gravest first; empty where nothing is ranked."""
    if not report.ranking.ranked:
        return ()
    found = (
        *_element_limits(report),
        _distance_limit(report),
        _criteria_limit(report),
        _interval_limit(report),
        _oracle_limit(report),
        Limit(
            "Whether it can be made",
            "Nothing here says that a candidate can be synthesised, or how it fares at temperature, with defects, "
            "against water and air: a rank is a reason to look closer, not a result.",
        ),
    )
    return tuple(limit for limit in found if limit is not None)


def _learned(report: RankingReport, candidate: Candidate) -> list[TrainingElements]:
    """Return what was learned from for the properties that are predicted of a candidate."""
    return [t for t in report.desk.training if candidate.prediction(t.property_name) is not None]


def _unseen(report: RankingReport, candidate: Candidate) -> dict[str, list[str]]:
    """Return each element of a candidate that no label of a property holds, with the symbols of these properties."""
    learned = _learned(report, candidate)
    missing = {
        s: [symbol(t.property_name) for t in learned if not t.counts.get(s)] for s in elements_of(candidate.formula)
    }
    return {s: names for s, names in missing.items() if names}


def _element_limits(report: RankingReport) -> tuple[Limit, ...]:
    if not report.desk.training:
        return ()
    ranked = [row.candidate for row in report.ranking.ranked]
    unseen = [missing for candidate in ranked if (missing := _unseen(report, candidate))]
    if unseen:
        named = _named(Counter(s for missing in unseen for s in missing))
        text = (
            f"{number(len(unseen), 0)} of {number(len(ranked), 0)} ranked candidates hold an element that no training "
            f"label of a property predicted of them holds: {named}. There "
            "the models guess, and no interval covers it."
        )
    else:
        text = "Every element of the ranked candidates stands in training labels of every property predicted of them."
    least: dict[str, int] = {}
    for candidate in ranked:
        for t in _learned(report, candidate):
            for s in elements_of(candidate.formula):
                least[s] = min(least.get(s, FEW_LABELS), t.counts.get(s, 0))
    rare = {s: n for s, n in least.items() if 0 < n < FEW_LABELS}
    if rare:
        text += f" Fewer than {FEW_LABELS} labels hold {_named(rare)}."
    return (Limit("Elements never in training", text),)


def _distance_limit(report: RankingReport) -> Limit | None:
    judged = [d for d in report.desk.details if d.learned_from]
    if not judged:
        return None
    n_far = sum(any(x.is_far for x in d.learned_from) for d in judged)
    return Limit(
        "Structures unlike the training data",
        f"Farther from everything that a model learned from than 95 % of its training structures from one another: "
        f"{number(n_far, 0)} of the first {number(len(judged), 0)} candidates. Their rows and cards say so; the others "
        "were not looked at.",
    )


def _criteria_limit(report: RankingReport) -> Limit | None:
    ranked = report.ranking.ranked
    unknown = Counter(c.name for row in ranked for c in row.candidate.criteria_of("unknown"))
    if not unknown:
        return None
    listed = "; ".join(f"{name} for {number(n, 0)}" for name, n in unknown.most_common(_MOST_NAMED))
    return Limit(
        "Criteria that nobody could decide",
        f"Of {number(len(ranked), 0)} ranked candidates it is unknown: {listed}. Unknown neither helps nor excludes.",
    )


def _interval_limit(report: RankingReport) -> Limit | None:
    covers = {
        p.property_name: p.coverage
        for row in report.ranking.ranked[:1]
        for p in row.candidate.predictions
        if p.coverage is not None
    }
    # the first model of a property is the one behind the ranking
    learners = {m.property_name: m.learner for m in reversed(report.provenance.models)}
    said = [
        f"{symbol(e.property_name)} {percent(e.interval_coverage)} of {number(e.n_row, 0)} "
        f"({e.subset.replace(':', ', with ')})"
        for e in report.evaluations
        if e.interval_coverage is not None
        and e.property_name in covers
        and e.model == learners.get(e.property_name, e.model)
    ]
    if not said:
        return None
    wanted = percent(next(iter(covers.values())))
    return Limit(
        "How sure the intervals are",
        f"Meant to hold {wanted} of true values, they held on rows kept aside: {'; '.join(said)}. That holds for "
        "candidates like those rows; the first of a ranking are chosen for being unusual.",
    )


def _oracle_limit(report: RankingReport) -> Limit | None:
    if not report.desk.oracles:
        return None
    said = [f"{method}: values {_told(method)}" for method in report.desk.oracles[:_MOST_NAMED]]
    return Limit("What the labels are", f"{'; '.join(said)}.")


def _told(method: str) -> str:
    lowered = method.lower()
    return next((words for start, words in _ORACLES if lowered.startswith(start)), "as their source states them")


def _named(counts: dict[str, int]) -> str:
    most = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(f"{s} ({number(n, 0)})" for s, n in most[:_MOST_NAMED])
    return f"{listed} and {len(most) - _MOST_NAMED} more" if len(most) > _MOST_NAMED else listed

"""The order of the candidates, and for each the sentence that says why it stands there."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matsift.reports.data import (
    Candidate,
    CandidateLabel,
    CriterionSeen,
    PropertyPrediction,
    RankedCandidate,
    Ranking,
    RankingSettings,
)
from matsift.reports.notation import in_unit, percent, quantity, symbol

_BOUND = {"mean": "mean", "lower": "lower bound", "upper": "upper bound"}
_DIRECTION = {"maximize": "highest first", "minimize": "lowest first"}


def rank(candidates: Sequence[Candidate], settings: RankingSettings) -> Ranking:
    """Return the candidates in order, and apart from them those that cannot be ranked.

    A candidate with a failed criterion, or without a finite value, is left out and says why. An unknown criterion
    neither helps nor excludes: it is named in the reason. Equal values (lower bounds that end at zero, say) are
    ordered by the predicted mean, then by the structure hash, so the order of the input does not matter.
    """
    keys = {id(c): _key(c, settings) for c in candidates}
    ordered = sorted(candidates, key=lambda c: keys[id(c)])
    eligible = [c for c in ordered if _value(c, settings) is not None and not c.criteria_of("failed")]
    left_out = [c for c in ordered if _value(c, settings) is None or c.criteria_of("failed")]
    ranked = tuple(
        RankedCandidate(place, c, _why_here(c, place, len(eligible), settings))
        for place, c in enumerate(eligible, start=1)
    )
    excluded = tuple(RankedCandidate(None, c, _why_excluded(c, settings)) for c in left_out)
    return Ranking(settings, _rule(settings), ranked, excluded)


def _rule(settings: RankingSettings) -> str:
    name = symbol(settings.property_name)
    predicted = f"the {_BOUND[settings.by]} of the predicted {name}"
    by = f"the computed {name}, and {predicted} where nothing is computed" if settings.prefer_computed else predicted
    return f"Ranked by {by}, {_DIRECTION[settings.goal]}; equal values by the predicted mean."


def _computed(candidate: Candidate, settings: RankingSettings) -> CandidateLabel | None:
    return candidate.label(settings.property_name) if settings.prefer_computed else None


def _value(candidate: Candidate, settings: RankingSettings) -> float | None:
    """Return what the candidate is ranked by, or None where that is not known."""
    computed, found = _computed(candidate, settings), candidate.prediction(settings.property_name)
    if computed is not None:
        return computed.value
    value = math.nan if found is None else float(getattr(found, settings.by))
    return value if math.isfinite(value) else None


def _key(candidate: Candidate, settings: RankingSettings) -> tuple[float, float, str]:
    value, found = _value(candidate, settings), candidate.prediction(settings.property_name)
    if value is None:
        return (math.inf, math.inf, candidate.structure_hash)
    sign = -1.0 if settings.goal == "maximize" else 1.0
    return (sign * value, 0.0 if found is None else sign * found.mean, candidate.structure_hash)


def _why_here(candidate: Candidate, place: int, total: int, settings: RankingSettings) -> str:
    computed, found = _computed(candidate, settings), candidate.prediction(settings.property_name)
    name = symbol(settings.property_name)
    if computed is not None:
        predicted = "not predicted" if found is None else f"predicted {_bounds(found)}"
        by, aside = f"computed {name}", f"{computed.method}; {predicted}"
        value = in_unit(quantity(computed.value, computed.unit), computed.unit)
    else:
        assert found is not None
        by, aside = f"{_BOUND[settings.by]} of {name}", _bounds(found)
        value = in_unit(quantity(getattr(found, settings.by), found.unit), found.unit)
    return f"Place {place} of {total} by the {by}: {value} ({aside}); {_criteria_clause(candidate)}."


def _bounds(found: PropertyPrediction) -> str:
    interval = "interval" if found.coverage is None else f"{percent(found.coverage)} interval"
    lower, upper, spread = (quantity(v, found.unit) for v in (found.lower, found.upper, found.spread))
    return f"{interval} {lower} to {upper}, spread {spread}"


def _criteria_clause(candidate: Candidate) -> str:
    if not candidate.criteria:
        return "no criteria were set"
    n_passed, n_total = len(candidate.criteria_of("passed")), len(candidate.criteria)
    unknown = ", ".join(c.name for c in candidate.criteria_of("unknown"))
    if n_total == 1:
        return f"its one criterion, {unknown}, is unknown" if unknown else "passes its one criterion"
    passed = f"passes all {n_total} criteria" if n_passed == n_total else f"passes {n_passed} of {n_total} criteria"
    return f"{passed}, unknown: {unknown}" if unknown else passed


def _why_excluded(candidate: Candidate, settings: RankingSettings) -> str:
    failed = candidate.criteria_of("failed")
    if failed:
        return f"Left out: fails {', '.join(_seen(c) for c in failed)}."
    return f"Left out: no finite prediction of {symbol(settings.property_name)}."


def _seen(criterion: CriterionSeen) -> str:
    if criterion.value_seen is None:
        return f"{criterion.name} ({criterion.detail})" if criterion.detail else criterion.name
    return f"{criterion.name} ({criterion.value_seen:.4g}{' ' + criterion.unit if criterion.unit else ''})"

"""One composition of a generative study with all that is known of it, as the page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matsift.crystal import Crystal
from matsift.reports.data import CandidateLabel, CriterionSeen, PropertyPrediction, RankedCandidate, SourceLink
from matsift.reports.generative import GeneratedCandidate, HandOff, NearestKnown, TemplateSeen
from matsift.units import property_definition
from matsift_schema.store.generated_structures import AttemptRow
from matsift_schema.store.generation import CompositionRow
from matsift_schema.store.handed_off import HandedOff

#: Verdicts on a composition that a reader is told, and what the page calls them.
_VERDICTS = {"charge_neutral": "charge neutral", "electronegativity_balanced": "electronegativity balanced"}
_PROPOSED = "proposed"


@dataclass(frozen=True, eq=False)
class Seen:
    """What is known of the crystals of a study: by structure id, templates by entry id, ranks by content hash."""

    property_name: str
    hashes: Mapping[int, str]
    groups: Mapping[int, str]
    crystals: Mapping[int, Crystal]
    holds: Mapping[int, frozenset[str]]
    labels: Mapping[int, Sequence[CandidateLabel]]
    templates: Mapping[int, tuple[str, str, str, str]]
    ranked: Mapping[str, RankedCandidate]
    handed_off: Mapping[int, HandedOff]
    missing_phases: Mapping[int, tuple[str, ...]]


def candidate(row: CompositionRow, attempts: Sequence[AttemptRow], seen: Seen) -> GeneratedCandidate:
    """Return a composition with the best of its attempts at a crystal."""
    best = min(attempts, key=lambda attempt: _order(attempt, seen), default=None)
    key = None if best is None else best.structure_id
    structure_hash = "" if key is None else seen.hashes.get(key, "")
    ranked = seen.ranked.get(structure_hash) if best is not None and best.outcome == "relaxed" else None
    handed = None if key is None else seen.handed_off.get(key)
    return GeneratedCandidate(
        formula=row.formula,
        origin=row.origin,
        status=_PROPOSED if best is None else best.outcome,
        reason="" if best is None else best.reason or "",
        predictions=_predictions(row, ranked, seen.property_name),
        verdicts=_verdicts(row, ranked, seen.holds.get(key) if key is not None else None),
        nearest=None if row.nearest_formula is None else NearestKnown(row.nearest_formula, row.nearest_distance or 0.0),
        template=None if best is None else _template(best, seen),
        structure_hash=structure_hash,
        space_group="" if key is None else seen.groups.get(key, ""),
        crystal=None if key is None else seen.crystals.get(key),
        labels=() if key is None else tuple(seen.labels.get(key, ())),
        hand_off=None if handed is None else _hand_off(handed),
        rank=None if ranked is None else ranked.rank,
        missing_phases=() if key is None else seen.missing_phases.get(key, ()),
    )


def _order(attempt: AttemptRow, seen: Seen) -> tuple[bool, bool, float, float, int]:
    """Return what sorts crystals of one formula: ranked ones, then any, the one of the lowest energy first."""
    key = attempt.structure_id
    ranked = None if key is None else seen.ranked.get(seen.hashes.get(key, ""))
    known = seen.labels.get(key, ()) if key else ()
    energies = (x.value for x in known if (x.property_name, x.method) == ("energy_per_atom", attempt.method))
    energy = min(energies, default=float("inf"))
    return key is None, ranked is None, energy, attempt.template_distance or 0.0, attempt.assignment


def _predictions(
    row: CompositionRow, ranked: RankedCandidate | None, property_name: str
) -> tuple[PropertyPrediction, ...]:
    unit = property_definition(property_name).unit
    own = PropertyPrediction(property_name, unit, row.mean, row.spread, row.lower, row.upper, row.coverage)
    others = () if ranked is None else ranked.candidate.predictions
    return (own, *(said for said in others if said.property_name != property_name))


def _verdicts(
    row: CompositionRow, ranked: RankedCandidate | None, holds: frozenset[str] | None
) -> tuple[CriterionSeen, ...]:
    found = [
        CriterionSeen(said, "passed" if row.verdicts[name] else "failed")
        for name, said in _VERDICTS.items()
        if name in row.verdicts
    ]
    if holds is not None and "not_born_stable" in holds:
        found.append(CriterionSeen("mechanically stable", "failed"))
    return (*found, *(() if ranked is None else ranked.candidate.criteria))


def _template(attempt: AttemptRow, seen: Seen) -> TemplateSeen | None:
    if attempt.template_entry_id is None or attempt.template_distance is None:
        return None
    source, external_id, formula, space_group = seen.templates[attempt.template_entry_id]
    return TemplateSeen(formula, space_group, attempt.template_distance, SourceLink(source, external_id))


def _hand_off(handed: HandedOff) -> HandOff:
    label = None
    if handed.value is not None and handed.method is not None:
        label = CandidateLabel(handed.property_name, handed.unit, handed.value, handed.method)
    return HandOff(handed.oracle, handed.status, label, "" if label is not None else handed.reason or "")

"""The page of a generative study, read from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from sqlalchemy.orm import Session

from matsift.reports.composition_map import composition_map
from matsift.reports.data import CandidateLabel, RankingReport, ReportProperty, SummaryNumber
from matsift.reports.generative import (
    CompositionMap,
    FunnelStep,
    GeneratedCandidate,
    GenerativeReport,
    GeneratorLine,
    SearchCourse,
    ShareLine,
)
from matsift.study.generative import GenerativeSettings, generated_source
from matsift.study.settings import Study
from matsift_adapters.oracles.chgnet import METHOD
from matsift_flows.generative.searching import Searched
from matsift_flows.generative.steps import Generated
from matsift_flows.reporting.generated_candidates import Seen, candidate
from matsift_flows.workspace import Workspace
from matsift_schema.store.generated_structures import AttemptRow, load_attempts, missing_phases, template_names
from matsift_schema.store.generation import CompositionRow, GenerationRecord, load_compositions, load_generation
from matsift_schema.store.handed_off import handed_off
from matsift_schema.store.labels import label_table
from matsift_schema.store.structures import load_crystals, load_structures
from matsift_schema.store.suggestions import load_suggestions

#: What oracles compute of a crystal, in the order of the page.
SHOWN = ("formation_energy_per_atom", "energy_above_hull", "band_gap", "k_vrh", "g_vrh", "energy_per_atom")

_NAMES = {"composition_autoencoder": "autoencoder", "composition_gan": "generative adversarial network"}
_MAKERS = {
    "gan": "network",
    "shuffled": "as frequent as known",
    "uniform": "drawn at random",
    "known": "formulas learned from",
}


def gather_generative(
    workspace: Workspace, study: Study, settings: GenerativeSettings, generated: Generated, ranking: RankingReport
) -> GenerativeReport:
    """Return the page of a study on what the database holds now.

    Parameters
    ----------
    workspace, study, settings
        Where, and of which study.
    generated
        What its steps proposed.
    ranking
        Its ordinary report, which ranks the crystals.
    """
    with workspace.sessions.begin() as session:
        rows = load_compositions(session, generated.batch_ids, generated.model.id)
        batches = [load_generation(session, key) for key in generated.batch_ids]
        attempts = _attempts(session, rows)
        candidates = _candidates(session, study, generated, ranking, rows, attempts)
        searches = tuple(_course(session, found) for found in generated.searches)
    return GenerativeReport(
        study=study.name,
        title=study.study.title,
        generated_at=datetime.now(UTC),
        provenance=ranking.provenance,
        target=ReportProperty.of(study.ranking.property),
        goal=study.ranking.goal,
        threshold=settings.threshold,
        paper=study.study.paper,
        caveat=_caveat(study),
        summary=_summary(generated, batches, candidates),
        candidates=candidates,
        funnel=_funnel(generated, batches, candidates),
        searches=searches,
        map=_map(generated, searches, candidates),
        shares=_shares(batches, generated.searches),
        generators=tuple(
            GeneratorLine(
                _NAMES.get(one.record.kind, one.record.kind),
                one.record.kind,
                one.record.content_hash,
                one.record.n_formula,
                one.record.seed,
                dict(one.record.scores),
            )
            for one in generated.generators
        ),
        quality=ranking.quality,
        failures=ranking.failures,
    )


def _map(
    generated: Generated, searches: Sequence[SearchCourse], candidates: Sequence[GeneratedCandidate]
) -> CompositionMap | None:
    """Return where searches and networks have been among the known formulas."""
    groups = {
        "known": generated.formulas.known,
        "search": tuple(formula for course in searches for formula in course.formulas if formula is not None),
        "candidates": tuple(c.formula for c in candidates),
    }
    return composition_map({name: formulas for name, formulas in groups.items() if formulas})


def _attempts(session: Session, rows: Sequence[CompositionRow]) -> dict[str, list[AttemptRow]]:
    found: dict[str, list[AttemptRow]] = {}
    for row in load_attempts(session, sorted({row.formula for row in rows}), METHOD):
        found.setdefault(row.formula, []).append(row)
    return found


def _candidates(
    session: Session,
    study: Study,
    generated: Generated,
    ranking: RankingReport,
    rows: Sequence[CompositionRow],
    attempts: Mapping[str, Sequence[AttemptRow]],
) -> tuple[GeneratedCandidate, ...]:
    """Return the candidates in the order of the ranking, those without a rank after them in that of the batches."""
    ids = sorted({row.structure_id for of in attempts.values() for row in of if row.structure_id is not None})
    table = load_structures(session, ids=ids)
    crystals = dict(zip(ids, load_crystals(session, ids), strict=True)) if ids else {}
    hash_of = dict(zip(table.ids.tolist(), table.hashes, strict=True))
    groups = zip(table.space_group_symbols, table.space_group_numbers.tolist(), strict=True)
    group_of = dict(zip(table.ids.tolist(), (f"{s} ({n})" if n else "" for s, n in groups), strict=True))
    entries = {row.template_entry_id for of in attempts.values() for row in of if row.template_entry_id is not None}
    placed = (*ranking.ranking.ranked, *ranking.ranking.excluded)
    seen = Seen(
        property_name=study.ranking.property,
        hashes=hash_of,
        groups=group_of,
        crystals=crystals,
        holds=dict(zip(table.ids.tolist(), table.holds, strict=True)),
        labels=_labels(session, ids),
        templates=template_names(session, sorted(entries)),
        ranked={row.candidate.structure_hash: row for row in placed},
        handed_off=handed_off(session, study.name, ids),
        missing_phases=missing_phases(session, generated_source(study.name), ids),
    )
    first: dict[str, CompositionRow] = {}
    for row in rows:
        first.setdefault(row.formula, row)
    place = {row.formula: i for i, row in enumerate(generated.chosen)}
    found = [candidate(row, attempts.get(row.formula, ()), seen) for row in first.values()]
    last = len(found)
    found.sort(key=lambda c: (c.rank is None, c.rank or 0, place.get(c.formula, last)))
    return tuple(found)


def _labels(session: Session, ids: Sequence[int]) -> dict[int, list[CandidateLabel]]:
    table = label_table(session, list(SHOWN), structure_ids=ids)
    units = {name: ReportProperty.of(name).unit for name in SHOWN}
    found: dict[int, list[CandidateLabel]] = {}
    for i, key in enumerate(table.structure_ids.tolist()):
        name = table.property_names[i]
        found.setdefault(key, []).append(CandidateLabel(name, units[name], float(table.values[i]), table.methods[i]))
    return {key: sorted(labels, key=_place) for key, labels in found.items()}


def _place(label: CandidateLabel) -> tuple[int, bool]:
    """Return what sorts labels: those of the method that relaxed the crystal are the first of a property."""
    return SHOWN.index(label.property_name), label.method != METHOD


def _course(session: Session, searched: Searched) -> SearchCourse:
    rows = load_suggestions(session, searched.campaign_id)
    return SearchCourse(
        name=searched.name,
        values=np.array([np.nan if row.value is None else row.value for row in rows], dtype=np.float64),
        decodes=np.array([row.decodes for row in rows], dtype=bool),
        rounds=np.array([row.round_number + 1 for row in rows], dtype=np.int64),
        formulas=tuple(row.formula for row in rows),
        initial=searched.initial,
    )


def _shares(batches: Sequence[GenerationRecord], searches: Sequence[Searched]) -> tuple[ShareLine, ...]:
    lines = []
    names = {found.campaign_id: found.name for found in searches}
    for batch in batches:
        for maker, said in batch.shares.get("makers", {}).items():
            lines.append(
                ShareLine(
                    _MAKERS.get(maker, maker),
                    int(said["n_made"]),
                    said["valid"],
                    said["unique"],
                    said["new"],
                    said["valid_unique_new"],
                )
            )
        if batch.campaign_id is not None:
            said = batch.shares
            lines.append(
                ShareLine(
                    names.get(batch.campaign_id, "search"),
                    batch.n_drawn,
                    said["valid"],
                    said["unique"],
                    said["new"],
                    said["kept"],
                )
            )
    return tuple(lines)


def _funnel(
    generated: Generated, batches: Sequence[GenerationRecord], candidates: Sequence[GeneratedCandidate]
) -> tuple[FunnelStep, ...]:
    drawn = sum(batch.n_drawn for batch in batches)
    counts = [batch.shares["counts"]["kept"] for batch in batches if "counts" in batch.shares]
    searched = [round(batch.shares["kept"] * batch.n_drawn) for batch in batches if batch.campaign_id is not None]
    chosen = {row.formula for row in generated.chosen}
    tried = [c for c in candidates if c.formula in chosen]
    with_template = [c for c in tried if c.template is not None]
    relaxed = [c for c in with_template if c.status == "relaxed"]
    return (
        FunnelStep("drawn or suggested", drawn),
        FunnelStep("valid, unique and new", int(sum(counts) + sum(searched)), "within the limits of sizes"),
        FunnelStep("kept", len(candidates), "the best of each batch, each formula once"),
        FunnelStep("chosen for a crystal", len(tried), "the best of all batches"),
        FunnelStep("with a template", len(with_template)),
        FunnelStep("relaxed", len(relaxed)),
        FunnelStep("ranked", sum(c.rank is not None for c in candidates)),
        *_handed_on(candidates),
    )


def _handed_on(candidates: Sequence[GeneratedCandidate]) -> tuple[FunnelStep, ...]:
    states = Counter(c.hand_off.state for c in candidates if c.hand_off is not None)
    note = ", ".join(f"{n} {state}" for state, n in sorted(states.items()))
    return (FunnelStep("handed on to an oracle", states.total(), note),) if states else ()


def _summary(
    generated: Generated, batches: Sequence[GenerationRecord], candidates: Sequence[GeneratedCandidate]
) -> tuple[SummaryNumber, ...]:
    n_relaxed = sum(c.status == "relaxed" for c in candidates)
    return (
        SummaryNumber(
            "formulas known", str(len(generated.formulas.known)), f"{len(generated.formulas.learned)} learned"
        ),
        SummaryNumber("drawn or suggested", str(sum(batch.n_drawn for batch in batches)), f"{len(batches)} batches"),
        SummaryNumber("new compositions", str(len(candidates)), "valid, the best by the model"),
        SummaryNumber("crystals relaxed", str(n_relaxed), f"{sum(c.rank is not None for c in candidates)} ranked"),
    )


def _caveat(study: Study) -> str:
    methods = ", ".join(study.labels.methods)
    if not methods:
        return ""
    return f"The labels of the target are those of {methods}; values predicted are no labels."

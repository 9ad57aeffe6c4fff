"""What the ranking report reads of its candidates."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.reports.data import Candidate, CandidateLabel, CriterionSeen, PropertyPrediction, SourceLink
from matsift.reports.mobility import CandidateMobility
from matsift.study.mobility import BARRIERS
from matsift_schema.store.arrays import Ids
from matsift_schema.store.labels import label_table
from matsift_schema.store.mobility import known_barriers, refusals
from matsift_schema.store.screening import criteria_in_order
from matsift_schema.store.structures import StructureTable, load_structures


def load_candidates(
    session: Session,
    structure_ids: Ids,
    *,
    model_ids: Mapping[str, int],
    screen_id: int | None = None,
    campaign_ids: Sequence[int] = (),
    label_properties: Sequence[str] = (),
    mobility_method: str | None = None,
) -> list[Candidate]:
    """Return the candidates with all that is known of them, ordered by structure content hash.

    Parameters
    ----------
    session
        Where to read.
    structure_ids
        The pool.
    model_ids
        Property name -> model version whose prediction is shown.
    screen_id
        Screen whose outcomes are shown; None for none.
    campaign_ids
        Campaigns whose acquisitions make a candidate "acquired", or "labelled" once its label is there.
    label_properties
        Properties whose labels are shown.
    mobility_method
        Method whose percolation barriers are shown; None for none.
    """
    table = load_structures(session, ids=structure_ids)
    ids = table.ids.tolist()
    predictions = _predictions(session, ids, model_ids)
    criteria = _criteria(session, ids, screen_id)
    sources = _sources(session, ids)
    labels = _labels(session, ids, label_properties)
    states = _states(session, ids, campaign_ids)
    mobility = {} if mobility_method is None else _mobility(session, ids, mobility_method)
    return [
        Candidate(
            structure_hash=table.hashes[i],
            formula=table.reduced_formulae[i],
            space_group=_space_group(table, i),
            predictions=tuple(predictions[key]),
            criteria=tuple(criteria[key]),
            sources=tuple(sources[key]),
            labels=tuple(labels[key]),
            state=states.get(key, "candidate"),
            mobility=mobility.get(key),
        )
        for i, key in enumerate(ids)
    ]


def _predictions(session: Session, ids: list[int], models: Mapping[str, int]) -> Mapping[int, list[PropertyPrediction]]:
    query = text("""
        SELECT r.structure_id, p.name, p.unit, r.mean, r.spread, r.lower, r.upper, r.coverage
        FROM matsift.prediction r JOIN matsift.property p ON p.id = r.property_id
        WHERE r.model_version_id = ANY(CAST(:models AS int8[])) AND r.structure_id = ANY(CAST(:ids AS int8[]))
        ORDER BY array_position(CAST(:models AS int8[]), r.model_version_id)
    """)
    found = defaultdict(list)
    for key, *rest in session.execute(query, {"models": list(models.values()), "ids": ids}):
        found[key].append(PropertyPrediction(*rest))
    return found


def _criteria(session: Session, ids: list[int], screen_id: int | None) -> Mapping[int, list[CriterionSeen]]:
    found: dict[int, list[CriterionSeen]] = defaultdict(list)
    if screen_id is None:
        return found
    query = text("""
        SELECT o.structure_id, o.criterion, o.outcome, o.value_seen, coalesce(o.detail, ''), coalesce(p.unit, '')
        FROM matsift.screen_outcome o
        JOIN matsift.screen s ON s.id = o.screen_id
        LEFT JOIN LATERAL (SELECT c ->> 'property' AS name FROM jsonb_array_elements(s.criteria -> 'criteria') c
                           WHERE c ->> 'name' = o.criterion) AS asked ON true
        LEFT JOIN matsift.property p ON p.name = asked.name
        WHERE o.screen_id = :screen_id AND o.structure_id = ANY(CAST(:ids AS int8[]))
        ORDER BY array_position(CAST(:order AS text[]), o.criterion), o.criterion
    """)
    order = criteria_in_order(session, screen_id)
    for key, name, outcome, seen, detail, unit in session.execute(
        query, {"screen_id": screen_id, "ids": ids, "order": order}
    ):
        found[key].append(CriterionSeen(name, outcome, seen, unit, detail))
    return found


def _sources(session: Session, ids: list[int]) -> Mapping[int, list[SourceLink]]:
    query = text("""
        SELECT e.structure_id, o.name, e.external_id, e.url, e.licence
        FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
        WHERE e.structure_id = ANY(CAST(:ids AS int8[])) AND e.withdrawn_at IS NULL
        ORDER BY o.name COLLATE "C", e.external_id COLLATE "C", e.id DESC
    """)
    found: dict[int, dict[tuple[str, str], SourceLink]] = defaultdict(dict)
    for key, *rest in session.execute(query, {"ids": ids}):
        link = SourceLink(*rest)
        found[key].setdefault((link.source, link.external_id), link)
    return defaultdict(list, {key: list(links.values()) for key, links in found.items()})


def _labels(session: Session, ids: list[int], properties: Sequence[str]) -> Mapping[int, list[CandidateLabel]]:
    units: dict[str, str] = dict(session.execute(text("SELECT name, unit FROM matsift.property")).tuples().all())
    table = label_table(session, properties, structure_ids=ids)
    found = defaultdict(list)
    for i, key in enumerate(table.structure_ids.tolist()):
        name = table.property_names[i]
        found[key].append(CandidateLabel(name, units[name], float(table.values[i]), table.methods[i]))
    return found


def _states(session: Session, ids: list[int], campaigns: Sequence[int]) -> dict[int, Any]:
    query = text("""
        SELECT structure_id, CASE WHEN bool_or(status = 'labelled') THEN 'labelled' ELSE 'acquired' END
        FROM matsift.acquisition
        WHERE campaign_id = ANY(CAST(:campaigns AS int8[])) AND structure_id = ANY(CAST(:ids AS int8[]))
        GROUP BY structure_id
    """)
    return dict(session.execute(query, {"campaigns": list(campaigns), "ids": ids}).tuples().all())


def _mobility(session: Session, ids: list[int], method: str) -> dict[int, CandidateMobility]:
    found = {key: CandidateMobility(None, reason) for key, reason in refusals(session, method, ids).items()}
    by_name = known_barriers(session, method, ids)
    columns = zip(*(by_name[name].tolist() for name in BARRIERS), strict=True)
    known = {key: barriers for key, barriers in zip(ids, columns, strict=True) if not math.isnan(barriers[0])}
    return found | {key: CandidateMobility((one, two, three)) for key, (one, two, three) in known.items()}


def _space_group(table: StructureTable, i: int) -> str:
    """Return symbol and number, or an empty text where spglib found no symmetry."""
    number = int(table.space_group_numbers[i])
    return f"{table.space_group_symbols[i]} ({number})" if number else ""

"""What the cards of a report read of candidates: what resembles them, what campaigns did with them, whom to cite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.descriptors.fingerprint import FINGERPRINT
from matsift.reports.desk import AcquisitionStep, AcquisitionStory, CitedSource, Neighbour
from matsift_schema.store.arrays import Ids

# Those without a fingerprint are passed over: the function refuses them.
_SIMILAR = text("""
    SELECT s.content_hash, n.structure_hash, n.formula, coalesce(n.space_group_symbol, ''), n.distance, n.sources
    FROM matsift.structure s
    JOIN matsift.descriptor d ON d.structure_id = s.id
    CROSS JOIN LATERAL analysis.similar_to(s.content_hash, :k) AS n
    WHERE s.id = ANY(CAST(:ids AS int8[])) AND d.descriptor_set_id = (
        SELECT t.id FROM matsift.descriptor_set t WHERE t.name = :name ORDER BY t.created_at DESC, t.id DESC LIMIT 1)
    ORDER BY s.content_hash COLLATE "C", n.rank
""")
_STORIES = text("""
    SELECT s.content_hash, a.id, c.strategy, p.name, p.unit, r.number, k.rank, r.n_candidate, k.mean, k.spread, l.value
    FROM matsift.acquisition a
    JOIN matsift.campaign c ON c.id = a.campaign_id
    JOIN matsift.property p ON p.id = c.property_id
    JOIN matsift.campaign_round r ON r.id = a.campaign_round_id
    JOIN matsift.candidate_score k ON (k.campaign_round_id, k.structure_id) = (a.campaign_round_id, a.structure_id)
    JOIN matsift.structure s ON s.id = a.structure_id
    LEFT JOIN matsift.label l ON l.id = a.label_id
    WHERE a.campaign_id = ANY(CAST(:campaigns AS int8[])) AND a.structure_id = ANY(CAST(:ids AS int8[]))
    ORDER BY s.content_hash COLLATE "C", p.name, c.strategy, r.number, a.id
""")
_STEPS = text("""
    SELECT acquisition_id, occurred_at, status, coalesce(claimed_by, ''), coalesce(reason, '')
    FROM matsift.acquisition_event WHERE acquisition_id = ANY(CAST(:ids AS int8[]))
    ORDER BY acquisition_id, occurred_at, id
""")
_CITED = text("""
    SELECT o.name, o.description, coalesce(p.version, ''), o.licence
    FROM matsift.source o
    LEFT JOIN LATERAL (SELECT version FROM matsift.source_snapshot WHERE source_id = o.id ORDER BY id DESC LIMIT 1) AS p
      ON true
    WHERE o.name = ANY(CAST(:names AS text[])) ORDER BY o.name COLLATE "C"
""")


def similar_structures(session: Session, structure_ids: Ids, k: int) -> Mapping[str, list[Neighbour]]:
    """Return content hash -> the k structures of the database with the nearest fingerprints, the nearest first.

    Structures without a fingerprint are left out.
    """
    values = {"ids": [int(key) for key in structure_ids], "k": k, "name": FINGERPRINT.name}
    found = defaultdict(list)
    for key, other, formula, group, distance, sources in session.execute(_SIMILAR, values):
        told = " ".join(sources[0].split(" ")[:2]) if sources else ""
        found[key].append(Neighbour(other, formula, group, float(distance), told))
    return found


def acquisition_stories(
    session: Session, structure_ids: Ids, campaign_ids: Sequence[int]
) -> Mapping[str, list[AcquisitionStory]]:
    """Return content hash -> what campaigns did with the structure, by property, strategy and round."""
    rows = session.execute(
        _STORIES, {"ids": [int(key) for key in structure_ids], "campaigns": list(campaign_ids)}
    ).all()
    steps = defaultdict(list)
    for key, *step in session.execute(_STEPS, {"ids": [row[1] for row in rows]}):
        steps[key].append(AcquisitionStep(*step))
    found = defaultdict(list)
    for structure_hash, key, strategy, name, unit, number, rank, n_candidate, mean, spread, value in rows:
        story = AcquisitionStory(
            strategy, name, unit, number, rank, n_candidate, mean, spread, tuple(steps[key]), value
        )
        found[structure_hash].append(story)
    return found


def cited_sources(session: Session, names: Sequence[str]) -> list[CitedSource]:
    """Return what is to be cited of sources, with the version of their newest complete state, by name."""
    return [CitedSource(*row) for row in session.execute(_CITED, {"names": list(names)})]

"""What the cards of the first candidates and the word on limits show, read from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy.orm import Session

from matsift.descriptors.registry import is_sparse
from matsift.diffraction.expected import expected_pattern
from matsift.learners.nearest import nearest_rows
from matsift.reports.data import Ranking
from matsift.reports.desk import (
    CandidateDetail,
    Desk,
    LearnedFrom,
    Neighbour,
    PropertyChain,
    TrainingElements,
)
from matsift.reports.notation import in_unit, quantity
from matsift.study.settings import Study
from matsift.units import property_definition
from matsift_flows.campaigns import Campaign
from matsift_flows.reporting.chain_steps import model_steps, runs
from matsift_schema.store.datasets import Snapshot, load_snapshot
from matsift_schema.store.descriptors import descriptor_set_names, load_matrix
from matsift_schema.store.details import acquisition_stories, cited_sources, similar_structures
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.models import ModelRecord, load_model
from matsift_schema.store.structures import load_crystals, load_structures
from matsift_schema.store.why import why

#: Candidates that get a card with crystal, pattern and neighbours, from the first of the ranking.
MOST_DETAILS = 200
#: Neighbours that a card names, of each kind.
N_NEIGHBOUR = 6

_MOST_COMPARED = 20_000  # training structures, spread over all of them
_NOT_ON_A_PAGE = "artifact"  # an address in somebody's file system


def desk(
    session: Session, study: Study, ranking: Ranking, shown: Mapping[str, int], campaigns: Sequence[Campaign]
) -> Desk:
    """Return the details of the first ranked candidates, and what their models rest on.

    Parameters
    ----------
    session, study
        Where, and of which study.
    ranking
        The ranked candidates.
    shown
        Property -> id of the model whose predictions are shown.
    campaigns
        Its campaigns.
    """
    models = [load_model(session, model_id) for model_id in shown.values()]
    snapshots = [load_snapshot(session, model.snapshot_id) for model in models]
    rows = (*ranking.ranked, *ranking.excluded)
    sources = [source.name for source in study.sources]
    sources += [link.source for row in rows for link in row.candidate.sources]
    return Desk(
        details=_details(session, ranking, list(zip(models, snapshots, strict=True)), campaigns),
        chains=_chains(session, ranking, models),
        cited=tuple(cited_sources(session, sorted(set(sources)))),
        training=tuple(
            TrainingElements(model.property_name, int(_is_training(snapshot).sum()), _elements(snapshot))
            for model, snapshot in zip(models, snapshots, strict=True)
        ),
        oracles=tuple(dict.fromkeys(method for snapshot in snapshots for method in sorted(set(snapshot.methods)))),
    )


def _details(
    session: Session,
    ranking: Ranking,
    models: Sequence[tuple[ModelRecord, Snapshot]],
    campaigns: Sequence[Campaign],
) -> tuple[CandidateDetail, ...]:
    hashes = [row.candidate.structure_hash for row in ranking.ranked[:MOST_DETAILS]]
    known = structure_ids(session, hashes)
    ids = np.array([known[key] for key in hashes], dtype=np.int64)
    if not len(ids):
        return ()
    crystals = load_crystals(session, ids)
    similar = similar_structures(session, ids, N_NEIGHBOUR)
    stories = acquisition_stories(session, ids, [campaign.id for campaign in campaigns])
    learned = [_learned_from(session, model, snapshot, ids) for model, snapshot in models]
    return tuple(
        CandidateDetail(
            key,
            crystals[n],
            expected_pattern(crystals[n]),
            tuple(similar.get(key, ())),
            tuple(of_model[n] for of_model in learned if of_model),
            tuple(stories.get(key, ())),
        )
        for n, key in enumerate(hashes)
    )


def _learned_from(
    session: Session, model: ModelRecord, snapshot: Snapshot, ids: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> list[LearnedFrom]:
    """Return for each structure the labels nearest to it; none for a model without a table of columns."""
    names = descriptor_set_names(session, model.descriptor_set_ids)
    rows = np.flatnonzero(_is_training(snapshot))
    if model.property_name != snapshot.property_name or not names or any(map(is_sparse, names)):
        return []
    if len(rows) <= N_NEIGHBOUR:
        return []
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _MOST_COMPARED)).astype(np.int64))]
    training, _ = load_matrix(session, model.descriptor_set_ids, snapshot.structure_ids[rows])
    asked, _ = load_matrix(session, model.descriptor_set_ids, ids)
    found = nearest_rows(training, asked, N_NEIGHBOUR)
    named = load_structures(session, ids=np.unique(snapshot.structure_ids[rows[found.rows]]))
    place = {int(key): n for n, key in enumerate(named.ids)}
    unit = property_definition(model.property_name).unit
    made = []
    for near, distances in zip(rows[found.rows], found.distances, strict=True):
        neighbours = []
        for row, distance in zip(near, distances, strict=True):
            n = place[int(snapshot.structure_ids[row])]
            told = in_unit(quantity(float(snapshot.values[row]), unit), unit)
            neighbours.append(
                Neighbour(
                    named.hashes[n], named.reduced_formulae[n], named.space_group_symbols[n], float(distance), told
                )
            )
        made.append(LearnedFrom(model.property_name, tuple(neighbours), found.limit))
    return made


def _chains(session: Session, ranking: Ranking, models: Sequence[ModelRecord]) -> tuple[PropertyChain, ...]:
    """Return the steps behind the shown predictions; they are those of every candidate, but for its own runs."""
    if not ranking.ranked:
        return ()
    rows = {row["model_hash"]: row for row in why(session, ranking.ranked[0].candidate.structure_hash)}
    return tuple(
        PropertyChain(
            model.property_name,
            tuple(
                (step.name, step.text + runs(step.run_ids))
                for step in model_steps(rows[model.content_hash])
                if step.name != _NOT_ON_A_PAGE
            ),
        )
        for model in models
        if model.content_hash in rows
    )


def _is_training(snapshot: Snapshot) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.asarray(snapshot.roles == "train", dtype=bool)


def _elements(snapshot: Snapshot) -> dict[str, int]:
    rows = np.flatnonzero(_is_training(snapshot))
    return dict(Counter(symbol for n in rows for symbol in snapshot.elements[n]))

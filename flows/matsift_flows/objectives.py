"""The ranking of a study by several objectives: what is known of each candidate, how it stands, and the rows of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.descriptors.bond_valence import BOND_VALENCE
from matsift.ranking import ranked as science
from matsift.ranking.cost import COST, cost_usd_per_kg
from matsift.ranking.objectives import Estimates, Objective
from matsift.reports.objectives import ObjectiveRanking
from matsift.study.mobility import BARRIERS
from matsift.study.settings import Study
from matsift_adapters.oracles.percolation import method_of
from matsift_flows.facts import known_properties
from matsift_flows.orchestration import inner_flow
from matsift_flows.reporting.objectives import reported
from matsift_flows.screen import Screening
from matsift_flows.workspace import Workspace
from matsift_schema.store import objective_rankings as store
from matsift_schema.store.descriptors import find_descriptor_set, load_matrix
from matsift_schema.store.labels import label_table
from matsift_schema.store.mobility import known_barriers
from matsift_schema.store.predictions import load_predictions

_GII = "global_instability_index"
_GII_COLUMN = "gii_cations_vu"

Ids = NDArray[np.int64]


@inner_flow("rank")
def rank_by_objectives(
    workspace: Workspace, study: Study, screening: Screening, models: Mapping[str, int]
) -> ObjectiveRanking | None:
    """Rank the candidates that no criterion failed by the objectives of a study; write what is new of it.

    `models` maps each predicted property to the model whose predictions count. None where there is no such candidate.
    """
    ids, objectives = screening.eligible_ids, study.ranking.objectives
    if not len(ids):
        workspace.reporter.say("  rank: no candidate passes the screen, so there is nothing to rank")
        return None
    table, rows = screening.structures, np.flatnonzero(screening.eligible)
    hashes, formulae = ([names[i] for i in rows] for names in (table.hashes, table.reduced_formulae))
    with workspace.sessions.begin() as session:
        estimates = [_estimate(session, study, objective, ids, formulae, models) for objective in objectives]
    scores = science.rank_by_objectives(objectives, estimates, hashes)
    record = store.RankingRecord(
        _content_hash(study, hashes, estimates, scores.correlation),
        study.name,
        screening.screen_id,
        objectives,
        {name: models[name] for name in models if name in {objective.property for objective in objectives}},
        {} if study.ranking.prices is None else study.ranking.prices.model_dump(mode="json"),
    )
    _write(workspace, record, ids, estimates, scores)
    return reported(record, hashes, formulae, estimates, scores)


def _estimate(
    session: Session, study: Study, objective: Objective, ids: Ids, formulae: Sequence[str], models: Mapping[str, int]
) -> Estimates:
    """Return what is known of one objective of structures, given by their ids, in order."""
    name = objective.property
    if name == COST:
        prices = study.ranking.prices
        assert prices is not None  # the settings refuse the objective without them
        return Estimates.known(cost_usd_per_kg(formulae, prices.usd_per_kg), "composition")
    if name in models:
        said = _predicted(session, models[name], ids)
        return said.replaced(_labels(session, name, ids), "computed") if study.ranking.prefer_computed else said
    if name in BARRIERS:
        assert study.mobility is not None  # the settings refuse the objective without it
        return Estimates.known(known_barriers(session, method_of(study.mobility), ids)[name], "computed")
    if name == _GII and BOND_VALENCE.name in study.descriptors.computed:
        return Estimates.known(_instability(session, ids), "computed")
    return Estimates.known(known_properties(session, study, ids, [name])[name], "stated")


def _predicted(session: Session, model_id: int, ids: Ids) -> Estimates:
    """Return the predictions of a model for structures, unknown where it has none."""
    said = load_predictions(session, model_id, ids)
    place = {int(key): i for i, key in enumerate(said.structure_ids)}
    at = np.array([place.get(int(key), -1) for key in ids], dtype=np.int64)
    there = at >= 0
    mean, lower, upper, coverage = (np.full(len(ids), np.nan) for _ in range(4))
    members = np.full((len(ids), said.members.shape[1]), np.nan)
    for column, values in ((mean, said.mean), (lower, said.lower), (upper, said.upper), (coverage, said.coverage)):
        column[there] = values[at[there]]
    members[there] = said.members[at[there]]
    return Estimates.predicted(mean, lower, upper, coverage, members)


def _labels(session: Session, name: str, ids: Ids) -> NDArray[np.float64]:
    """Return (n,) the first label of a property, NaN where there is none."""
    table = label_table(session, [name], structure_ids=ids)
    first: dict[int, float] = {}
    for key, value in zip(table.structure_ids.tolist(), table.values.tolist(), strict=True):
        first.setdefault(key, value)
    return np.array([first.get(int(key), np.nan) for key in ids])


def _instability(session: Session, ids: Ids) -> NDArray[np.float64]:
    set_id = find_descriptor_set(session, BOND_VALENCE.name, BOND_VALENCE.version)
    if set_id is None:
        return np.full(len(ids), np.nan)
    values, columns = load_matrix(session, [set_id], ids)
    return values[:, columns.index(_GII_COLUMN)]


def _content_hash(
    study: Study, hashes: Sequence[str], estimates: Sequence[Estimates], correlation: NDArray[np.float64]
) -> str:
    """Return the SHA-256 of all that a ranking rests on."""
    asked = study.ranking.model_dump(mode="json", include={"objectives", "prices"})
    found = hashlib.sha256(json.dumps([study.name, asked, list(hashes)], sort_keys=True).encode())
    for estimate in estimates:
        found.update("\n".join(estimate.origin.tolist()).encode())
        for column in (estimate.mean, estimate.deviation):
            found.update(np.where(np.isnan(column), np.nan, column).astype("<f8").tobytes())
    found.update(correlation.astype("<f8").tobytes())
    return found.hexdigest()


def _write(
    workspace: Workspace,
    record: store.RankingRecord,
    ids: Ids,
    estimates: Sequence[Estimates],
    scores: science.Scores,
) -> None:
    with workspace.sessions.begin() as session:
        if store.find_ranking(session, record.content_hash) is not None:
            return
    with (
        workspace.run("rank", record.study, {"ranking": record.content_hash}) as run,
        workspace.sessions.begin() as session,
    ):
        store.write_ranking(session, run.id(session), record, structure_ids=ids, estimates=estimates, scores=scores)
    names = ", ".join(objective.property for objective in record.objectives)
    n_front, n_unknown = int((scores.layer == 1).sum()), int((scores.layer == 0).sum())
    workspace.reporter.say(
        f"  rank by {names}: {n_front} of {len(ids)} candidates on the Pareto front, {n_unknown} with something unknown"
    )

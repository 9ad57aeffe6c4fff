"""Active learning: rounds of scoring, proposing and labelling, one campaign a property and strategy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.acquisition.context import Candidates
from matsift.acquisition.registry import needs, rank
from matsift.screening.quality import rule_set_hash
from matsift.study.settings import Study
from matsift_flows.askings import of_campaigns
from matsift_flows.campaigns import Campaign, batch_size, stop_where_enough, study_campaigns
from matsift_flows.judge import judge
from matsift_flows.label import Waiting, label, still_waiting
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.predict import predict
from matsift_flows.screen import Screening
from matsift_flows.snapshots import descriptor_set_ids, grown_snapshot
from matsift_flows.train import StudyModel, WantedModel, ensemble, train_models
from matsift_flows.workspace import Workspace
from matsift_schema.store import acquisitions as queue
from matsift_schema.store import campaigns as store
from matsift_schema.store.datasets import load_snapshot
from matsift_schema.store.descriptors import load_matrix
from matsift_schema.store.labels import label_table
from matsift_schema.store.models import load_model
from matsift_schema.store.predictions import Predictions, load_predictions
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.structures import load_structures


@dataclass(frozen=True)
class Acquired:
    """The campaigns of a study, (property, strategy) -> id of the model of the last round, and what they wait for."""

    campaigns: tuple[Campaign, ...]
    models: Mapping[tuple[str, str], int]
    waiting: Waiting | None = None


@inner_flow("acquire")
def acquire(workspace: Workspace, study: Study, screening: Screening) -> Acquired:
    """Carry all campaigns of a study as far as they go now: to their end, or to labels that others have to return.

    Round r trains on the snapshot and what rounds before r added, scores all candidates that are left, and, unless a
    rule ends the campaign, proposes a batch and labels it.

    Raises
    ------
    UserInputError
        If there are too few labels, or what the oracle needs is not installed.
    """
    pool = screening.eligible_ids
    if not len(pool):
        workspace.reporter.say("  acquire: no candidate passes the screen, so there is nothing to acquire")
        return Acquired((), {})
    campaigns = study_campaigns(workspace, study)
    models: dict[tuple[str, str], int] = {}
    asking = of_campaigns(study)
    number, going, blocked = 0, campaigns, set[int]()
    while going:
        asked_for = []
        for campaign in going:
            model_id = _round_model(workspace, study, campaign, number)
            models[campaign.property_name, campaign.strategy.name] = model_id
            if _acquire(workspace, study, campaign, number, model_id, pool):
                asked_for.append(campaign)
        if asked_for:
            title = f"label acquisitions of round {number + 1}"
            blocked |= invoke(label, workspace, study, asking, [campaign.id for campaign in asked_for], title)
            invoke(judge, workspace, study, "oracle")
        number, going = number + 1, [campaign for campaign in asked_for if campaign.id not in blocked]
    return Acquired(tuple(campaigns), models, still_waiting(workspace, asking, sorted(blocked)))


def _round_model(workspace: Workspace, study: Study, campaign: Campaign, number: int) -> int:
    """Return the id of the model of a round: the study's ensemble on the snapshot and what earlier rounds added."""
    with workspace.sessions.begin() as session:
        acquired = [
            row
            for row in queue.load_acquisitions(session, campaign.id)
            if row.round_number < number and row.status == "labelled"
        ]
        labels = label_table(
            session,
            [campaign.property_name],
            rule_set=rule_set_hash(study.labels.rules),
            structure_ids=[row.structure_id for row in acquired],
        )
    given = {row.label_id for row in acquired}
    accepted = [
        int(key)
        for key, verdict in zip(labels.label_ids, labels.verdicts, strict=True)
        if int(key) in given and verdict == "accepted"
    ]
    snapshot = grown_snapshot(workspace, study, campaign.base, accepted)
    wanted = WantedModel("ensemble", "All", ensemble(study, campaign.property_name), snapshot)
    title = f"train {campaign.property_name} {campaign.strategy.name}, after round {number}"
    return train_models(workspace, study, [wanted], title=title)[0]


def _acquire(
    workspace: Workspace, study: Study, campaign: Campaign, number: int, model_id: int, pool: NDArray[np.int64]
) -> bool:
    """Score the candidates that are left, unless that is done, and propose a batch; return whether there is one."""
    with workspace.sessions.begin() as session:
        round_id = store.find_round(session, campaign.id, number)
        gone = store.acquired_structures(session, campaign.id)
    left = [int(key) for key in pool if int(key) not in gone]
    if round_id is None:
        invoke(predict, workspace, study, model_id, left)
    parameters = {"campaign": campaign.name, "round": number}
    with workspace.run("acquire", study.name, parameters) as run, workspace.sessions.begin() as session:
        if round_id is None:
            round_id = _score(session, run, study, campaign, number, model_id, left)
        if stop_where_enough(session, run, study, campaign, number):
            return False
        if not store.is_proposed(session, round_id):
            size = batch_size(session, study, campaign)
            store.propose_acquisitions(session, run.id(session), round_id, size)
        return True


def _score(
    session: Session,
    run: LazyRun,
    study: Study,
    campaign: Campaign,
    number: int,
    model_id: int,
    left: Sequence[int],
) -> int:
    """Return the id of a round, written with the score of every candidate."""
    said = load_predictions(session, model_id, left)
    scores, order = rank(
        campaign.strategy,
        _candidates(session, study, campaign, model_id, said),
        seed=campaign.round_seed(number),
        batch_size=study.campaign.batch,
    )
    return store.write_round(
        session,
        run.id(session),
        campaign.id,
        number=number,
        model_id=model_id,
        structure_ids=said.structure_ids,
        mean=said.mean,
        spread=said.spread,
        scores=scores,
        order=order,
    )


def _candidates(session: Session, study: Study, campaign: Campaign, model_id: int, said: Predictions) -> Candidates:
    """Return what the strategy looks at; the best label is the best that the model learned from."""
    wanted, ids = needs(campaign.strategy), said.structure_ids
    goal, best, n_site, descriptors = study.ranking.goal, None, None, None
    if "best" in wanted:
        snapshot = load_snapshot(session, load_model(session, model_id).snapshot_id)
        known = snapshot.values[snapshot.roles == "train"]
        best = float(known.max() if goal == "maximize" else known.min())
    if "n_site" in wanted:
        table = load_structures(session, ids=ids)
        size = dict(zip(table.ids.tolist(), table.n_site.tolist(), strict=True))
        n_site = [size[key] for key in ids.tolist()]
    if "descriptors" in wanted:
        descriptors, _ = load_matrix(session, descriptor_set_ids(session, study.descriptors.sets), ids)
    return Candidates.of(
        said.mean,
        said.spread,
        members=said.members if "members" in wanted else None,
        n_site=n_site,
        descriptors=descriptors,
        best=best,
        goal=goal,
    )


def final_models(study: Study, trained: Sequence[StudyModel], acquired: Acquired) -> dict[str, int]:
    """Return property -> the model behind the ranking: the last of the first strategy, or the one before any round."""
    first = study.campaign.strategies[:1]
    found = {}
    for model in trained:
        if model.wanted.role == "ensemble":
            name = model.wanted.specification.property_name
            found[name] = acquired.models.get((name, first[0].name), model.id) if first else model.id
    return found

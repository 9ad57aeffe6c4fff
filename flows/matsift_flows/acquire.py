"""Active learning: rounds of scoring, proposing and labelling, one campaign a property and strategy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from prefect import flow

from matsift.acquisition.context import Candidates
from matsift.acquisition.registry import rank
from matsift.screening.quality import rule_set_hash
from matsift.study.settings import Study
from matsift.study.strategies import StrategySettings
from matsift_adapters.oracles.registry import oracle
from matsift_flows.judge import judge
from matsift_flows.label import label
from matsift_flows.orchestration import invoke
from matsift_flows.predict import predict
from matsift_flows.screen import Screening
from matsift_flows.snapshots import base_snapshot, grown_snapshot
from matsift_flows.train import StudyModel, WantedModel, ensemble, train_models
from matsift_flows.workspace import Workspace
from matsift_schema.store import acquisitions as queue
from matsift_schema.store import campaigns as store
from matsift_schema.store.datasets import Snapshot
from matsift_schema.store.labels import label_table
from matsift_schema.store.predictions import load_predictions


@dataclass(frozen=True)
class Campaign:
    """A campaign of a study: its row, and the snapshot that it starts from."""

    id: int
    name: str
    property_name: str
    strategy: StrategySettings
    seed: int
    base: Snapshot


@dataclass(frozen=True)
class Acquired:
    """The campaigns of a study, and (property, strategy) -> id of the model of the last round."""

    campaigns: tuple[Campaign, ...]
    models: Mapping[tuple[str, str], int]


@flow(name="acquire", validate_parameters=False)
def acquire(workspace: Workspace, study: Study, screening: Screening) -> Acquired:
    """Carry all campaigns of a study to their last round.

    Round r trains on the snapshot and what rounds before r added, scores all candidates that are left, and, but for the
    last round, proposes a batch and labels it.
    """
    campaigns = _campaigns(workspace, study, screening.eligible_ids)
    models: dict[tuple[str, str], int] = {}
    for number in range(study.campaign.rounds + 1):
        is_last = number == study.campaign.rounds
        for campaign in campaigns:
            model_id = _round_model(workspace, study, campaign, number)
            models[campaign.property_name, campaign.strategy.name] = model_id
            _score(workspace, study, campaign, number, model_id, screening.eligible_ids, propose=not is_last)
        if campaigns and not is_last:
            title = f"label acquisitions of round {number + 1}"
            invoke(label, workspace, study, [(c.id, c.property_name) for c in campaigns], title)
            invoke(judge, workspace, study, "oracle")
    return Acquired(tuple(campaigns), models)


def _campaigns(workspace: Workspace, study: Study, pool: NDArray[np.int64]) -> list[Campaign]:
    if not len(pool):
        workspace.reporter.say("  acquire: no candidate passes the screen, so there is nothing to acquire")
        return []
    found = []
    for property_name in study.labels.properties:
        base = base_snapshot(workspace, study, property_name, study.sampling.strategy)
        for strategy in study.campaign.strategies:
            record = _record(study, property_name, strategy, base)
            with workspace.sessions.begin() as session:
                key = store.find_campaign(session, record.content_hash)
            if key is None:
                with (
                    workspace.run("acquire", study.name, {"campaign": record.content_hash}) as run,
                    workspace.sessions.begin() as session,
                ):
                    key = store.write_campaign(session, run.id(session), record)
            found.append(Campaign(key, record.name, property_name, strategy, record.seed, base))
    return found


def _record(study: Study, property_name: str, strategy: StrategySettings, base: Snapshot) -> store.CampaignRecord:
    settings = study.campaign
    record = store.CampaignRecord(
        content_hash="",
        name=f"{study.name} {property_name} {strategy.name}",
        study=study.name,
        property_name=property_name,
        strategy=strategy.name,
        strategy_kind=strategy.kind,
        batch_size=settings.batch,
        seed=study.study.seed,
        oracle=settings.oracle.kind,
        oracle_method=oracle(settings.oracle).method,
        settings={
            "base_snapshot": base.content_hash,
            "model": ensemble(study, property_name).content_hash(base.content_hash),
            "strategy": strategy.model_dump(exclude={"name"}),
        },
    )
    key = hashlib.sha256(json.dumps(asdict(record), sort_keys=True).encode()).hexdigest()
    return store.CampaignRecord(**{**asdict(record), "content_hash": key})


def _round_model(workspace: Workspace, study: Study, campaign: Campaign, number: int) -> int:
    """Return the id of the model of a round: the study's ensemble on the snapshot and what earlier rounds added."""
    with workspace.sessions.begin() as session:
        acquired = [
            row.structure_id
            for row in queue.load_acquisitions(session, campaign.id)
            if row.round_number < number and row.status == "labelled"
        ]
        labels = label_table(
            session,
            [campaign.property_name],
            rule_set=rule_set_hash(study.labels.rules),
            methods=study.labels.methods,
            structure_ids=acquired,
        )
    accepted = [
        int(key) for key, verdict in zip(labels.label_ids, labels.verdicts, strict=True) if verdict == "accepted"
    ]
    snapshot = grown_snapshot(workspace, study, campaign.base, accepted)
    wanted = WantedModel("ensemble", "All", ensemble(study, campaign.property_name), snapshot)
    title = f"train {campaign.property_name} {campaign.strategy.name}, after round {number}"
    return train_models(workspace, study, [wanted], title=title)[0]


def _score(
    workspace: Workspace,
    study: Study,
    campaign: Campaign,
    number: int,
    model_id: int,
    pool: NDArray[np.int64],
    *,
    propose: bool,
) -> None:
    """Write the score of every candidate that is left and, where asked, the batch proposed for labelling."""
    with workspace.sessions.begin() as session:
        if store.find_round(session, campaign.id, number) is not None:
            return
        gone = store.acquired_structures(session, campaign.id)
    left = [int(key) for key in pool if int(key) not in gone]
    invoke(predict, workspace, study, model_id, left)
    parameters = {"campaign": campaign.name, "round": number}
    with workspace.run("acquire", study.name, parameters) as run, workspace.sessions.begin() as session:
        said = load_predictions(session, model_id, left)
        scores, order = rank(
            campaign.strategy,
            Candidates.of(said.mean, said.spread),
            seed=_round_seed(campaign, number),
            batch_size=study.campaign.batch,
        )
        round_id = store.write_round(
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
        if propose:
            store.propose_acquisitions(session, run.id(session), round_id, study.campaign.batch)


def _round_seed(campaign: Campaign, number: int) -> int:
    """Return a seed of its own for each campaign and round, the same in every database."""
    text = f"{campaign.seed} {campaign.property_name} {campaign.strategy.name} {number}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


def final_models(study: Study, trained: Sequence[StudyModel], acquired: Acquired) -> dict[str, int]:
    """Return property -> the model behind the ranking: the last of the first strategy, or the one before any round."""
    first = study.campaign.strategies[:1]
    found = {}
    for model in trained:
        if model.wanted.role == "ensemble":
            name = model.wanted.specification.property_name
            found[name] = acquired.models.get((name, first[0].name), model.id) if first else model.id
    return found

"""Campaigns on what models say: rounds of scores, batches that are labelled or fail."""

from __future__ import annotations

import numpy as np
from benchmarks.queries.models import Trained, digest, model, predict
from benchmarks.queries.structures import SEED, STUDY
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.records import FailureRecord, LabelRecord
from matsift_flows.workspace import Workspace
from matsift_schema.store import acquisitions, campaigns, labels, predictions
from matsift_schema.store.failures import latest_failure_ids, write_failures
from matsift_schema.store.settling import settle_failed, settle_labelled

N_ROUND = 3
BATCH = 20


def campaign(
    workspace: Workspace, run_id: int, trained: Trained, strategy: str, pool: NDArray[np.int64], first_model: int
) -> None:
    """Write a campaign of some rounds: each scores what is left and acquires a batch, of which a few fail."""
    with workspace.sessions.begin() as session:
        record = campaigns.CampaignRecord(
            digest("campaign", trained.property_name, strategy),
            f"{STUDY} {trained.property_name} {strategy}",
            STUDY,
            trained.property_name,
            strategy,
            strategy,
            BATCH,
            SEED,
            "chgnet",
            "oracle",
            {},
        )
        campaign_id = campaigns.write_campaign(session, run_id, record)
    for number in range(N_ROUND + 1):
        with workspace.sessions.begin() as session:
            model_id = model(session, run_id, trained, number, strategy) if number else first_model
            gone = campaigns.acquired_structures(session, campaign_id)
            left = pool[~np.isin(pool, list(gone))]
        if number:
            predict(workspace, run_id, model_id, left)
        with workspace.sessions.begin() as session:
            _score(session, run_id, campaign_id, number, model_id, left, strategy)
            if number < N_ROUND:
                _label(session, run_id, campaign_id, trained.property_name)


def _score(
    session: Session,
    run_id: int,
    campaign_id: int,
    number: int,
    model_id: int,
    left: NDArray[np.int64],
    strategy: str,
) -> None:
    said = predictions.load_predictions(session, model_id, left)
    scores = said.spread if strategy == "exploration" else np.random.default_rng((SEED, number)).random(len(said))
    round_id = campaigns.write_round(
        session,
        run_id,
        campaign_id,
        number=number,
        model_id=model_id,
        structure_ids=said.structure_ids,
        mean=said.mean,
        spread=said.spread,
        scores=scores,
        order=np.argsort(-scores, kind="stable"),
    )
    if number < N_ROUND:
        campaigns.propose_acquisitions(session, run_id, round_id, BATCH)


def _label(session: Session, run_id: int, campaign_id: int, property_name: str) -> None:
    """Settle what was proposed: three of four are labelled, the others fail."""
    claimed = acquisitions.claim_acquisitions(session, campaign_id, worker="oracle", limit=BATCH, lease_s=60.0)
    for i, row in enumerate(claimed):
        if i % 4 == 3:
            failure = FailureRecord(
                "label",
                row.structure_hash,
                "OracleError",
                "it did not converge",
                9.0,
                property_name,
                row.structure_hash,
            )
            write_failures(session, run_id, [failure])
            failure_id = latest_failure_ids(session, "label", property_name, [row.structure_id])[row.structure_id]
            settle_failed(session, row.id, worker="oracle", failure_id=failure_id)
        else:
            record = LabelRecord(property_name, 40.0 + i, "oracle", "oracle:made-up")
            labels.write_labels(session, run_id, [(row.structure_hash, record, None)])
            label_id = labels.label_id(session, row.structure_id, property_name, "oracle")
            assert label_id is not None
            settle_labelled(session, row.id, worker="oracle", label_id=label_id)

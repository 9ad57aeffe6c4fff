"""The loop: scores of all candidates, a queue that two workers share, leases, and what the ranking and `why` read."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.factories.crystals import rock_salt
from tests.factories.entries import entry, ingest
from tests.factories.runs import run_id

from matsift.records import FailureRecord
from matsift_schema.engine import make_engine
from matsift_schema.store import acquisitions, campaigns, failures, models
from matsift_schema.store.ranking import load_candidates
from matsift_schema.store.settling import settle_failed, settle_labelled
from matsift_schema.store.structures import load_structures
from matsift_schema.store.why import find_structures, why


def statuses(session: Session, campaign: int) -> list[str]:
    return [row.status for row in acquisitions.load_acquisitions(session, campaign)]


def claim(session: Session, campaign: int, limit: int = 1, lease_s: float = 60.0) -> list[acquisitions.AcquisitionRow]:
    return acquisitions.claim_acquisitions(session, campaign, worker="anna", limit=limit, lease_s=lease_s)


def test_all_candidates_keep_their_score_and_the_best_are_proposed(session: Session) -> None:
    study = pipeline.small_study(session)
    scores = campaigns.load_scores(session, study.round)
    assert scores.score.tolist() == [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
    proposed = acquisitions.load_acquisitions(session, study.campaign)
    assert [(row.rank, row.score, row.status) for row in proposed] == [(i, 7.0 - i, "proposed") for i in (1, 2, 3)]
    assert [row.structure_hash for row in proposed] == list(scores.structure_hashes[:3])


def test_a_round_is_written_and_proposed_once(session: Session) -> None:
    study = pipeline.small_study(session)
    again = campaigns.write_round(
        session,
        study.run,
        study.campaign,
        number=0,
        model_id=study.model,
        structure_ids=study.structure_ids[:1],
        mean=[0.0],
        spread=[0.0],
        scores=[0.0],
        order=[0],
    )
    assert again == study.round
    assert len(campaigns.load_scores(session, study.round).score) == 6
    assert campaigns.propose_acquisitions(session, study.run, study.round, 3) == 0
    assert campaigns.write_campaign(session, study.run, pipeline.campaign_record()) == study.campaign
    assert [r.number for r in campaigns.load_rounds(session, study.campaign)] == [0]


def test_a_campaign_acquires_a_structure_once(session: Session) -> None:
    study = pipeline.small_study(session)
    second = campaigns.write_round(
        session,
        study.run,
        study.campaign,
        number=1,
        model_id=study.model,
        structure_ids=study.structure_ids,
        mean=np.zeros(6),
        spread=np.ones(6),
        scores=np.arange(6.0),
        order=np.arange(6)[::-1],
    )
    assert campaigns.propose_acquisitions(session, study.run, second, 5) == 3
    assert campaigns.acquired_structures(session, study.campaign) == set(study.structure_ids.tolist())


def test_an_acquisition_is_claimed_then_labelled(session: Session) -> None:
    study = pipeline.small_study(session)
    [claimed] = claim(session, study.campaign)
    assert (claimed.rank, claimed.status, claimed.claimed_by) == (1, "claimed", "anna")
    label = int(study.label_ids[0])
    assert not settle_labelled(session, claimed.id, worker="berta", label_id=label)
    assert settle_labelled(session, claimed.id, worker="anna", label_id=label)
    assert not settle_labelled(session, claimed.id, worker="anna", label_id=label)
    assert statuses(session, study.campaign) == ["labelled", "proposed", "proposed"]


def test_a_failed_acquisition_names_its_failure_and_may_be_retried(session: Session) -> None:
    study = pipeline.small_study(session)
    [claimed] = claim(session, study.campaign)
    failure = FailureRecord(
        "label", claimed.structure_hash, "OracleError", "no convergence", structure_hash=claimed.structure_hash
    )
    failures.write_failures(session, study.run, [failure])
    found = failures.latest_failure_ids(session, "label", "", [claimed.structure_id])
    assert settle_failed(session, claimed.id, worker="anna", failure_id=found[claimed.structure_id])
    assert [row.rank for row in claim(session, study.campaign, limit=5)] == [2, 3]
    assert acquisitions.retry_failed(session, study.campaign) == 1
    assert [row.rank for row in claim(session, study.campaign, limit=5)] == [1]


def test_a_released_acquisition_is_claimable_again(session: Session) -> None:
    study = pipeline.small_study(session)
    [claimed] = claim(session, study.campaign)
    assert not acquisitions.release(session, claimed.id, worker="berta")
    assert acquisitions.release(session, claimed.id, worker="anna")
    assert claim(session, study.campaign)[0].id == claimed.id


def test_an_expired_lease_is_taken_over_and_the_first_worker_has_lost(session: Session) -> None:
    study = pipeline.small_study(session)
    [claimed] = claim(session, study.campaign, lease_s=-1.0)
    [taken] = acquisitions.claim_acquisitions(session, study.campaign, worker="berta", limit=1, lease_s=60.0)
    assert taken.id == claimed.id
    assert acquisitions.renew_leases(session, [claimed.id], worker="anna", lease_s=60.0) == set()
    assert not settle_labelled(session, claimed.id, worker="anna", label_id=int(study.label_ids[0]))
    assert acquisitions.renew_leases(session, [claimed.id], worker="berta", lease_s=60.0) == {claimed.id}


@pytest.fixture
def committed(database_url: str) -> Iterator[tuple[Engine, int]]:
    """A database with a committed study, and the id of its campaign."""
    own = make_engine(database_url)
    with Session(own) as session, session.begin():
        study = pipeline.small_study(session, n=30)
        campaigns.propose_acquisitions(session, study.run, study.round, 30)
    yield own, study.campaign
    own.dispose()


def test_two_workers_never_get_the_same_acquisition(committed: tuple[Engine, int]) -> None:
    own, campaign = committed

    def work(worker: str) -> list[int]:
        got = []
        for _ in range(10):
            with Session(own) as session, session.begin():
                got += acquisitions.claim_acquisitions(session, campaign, worker=worker, limit=2, lease_s=60.0)
        return [row.id for row in got]

    with ThreadPoolExecutor(3) as pool:
        claimed = [key for part in pool.map(work, ["anna", "berta", "carla"]) for key in part]
    assert len(claimed) == len(set(claimed)) == 30


def test_a_locked_row_is_skipped_instead_of_waited_for(committed: tuple[Engine, int]) -> None:
    own, campaign = committed
    with Session(own) as first, Session(own) as second:
        [a] = claim(first, campaign)
        [b] = claim(second, campaign)
        assert (a.rank, b.rank) == (1, 2)
        first.rollback()
        second.rollback()


def test_candidates_of_the_ranking_carry_all_that_is_known(session: Session) -> None:
    study = pipeline.small_study(session)
    [claimed] = claim(session, study.campaign)
    settle_labelled(session, claimed.id, worker="anna", label_id=int(study.label_ids[0]))
    found = load_candidates(
        session,
        study.structure_ids,
        model_ids={"k_vrh": study.model},
        screen_id=study.screen,
        campaign_ids=[study.campaign],
        label_properties=["k_vrh"],
    )
    assert [c.structure_hash for c in found] == list(load_structures(session).hashes)
    first = found[0]
    assert (first.formula, first.space_group) == ("NaCl", "Fm-3m (225)")
    [prediction] = first.predictions
    assert (prediction.property_name, prediction.unit, prediction.mean, prediction.lower) == (
        "k_vrh",
        "GPa",
        100.0,
        95.0,
    )
    assert prediction.coverage == 0.9
    assert [(c.name, c.outcome, c.value_seen, c.unit) for c in first.criteria] == [
        ("cell_size", "passed", 2.0, ""),
        ("gap", "unknown", None, "eV"),
    ]
    assert first.sources[0].source == "shelf"
    assert first.sources[0].url == f"https://shelf.test/{first.sources[0].external_id}"
    assert [label.method for label in first.labels] == ["pbe-dft"]
    assert [c.state for c in found] == ["candidate"] * 3 + ["acquired", "acquired", "labelled"]


def test_a_candidate_without_anything_is_still_a_candidate(session: Session) -> None:
    ingest(session, run_id(session), [entry(crystal=rock_salt("K"))])
    [bare] = load_candidates(session, load_structures(session).ids, model_ids={})
    assert (bare.formula, bare.predictions, bare.criteria, bare.labels) == ("KCl", (), (), ())


def test_why_leads_from_a_prediction_to_the_entries_behind_it(session: Session) -> None:
    study = pipeline.small_study(session)
    key = load_structures(session).hashes[0]
    [row] = why(session, key)
    assert row["model_hash"] == models.load_model(session, study.model).content_hash
    assert row["snapshot_hash"] == pipeline.digest("snapshot")
    assert (row["n_label"], row["n_train"], row["n_validation"], row["n_test"]) == (6, 4, 1, 1)
    assert row["descriptor_sets"] == ["mp@1"]
    assert row["descriptor_run_ids"] == row["source_run_ids"] == row["label_run_ids"] == [study.run]
    assert (row["mean"], row["unit"], row["is_current"]) == (100.0, "GPa", True)
    assert row["source_entries"][0].endswith("(version 1, CC-BY-4.0)")
    assert row["own_labels"][0].endswith("GPa (pbe-dft, source:shelf)")


def test_only_the_newest_ensemble_is_current(session: Session) -> None:
    study = pipeline.small_study(session)
    newer = models.write_model(session, study.run, pipeline.model_record(study.snapshot, study.set_id, seed=2))
    rival = models.write_model(
        session, study.run, pipeline.model_record(study.snapshot, study.set_id, purpose="baseline", learner="ridge")
    )
    for model in (newer, rival):
        pipeline.predict(session, study.run, model, study.structure_ids[:1])
    key = load_structures(session).hashes[0]
    current = {row["seed"]: row["is_current"] for row in why(session, key) if row["purpose"] == "ensemble"}
    assert current == {1: False, 2: True}
    assert [row["is_current"] for row in why(session, key) if row["purpose"] == "baseline"] == [False]
    seen: dict[str, str] = dict(
        session.execute(text("SELECT structure_hash, model_hash FROM analysis.prediction")).tuples().all()
    )
    assert seen[key] == models.load_model(session, newer).content_hash
    assert len(set(seen.values())) == 2


def test_models_of_a_random_control_rank_nothing(session: Session) -> None:
    study = pipeline.small_study(session)
    control = campaigns.write_campaign(session, study.run, pipeline.campaign_record(strategy="random"))
    newer = models.write_model(session, study.run, pipeline.model_record(study.snapshot, study.set_id, seed=2))
    pipeline.predict(session, study.run, newer, study.structure_ids)
    for number, model in enumerate((study.model, newer)):
        campaigns.write_round(
            session,
            study.run,
            control,
            number=number,
            model_id=model,
            structure_ids=study.structure_ids[:1],
            mean=[0.0],
            spread=[1.0],
            scores=[0.5],
            order=[0],
        )
    shown = set(session.scalars(text("SELECT model_hash FROM analysis.prediction")))
    assert shown == {models.load_model(session, study.model).content_hash}
    ranked = session.execute(text("SELECT structure_hash, k_vrh_gpa FROM analysis.candidate_ranking")).tuples().all()
    reported = load_candidates(session, study.structure_ids, model_ids={"k_vrh": study.model})
    assert dict(ranked) == {c.structure_hash: c.predictions[0].mean for c in reported}


@pytest.mark.parametrize("wanted", ["hash", "prefix", "id", "formula"])
def test_a_structure_is_found_by_what_a_person_has(session: Session, wanted: str) -> None:
    run = run_id(session)
    ingest(session, run, [entry("mp-22851"), entry("mp-23193", rock_salt("K"))])
    key = rock_salt().content_hash
    text_of = {"hash": key, "prefix": key[:10].upper(), "id": "mp-22851", "formula": "NaCl"}
    assert find_structures(session, text_of[wanted]) == [key]
    assert find_structures(session, "mp-0") == []

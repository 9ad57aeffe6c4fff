"""Two campaigns that want the same of the same oracle: one asks, both get the answer, whoever brings it and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from tests.factories import pipeline

from matsift.records import FailureRecord, LabelRecord
from matsift_schema.store import acquisitions as queue
from matsift_schema.store import campaigns, labels
from matsift_schema.store.failures import write_failures
from matsift_schema.store.health import server_health
from matsift_schema.store.settling import STAGE, has_result, n_failure, open_properties, settle_answered, write_result
from matsift_schema.store.structures import load_structures

METHOD = pipeline.ORACLE_METHOD


@dataclass
class Rivals:
    """Two campaigns of one study that want the same three structures, in the same order."""

    session: Session
    run: int
    first: int
    second: int

    def claim(self, campaign: int, worker: str, limit: int = 9, lease_s: float = 60.0) -> list[queue.AcquisitionRow]:
        return queue.claim_acquisitions(self.session, campaign, worker=worker, limit=limit, lease_s=lease_s)

    def statuses(self, campaign: int) -> list[str]:
        return [row.status for row in queue.load_acquisitions(self.session, campaign)]

    def label(self, row: queue.AcquisitionRow, worker: str, value: float = 70.0) -> int:
        record = LabelRecord("k_vrh", value, METHOD, "oracle:chgnet")
        labels.write_labels(self.session, self.run, [(row.structure_hash, record, None)])
        return settle_answered(self.session, structure_id=row.structure_id, method=METHOD, worker=worker)

    def fail(self, row: queue.AcquisitionRow, worker: str, message: str = "no convergence") -> int:
        key = row.structure_hash
        failure = FailureRecord(STAGE, key, "OracleError", message, detail=METHOD, structure_hash=key)
        write_failures(self.session, self.run, [failure], retried=True)
        return settle_answered(self.session, structure_id=row.structure_id, method=METHOD, worker=worker)

    def story(self, campaign: int, rank: int = 1) -> list[tuple[str, str | None, str | None]]:
        query = text("""
            SELECT e.status, e.claimed_by, e.reason FROM matsift.acquisition_event e
            JOIN matsift.acquisition a ON a.id = e.acquisition_id
            WHERE a.campaign_id = :campaign AND a.rank = :rank ORDER BY e.id
        """)
        return list(self.session.execute(query, {"campaign": campaign, "rank": rank}).tuples())


@pytest.fixture
def rivals(session: Session) -> Rivals:
    study = pipeline.small_study(session)
    second = campaigns.write_campaign(session, study.run, pipeline.campaign_record(strategy="greedy"))
    ids = load_structures(session).ids
    n = len(ids)
    order = list(range(n))[::-1]
    scored = campaigns.write_round(
        session,
        study.run,
        second,
        number=0,
        model_id=study.model,
        structure_ids=ids,
        mean=[1.0] * n,
        spread=[1.0] * n,
        scores=[float(i) for i in range(n)],
        order=order,
    )
    campaigns.propose_acquisitions(session, study.run, scored, 3)
    return Rivals(session, study.run, study.campaign, second)


def test_what_another_campaign_has_is_passed_over(rivals: Rivals) -> None:
    assert [row.rank for row in rivals.claim(rivals.first, "anna", 1)] == [1]
    assert [row.rank for row in rivals.claim(rivals.second, "berta")] == [2, 3]
    assert rivals.claim(rivals.first, "carla") == []


def test_one_claim_over_both_campaigns_takes_each_structure_once(rivals: Rivals) -> None:
    both = [rivals.first, rivals.second]
    claimed = queue.claim_acquisitions(rivals.session, both, worker="anna", limit=9, lease_s=60.0)
    assert [(row.campaign_id, row.rank) for row in claimed] == [(rivals.first, i) for i in (1, 2, 3)]
    assert queue.held_acquisitions(rivals.session, both, "anna") == claimed
    assert len(queue.open_acquisitions(rivals.session, both)) == 6


def test_a_label_settles_the_one_that_asked_and_the_one_that_waited(rivals: Rivals) -> None:
    (row,) = rivals.claim(rivals.first, "anna", 1)
    assert rivals.label(row, "anna") == 2
    assert rivals.label(row, "anna", 71.0) == 0
    assert rivals.statuses(rivals.first) == rivals.statuses(rivals.second) == ["labelled", "proposed", "proposed"]
    assert rivals.story(rivals.first) == [
        ("proposed", None, None),
        ("claimed", "anna", None),
        ("labelled", "anna", None),
    ]
    assert rivals.story(rivals.second)[-1] == ("labelled", "anna", "answered for another campaign, or before")
    assert len(labels.label_table(rivals.session, ["k_vrh"], methods=[METHOD])) == 1


def test_a_failure_settles_both_and_says_why(rivals: Rivals) -> None:
    (row,) = rivals.claim(rivals.first, "anna", 1)
    assert rivals.fail(row, "anna") == 2
    assert rivals.statuses(rivals.second) == ["failed", "proposed", "proposed"]
    assert rivals.story(rivals.first)[-1] == ("failed", "anna", "no convergence")


def test_what_was_labelled_before_is_settled_by_the_claim_that_finds_it(rivals: Rivals) -> None:
    (row,) = rivals.claim(rivals.first, "anna", 1)
    record = LabelRecord("k_vrh", 5.0, METHOD, "oracle:chgnet")
    labels.write_labels(rivals.session, rivals.run, [(row.structure_hash, record, None)])
    assert [claimed.rank for claimed in rivals.claim(rivals.second, "berta", 1)] == [2]
    assert rivals.statuses(rivals.second) == ["labelled", "claimed", "proposed"]


def test_an_expired_claim_of_another_campaign_is_given_back_for_who_asks_now(rivals: Rivals) -> None:
    rivals.claim(rivals.first, "anna", 1, lease_s=-1.0)
    assert [row.rank for row in rivals.claim(rivals.second, "berta", 1)] == [1]
    assert rivals.story(rivals.first)[-1] == ("released", None, "the lease of anna ended")


def test_a_claim_from_before_the_servers_clock_was_set_back_is_over(rivals: Rivals) -> None:
    rivals.claim(rivals.first, "anna", 1)
    assert [row.rank for row in rivals.claim(rivals.first, "berta", 1)] == [2]
    ahead = "heartbeat_at + interval '400 days', lease_expires_at = lease_expires_at + interval '400 days'"
    rivals.session.execute(text(f"UPDATE matsift.acquisition SET heartbeat_at = {ahead} WHERE claimed_by = 'anna'"))
    assert server_health(rivals.session).n_expired_lease == 1
    assert [row.rank for row in rivals.claim(rivals.second, "carla", 1)] == [1]
    assert rivals.story(rivals.first)[-1] == ("released", None, "the lease of anna ended")


def test_a_result_after_the_lease_was_lost_is_kept_and_settles_the_claim_of_another(rivals: Rivals) -> None:
    (lost,) = rivals.claim(rivals.first, "anna", 1, lease_s=-1.0)
    (taken,) = rivals.claim(rivals.first, "berta", 1)
    assert taken.id == lost.id
    assert rivals.label(lost, "anna", 42.0) == 2
    assert rivals.story(rivals.first)[-2:] == [
        ("claimed", "berta", "the lease of anna ended"),
        ("labelled", "anna", "anna answered before berta"),
    ]
    assert rivals.label(taken, "berta", 43.0) == 0
    assert labels.label_table(rivals.session, ["k_vrh"], methods=[METHOD]).values.tolist() == [42.0]


def test_a_failure_after_the_lease_was_lost_leaves_the_claim_of_another_alone(rivals: Rivals) -> None:
    (lost,) = rivals.claim(rivals.first, "anna", 1, lease_s=-1.0)
    rivals.claim(rivals.first, "berta", 1)
    assert rivals.fail(lost, "anna") == 1
    assert (rivals.statuses(rivals.first)[0], rivals.statuses(rivals.second)[0]) == ("claimed", "failed")
    assert rivals.label(lost, "berta") == 1


def test_a_retry_dismisses_the_failure_until_there_is_a_newer_one(rivals: Rivals) -> None:
    (row,) = rivals.claim(rivals.first, "anna", 1)
    rivals.fail(row, "anna")
    assert queue.retry_failed(rivals.session, rivals.first) == 1
    assert settle_answered(rivals.session, campaigns=[rivals.first]) == 0
    (again,) = rivals.claim(rivals.first, "anna", 1)
    assert (again.id, again.failure_id is not None) == (row.id, True)
    assert n_failure(rivals.session, row.structure_hash, METHOD) == 1
    assert rivals.fail(again, "anna", "once more") == 1
    assert n_failure(rivals.session, row.structure_hash, METHOD) == 2
    assert rivals.story(rivals.first)[-3:] == [
        ("released", None, "to be tried again"),
        ("claimed", "anna", None),
        ("failed", "anna", "once more"),
    ]


def test_a_sign_of_life_extends_the_lease_and_writes_no_event(rivals: Rivals) -> None:
    (row,) = rivals.claim(rivals.first, "anna", 1, lease_s=5.0)
    before = rivals.story(rivals.first)
    assert queue.renew_leases(rivals.session, [row.id, -1], worker="anna", lease_s=500.0) == {row.id}
    assert queue.note_job(rivals.session, row.id, worker="anna", job="slurm 17")
    assert not queue.note_job(rivals.session, row.id, worker="berta", job="slurm 18")
    (now,) = queue.held_acquisitions(rivals.session, [rivals.first], "anna")
    assert row.lease_expires_at is not None
    assert now.lease_expires_at is not None
    assert (now.lease_expires_at - row.lease_expires_at).total_seconds() > 400
    assert now.external_job == "slurm 17"
    assert rivals.story(rivals.first) == before


def test_what_is_told_beside_the_labels_is_kept_once(rivals: Rivals) -> None:
    (row,) = rivals.claim(rivals.first, "anna", 1)
    assert open_properties(rivals.session, row.structure_id, METHOD) == ["k_vrh"]
    told: dict[str, Any] = {"detail": {"cutoff_ev": 400}, "worker": "anna", "seconds": 2.0}
    assert write_result(rivals.session, rivals.run, row.structure_id, "pw-1", **told)
    assert not write_result(rivals.session, rivals.run, row.structure_id, "pw-1", **{**told, "worker": "berta"})
    assert has_result(rivals.session, row.structure_id, "pw-1")
    assert not has_result(rivals.session, row.structure_id, "pw-2")
    seen = rivals.session.execute(
        text("SELECT detail ->> 'cutoff_ev', worker FROM analysis.oracle_result WHERE method = 'pw-1'")
    ).one()
    assert tuple(seen) == ("400", "anna")


def test_the_reason_of_a_choice_names_the_rivals(rivals: Rivals) -> None:
    query = text("""
        SELECT rank, n_candidate, score, score_above, score_below, status_above, status_below, n_label
        FROM analysis.acquisition_choice WHERE strategy = 'greedy' ORDER BY rank
    """)
    assert rivals.session.execute(query).tuples().all() == [
        (1, 6, 5.0, None, 4.0, None, "proposed", 6),
        (2, 6, 4.0, 5.0, 3.0, "proposed", "proposed", 6),
        (3, 6, 3.0, 4.0, 2.0, "proposed", None, 6),
    ]

"""The ledger in the database behind the same few verbs as the model's, each a transaction of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from tests.factories import pipeline
from tests.schema_.ledger_model import Event, Key, Question

from matsift.records import FailureRecord, LabelRecord
from matsift_schema.store import acquisitions, campaigns
from matsift_schema.store.failures import write_failures
from matsift_schema.store.labels import write_labels
from matsift_schema.store.settling import STAGE, settle_answered, write_result
from matsift_schema.store.structures import load_structures

_LEASE_S = 3600.0
_END_LEASE = """
    UPDATE matsift.acquisition SET lease_expires_at = clock_timestamp() - interval '1 s'
    WHERE id = :id AND status = 'claimed'
"""
_CUT = """
    SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# The triggers forbid what only a test does: to begin anew.
_FORGET = """
    SET LOCAL session_replication_role = replica;
    DELETE FROM matsift.acquisition_event; DELETE FROM matsift.acquisition; DELETE FROM matsift.oracle_result;
    DELETE FROM matsift.label WHERE origin LIKE 'oracle:%%'; DELETE FROM matsift.failure WHERE stage = 'label'
"""
_SAYS = """
    SELECT (SELECT coalesce(json_agg(json_build_array(id, status, claimed_by)), '[]') FROM matsift.acquisition),
           (SELECT coalesce(json_agg(json_build_array(id, acquisition_id, status, claimed_by)), '[]')
            FROM matsift.acquisition_event),
           (SELECT coalesce(json_agg(json_build_array(structure_id, method, value)), '[]')
            FROM matsift.label WHERE origin LIKE 'oracle:%'),
           (SELECT coalesce(json_agg(json_build_array(structure_id, method, detail -> 'value')), '[]')
            FROM matsift.oracle_result)
"""


@dataclass(frozen=True)
class Said:
    """Status and holder, events, labels, and what was told beside them."""

    statuses: dict[Key, tuple[str, str | None]]
    stories: dict[Key, list[Event]]
    labels: dict[Question, float]
    results: dict[Question, float]


class StoredLedger:
    """Campaigns that all want the same structures, each in an order of its own; `methods` are those they ask."""

    def __init__(self, engine: Engine, methods: dict[str, str], ranks: dict[str, list[int]]) -> None:
        self.engine, self._ranks = engine, ranks
        n = len(next(iter(ranks.values())))
        with self.transaction() as session:
            study = pipeline.small_study(session, n=n)
            stored = load_structures(session)
            self._run, self._structures, self._hashes = study.run, stored.ids.tolist(), stored.hashes
            self._campaigns, self._rounds = {}, {}
            for name, order in ranks.items():
                record = pipeline.campaign_record(name=name, oracle_method=methods[name])
                self._campaigns[name] = campaigns.write_campaign(session, self._run, record)
                self._rounds[name] = campaigns.write_round(
                    session,
                    self._run,
                    self._campaigns[name],
                    number=0,
                    model_id=study.model,
                    structure_ids=stored.ids,
                    mean=np.zeros(n),
                    spread=np.ones(n),
                    scores=np.zeros(n),
                    order=np.array(order),
                )

    def begin_anew(self) -> None:
        """Forget all acquisitions and what oracles said, then propose all structures in all campaigns."""
        with self.transaction() as session:
            session.connection().exec_driver_sql(_FORGET)
        names = {campaign: name for name, campaign in self._campaigns.items()}
        self._keys: dict[int, Key] = {}
        with self.transaction() as session:
            for name, round_id in self._rounds.items():
                campaigns.propose_acquisitions(session, self._run, round_id, len(self._ranks[name]))
            rows = session.execute(text("SELECT id, campaign_id, structure_id FROM matsift.acquisition")).tuples()
            for i, campaign, structure in rows:
                self._keys[i] = (names[campaign], self._structures.index(structure))
        self._ids = {key: i for i, key in self._keys.items()}

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with Session(self.engine) as session, session.begin():
            yield session

    def claim(self, session: Session, campaigns: Sequence[str], worker: str, limit: int) -> list[Key]:
        ids = [self._campaigns[name] for name in campaigns]
        rows = acquisitions.claim_acquisitions(session, ids, worker=worker, limit=limit, lease_s=_LEASE_S)
        return [self._keys[row.id] for row in rows]

    def renew(self, session: Session, keys: Collection[Key], worker: str) -> set[Key]:
        ids = [self._ids[key] for key in keys]
        return {self._keys[i] for i in acquisitions.renew_leases(session, ids, worker=worker, lease_s=_LEASE_S)}

    def result(self, session: Session, question: Question, worker: str, value: float) -> int:
        structure, method = question
        label = LabelRecord("k_vrh", value, method, f"oracle:{method}")
        write_labels(session, self._run, [(self._hashes[structure], label, None)])
        write_result(session, self._run, self._structures[structure], method, detail={"value": value}, worker=worker)
        return self._settle(session, question, worker)

    def failure(self, session: Session, question: Question, worker: str) -> int:
        structure, method = question
        subject = self._hashes[structure]
        failure = FailureRecord(STAGE, subject, "OracleError", "no luck", 1.0, method, subject)
        write_failures(session, self._run, [failure], retried=True)
        return self._settle(session, question, worker)

    def _settle(self, session: Session, question: Question, worker: str) -> int:
        structure, method = question
        return settle_answered(session, worker=worker, structure_id=self._structures[structure], method=method)

    def look_up(self, session: Session, campaigns: Sequence[str]) -> int:
        return settle_answered(session, campaigns=[self._campaigns[name] for name in campaigns])

    def release(self, session: Session, key: Key, worker: str) -> bool:
        return acquisitions.release(session, self._ids[key], worker=worker)

    def retry_failed(self, session: Session, campaign: str) -> int:
        return acquisitions.retry_failed(session, self._campaigns[campaign])

    def lease_ends(self, session: Session, key: Key) -> None:
        session.execute(text(_END_LEASE), {"id": self._ids[key]})

    def cut_connections(self) -> None:
        """End all other connections, as a restart of the server does."""
        with self.transaction() as session:
            session.execute(text(_CUT))

    def says(self) -> Said:
        """Return all that the ledger says, read without its own code."""
        with self.transaction() as session:
            rows, events, labels, results = session.execute(text(_SAYS)).one()
        stories: dict[Key, list[Event]] = {key: [] for key in self._ids}
        for _, acquisition, status, worker in sorted(events):
            stories[self._keys[acquisition]].append((status, worker))
        questions = [(self._structures.index(structure), method) for structure, method, _ in labels]
        assert len(set(questions)) == len(questions), "a label twice"
        return Said(
            {self._keys[i]: (status, worker) for i, status, worker in rows},
            stories,
            dict(zip(questions, (value for *_, value in labels), strict=True)),
            {(self._structures.index(structure), method): value for structure, method, value in results},
        )

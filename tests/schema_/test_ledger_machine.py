"""Random schedules of workers on the ledger of acquisitions, in step with a model of a few rules.

`make test` draws sixty schedules, `make bench` four hundred; MATSIFT_SCHEDULES=5000 draws more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy.orm import Session
from tests.schema_.ledger_model import Key, LedgerModel, Question
from tests.schema_.stored_ledger import StoredLedger

from matsift_schema.engine import make_engine

N_SCHEDULE = int(os.environ.get("MATSIFT_SCHEDULES", "400"))
METHODS = {"one": "emt", "two": "emt", "other": "chgnet"}  # two campaigns ask the same oracle
RANKS = {"one": [0, 1, 2, 3], "two": [3, 1, 2, 0], "other": [1, 3, 0, 2]}

campaigns = st.sampled_from(list(RANKS))
several = st.sampled_from([["one"], ["two"], ["other"], ["one", "two"], ["one", "two", "other"]])
workers = st.sampled_from(["anna", "berta", "carla"])
keys = st.tuples(campaigns, st.integers(0, 3))
questions = st.tuples(st.integers(0, 3), st.sampled_from(["emt", "emt", "chgnet"]))
values = st.sampled_from([10.0, 10.25])


@pytest.fixture(scope="module")
def stored(module_database_url: str) -> Iterator[StoredLedger]:
    engine = make_engine(f"{module_database_url}&options=-clock_timeout%3D30s")  # who should not wait shall not hang
    yield StoredLedger(engine, METHODS, RANKS)
    engine.dispose()


class Ledger(RuleBasedStateMachine):
    """Workers of three campaigns, by the ledger in the database and by the model; every answer is the same."""

    stored: ClassVar[StoredLedger]

    def __init__(self) -> None:
        super().__init__()
        self.stored.begin_anew()
        self.model = LedgerModel(METHODS, RANKS)

    @rule(names=several, worker=workers, limit=st.integers(1, 4))
    def claims(self, names: list[str], worker: str, limit: int) -> None:
        with self.stored.transaction() as session:
            assert self.stored.claim(session, names, worker, limit) == self.model.claim(names, worker, limit)

    @rule(names=several)
    def answers_are_looked_up(self, names: list[str]) -> None:
        with self.stored.transaction() as session:
            assert self.stored.look_up(session, names) == self.model.look_up(names)

    @rule(question=questions, worker=workers, value=values)
    def result_arrives(self, question: Question, worker: str, value: float) -> None:
        """Whoever returns it, in time, late, or for the second time."""
        with self.stored.transaction() as session:
            n = self.stored.result(session, question, worker, value)
        assert n == self.model.result(question, worker, value)

    @rule(question=questions, worker=workers)
    def failure_arrives(self, question: Question, worker: str) -> None:
        with self.stored.transaction() as session:
            n = self.stored.failure(session, question, worker)
        assert n == self.model.failure(question, worker)

    @rule(key=keys, worker=workers)
    def gives_back(self, key: Key, worker: str) -> None:
        with self.stored.transaction() as session:
            assert self.stored.release(session, key, worker) == self.model.release(key, worker)

    @rule(chosen=st.sets(keys, max_size=4), worker=workers)
    def heart_beats(self, chosen: set[Key], worker: str) -> None:
        with self.stored.transaction() as session:
            assert self.stored.renew(session, chosen, worker) == self.model.renew(chosen, worker)

    @rule(chosen=st.sets(keys, min_size=1))
    def leases_end(self, chosen: set[Key]) -> None:
        with self.stored.transaction() as session:
            for key in chosen:
                self.stored.lease_ends(session, key)
                self.model.lease_ends(key)

    @rule(name=campaigns)
    def failed_are_tried_again(self, name: str) -> None:
        with self.stored.transaction() as session:
            assert self.stored.retry_failed(session, name) == self.model.retry_failed(name)

    @rule(names=several, question=questions, worker=workers)
    def killed_before_it_commits(self, names: list[str], question: Question, worker: str) -> None:
        with Session(self.stored.engine) as session:
            self.stored.claim(session, names, worker, 2)
            self.stored.result(session, question, worker, 99.0)

    @rule(mine=campaigns, yours=campaigns, worker=workers, commits=st.booleans())
    def two_claim_at_once(self, mine: str, yours: str, worker: str, commits: bool) -> None:
        """While one has not committed, the other gets what comes after it, in every campaign; neither waits."""
        locked = self._in_hand(mine, worker)
        with Session(self.stored.engine) as open_one:
            taken = self.stored.claim(open_one, [mine], worker, 2)
            with self.stored.transaction() as session:
                others = self.stored.claim(session, [yours], "dora", 2)
            open_one.commit() if commits else open_one.rollback()
        if commits:
            assert taken == self.model.claim([mine], worker, 2)
        assert others == self.model.claim([yours], "dora", 2, locked)

    @rule(question=questions, commits=st.booleans())
    def two_return_the_same_at_once(self, question: Question, commits: bool) -> None:
        """The second waits until the first has committed, or is the first if that one dies."""

        def second() -> int:
            with self.stored.transaction() as session:
                return self.stored.result(session, question, "berta", 10.25)

        with ThreadPoolExecutor(1) as pool, Session(self.stored.engine) as session:
            n_first = self.stored.result(session, question, "anna", 10.0)
            waiting = pool.submit(second)
            session.commit() if commits else session.rollback()
            n_second = waiting.result(timeout=60)
        if commits:
            assert n_first == self.model.result(question, "anna", 10.0)
        assert n_second == self.model.result(question, "berta", 10.25)

    @rule()
    def connections_are_cut(self) -> None:
        self.stored.cut_connections()

    @invariant()
    def says_what_the_model_says(self) -> None:
        said, entries = self.stored.says(), self.model.entries
        assert said.statuses == {key: (entry.status, entry.holder) for key, entry in entries.items()}
        assert said.stories == {key: entry.story for key, entry in entries.items()}
        assert said.labels == self.model.labels == said.results

    def _in_hand(self, name: str, worker: str) -> set[Key | Question]:
        """Return the acquisitions that a claim changes, and the questions that it asks."""
        after = deepcopy(self.model)
        after.claim([name], worker, 2)
        new = {key: entry.story[len(self.model.entries[key].story) :] for key, entry in after.entries.items()}
        asked = {after.entries[key].question for key, story in new.items() if ("claimed", worker) in story}
        return asked | {key for key, story in new.items() if story}


@pytest.mark.parametrize("n_schedule", [60, pytest.param(N_SCHEDULE, marks=pytest.mark.bench)])
def test_ledger_keeps_in_step_with_the_model(stored: StoredLedger, n_schedule: int) -> None:
    chosen = settings(
        max_examples=n_schedule, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
    )
    Ledger.stored = stored
    run_state_machine_as_test(Ledger, settings=chosen)


def test_who_claims_does_not_wait_for_who_looks_up(stored: StoredLedger) -> None:
    stored.begin_anew()
    with stored.transaction() as session:
        assert stored.claim(session, ["one"], "anna", 1) == [("one", 0)]
    with stored.transaction() as session:
        stored.failure(session, (0, "emt"), "berta")  # anna is still at it
    with stored.transaction() as session:
        stored.release(session, ("one", 0), "anna")
    with Session(stored.engine) as first:
        assert stored.look_up(first, ["one"]) == 1
        with stored.transaction() as session:
            assert stored.claim(session, ["one"], "carla", 1) == [("one", 1)]

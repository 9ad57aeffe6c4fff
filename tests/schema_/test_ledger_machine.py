"""Random schedules of workers on the ledger of acquisitions, in step with a model of a few rules.

`make test` draws some hundred schedules; MATSIFT_SCHEDULES=5000 draws more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy.orm import Session
from tests.schema_.ledger_model import Key, LedgerModel, Question
from tests.schema_.stored_ledger import StoredLedger

from matsift_schema.engine import make_engine

N_SCHEDULE = int(os.environ.get("MATSIFT_SCHEDULES", "200"))
METHODS = {"one": "emt", "two": "emt", "other": "chgnet"}  # two campaigns ask the same oracle
RANKS = {"one": [0, 1, 2, 3], "two": [3, 1, 2, 0], "other": [1, 3, 0, 2]}

campaigns = st.sampled_from(list(RANKS))
several = st.sampled_from([["one"], ["two"], ["other"], ["one", "two"], ["one", "two", "other"]])
workers = st.sampled_from(["anna", "berta", "carla"])
keys = st.tuples(campaigns, st.integers(0, 3))
questions = st.tuples(st.integers(0, 3), st.sampled_from(["emt", "emt", "chgnet"]))
values = st.sampled_from([10.0, 10.25])


class Killed(Exception):
    """A worker is killed in the middle of a transaction."""


@pytest.fixture(scope="module")
def stored(module_database_url: str) -> Iterator[StoredLedger]:
    engine = make_engine(module_database_url)
    yield StoredLedger(engine, METHODS, RANKS)
    engine.dispose()


def machine_of(stored: StoredLedger) -> type[RuleBasedStateMachine]:
    """Return the machine on a ledger in a database."""

    class Ledger(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            stored.begin_anew()
            self.model = LedgerModel(METHODS, RANKS)

        @rule(names=several, worker=workers, limit=st.integers(1, 4))
        def claims(self, names: list[str], worker: str, limit: int) -> None:
            """As a worker does: it looks up what is answered already, then claims what is not."""
            with stored.transaction() as session:
                assert stored.look_up(session, names) == self.model.look_up(names)
                assert stored.claim(session, names, worker, limit) == self.model.claim(names, worker, limit)

        @rule(name=campaigns, worker=workers)
        def claims_without_looking_up(self, name: str, worker: str) -> None:
            with stored.transaction() as session:
                assert stored.claim(session, [name], worker, 2) == self.model.claim([name], worker, 2)

        @rule(question=questions, worker=workers, value=values)
        def result_arrives(self, question: Question, worker: str, value: float) -> None:
            """Whoever returns it, in time, late, or for the second time."""
            with stored.transaction() as session:
                n = stored.result(session, question, worker, value)
            assert n == self.model.result(question, worker, value)

        @rule(question=questions, worker=workers)
        def failure_arrives(self, question: Question, worker: str) -> None:
            with stored.transaction() as session:
                n = stored.failure(session, question, worker)
            assert n == self.model.failure(question, worker)

        @rule(key=keys, worker=workers)
        def gives_back(self, key: Key, worker: str) -> None:
            with stored.transaction() as session:
                assert stored.release(session, key, worker) == self.model.release(key, worker)

        @rule(chosen=st.sets(keys, max_size=4), worker=workers)
        def heart_beats(self, chosen: set[Key], worker: str) -> None:
            with stored.transaction() as session:
                assert stored.renew(session, chosen, worker) == self.model.renew(chosen, worker)

        @rule(chosen=st.sets(keys, min_size=1))
        def leases_end(self, chosen: set[Key]) -> None:
            with stored.transaction() as session:
                for key in chosen:
                    stored.lease_ends(session, key)
                    self.model.lease_ends(key)

        @rule(name=campaigns)
        def expired_are_given_back(self, name: str) -> None:
            with stored.transaction() as session:
                assert stored.release_expired(session, name) == self.model.release_expired(name)

        @rule(name=campaigns)
        def failed_are_tried_again(self, name: str) -> None:
            with stored.transaction() as session:
                assert stored.retry_failed(session, name) == self.model.retry_failed(name)

        @rule(names=several, question=questions, worker=workers)
        def killed_before_it_commits(self, names: list[str], question: Question, worker: str) -> None:
            with pytest.raises(Killed), stored.transaction() as session:
                stored.claim(session, names, worker, 2)
                stored.result(session, question, worker, 99.0)
                raise Killed

        @rule(mine=campaigns, yours=campaigns, worker=workers, commits=st.booleans())
        def two_claim_at_once(self, mine: str, yours: str, worker: str, commits: bool) -> None:
            """While one has not committed, the other gets what comes after it, in every campaign; neither waits."""
            locked = self._touched_by_claim(mine, worker)
            with Session(stored.engine) as open_one:
                taken = stored.claim(open_one, [mine], worker, 2)
                with stored.transaction() as session:
                    others = stored.claim(session, [yours], "dora", 2)
                open_one.commit() if commits else open_one.rollback()
            if commits:
                assert taken == self.model.claim([mine], worker, 2)
            assert others == self.model.claim([yours], "dora", 2, locked)

        @rule(question=questions, commits=st.booleans())
        def two_return_the_same_at_once(self, question: Question, commits: bool) -> None:
            """The second waits until the first has committed, or is the first if that one dies."""

            def second() -> int:
                with stored.transaction() as session:
                    return stored.result(session, question, "berta", 10.25)

            with ThreadPoolExecutor(1) as pool, Session(stored.engine) as session:
                n_first = stored.result(session, question, "anna", 10.0)
                waiting = pool.submit(second)
                session.commit() if commits else session.rollback()
                n_second = waiting.result(timeout=60)
            if commits:
                assert n_first == self.model.result(question, "anna", 10.0)
            assert n_second == self.model.result(question, "berta", 10.25)

        @rule()
        def connections_are_cut(self) -> None:
            stored.cut_connections()

        @invariant()
        def says_what_the_model_says(self) -> None:
            said, entries = stored.says(), self.model.entries
            assert said.statuses == {key: (entry.status, entry.holder) for key, entry in entries.items()}
            assert said.stories == {key: entry.story for key, entry in entries.items()}
            assert said.labels == self.model.labels == said.results

        def _touched_by_claim(self, name: str, worker: str) -> list[Key]:
            after = deepcopy(self.model)
            after.claim([name], worker, 2)
            return [key for key, entry in after.entries.items() if entry.story != self.model.entries[key].story]

    return Ledger


def test_ledger_keeps_in_step_with_the_model(stored: StoredLedger) -> None:
    chosen = settings(
        max_examples=N_SCHEDULE, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(machine_of(stored), settings=chosen)

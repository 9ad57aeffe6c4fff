"""Campaigns whose commands and server are killed at every step of a round: nothing is lost, nothing is done twice."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.factories.kill_study import KillStudy
from tests.flows.gates import Gate
from tests.flows.ledger_story import check_story
from tests.flows.preloaded import Preloaded, Starter, starter, wait_until
from tests.flows.restarting import RestartingServer
from tests.flows.running import one, rows, said

from matsift_schema.engine import upgrade

pytestmark = pytest.mark.slow

_LABELLED = "SELECT count(*) FROM matsift.acquisition WHERE status = 'labelled'"
_ENDED = "SELECT reason FROM matsift.acquisition_event WHERE reason LIKE 'the lease of % ended'"
_ROUNDS = "SELECT count(*) FROM matsift.acquisition"
_CLAIMS = """
    SELECT to_char(l.value, 'FM990.000000'), count(*) FROM matsift.acquisition_event e
    JOIN matsift.acquisition a ON a.id = e.acquisition_id JOIN matsift.label l ON l.id = a.label_id
    WHERE e.status = 'claimed' GROUP BY l.value
"""


@dataclass(frozen=True)
class Step:
    """A step of a round: a row that is written, in the middle of the statement or of COMMIT."""

    what: str
    table: str
    condition: str = "TRUE"
    at_commit: bool = False

    def gate(self, place: Place) -> Gate:
        return Gate(lambda: place.url, self.table, self.condition, at_commit=self.at_commit)


#: In the order in which a command takes them; none is reached before those above are done.
STEPS = (
    Step("the campaign is begun", "campaign"),
    Step("the candidates are predicted", "prediction"),
    Step("the round is scored", "candidate_score"),
    Step("the batch is proposed", "acquisition", "NEW.status = 'proposed'", at_commit=True),
    Step("before the claim", "acquisition", "NEW.status = 'claimed'"),
    Step("the claim is committed", "acquisition", "NEW.status = 'claimed'", at_commit=True),
    Step("the result is here", "label", "NEW.origin LIKE 'oracle:%'"),
    Step("the result is committed", "acquisition", "NEW.status = 'labelled'", at_commit=True),
    Step("the labels are judged", "label_verdict"),
    Step("the next model is trained", "model_version"),
    Step("the next model is committed", "model_version", at_commit=True),
    Step("the next batch is proposed", "acquisition", "NEW.status = 'proposed'"),
)
#: Where it matters to the ledger what of a transaction a crash of the server leaves.
CRASHES = STEPS[3:8]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> KillStudy:
    return KillStudy(tmp_path_factory.mktemp("kills"))


@pytest.fixture(scope="module")
def commands(study: KillStudy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    with starter(tmp_path_factory.mktemp("commands"), study.folder) as found:
        yield found


@pytest.fixture(scope="module")
def server(study: KillStudy, commands: Starter) -> Iterator[RestartingServer]:
    """A server with a database `prepared`, in which the study is about to begin its campaigns."""
    found = RestartingServer()
    try:
        found.copy("template0", "prepared")
        upgrade(found.url("prepared"))
        with Gate(lambda: found.url("prepared"), "campaign") as gate:
            first = Place(found, commands, study, "prepared").start("run")
            wait_until(lambda: gate.waiting > 0 or not first.is_running, "the campaigns begin")
            first.kill()
        yield found
    finally:
        found.close()


@dataclass(frozen=True)
class Place:
    """A study in a database of the server."""

    server: RestartingServer
    commands: Starter
    study: KillStudy
    database: str

    @property
    def url(self) -> str:
        return self.server.url(self.database)

    def start(self, *words: str) -> Preloaded:
        """Start a command on the study; its path comes last."""
        return self.commands.start(
            *words,
            str(self.study.path),
            MATSIFT_DATABASE_URL=self.url,
            MATSIFT_HOME=str(self.server.folder / "home"),
            MATSIFT_WORKERS="1",
        )

    def worker(self, name: str) -> Preloaded:
        return self.start("label", "--worker", name)

    def finish(self) -> None:
        """Run the study to its end."""
        last = self.start("acquire")
        assert last.wait() == 0, last.stderr

    def wait_for_questions(self, n: int, *, after: int) -> None:
        """Wait until the oracle was asked n times more."""
        wait_until(lambda: len(self.study.asked) >= after + n, f"the oracle is asked {n} times")


@pytest.fixture
def place(
    server: RestartingServer, commands: Starter, study: KillStudy, request: pytest.FixtureRequest
) -> Iterator[Place]:
    """The study in a database of its own, about to begin its campaigns."""
    name = request.node.name[:60]
    server.copy("prepared", name)
    yield Place(server, commands, study, name)
    study.let_go()


@pytest.fixture(scope="module")
def undisturbed(server: RestartingServer, commands: Starter, study: KillStudy) -> dict[str, list[str]]:
    """What the study says at its end where nobody disturbs it."""
    server.copy("prepared", "undisturbed")
    place = Place(server, commands, study, "undisturbed")
    place.finish()
    check_story(place.url)
    return said(place.url)


def _reach(place: Place, step: Step, gate: Gate) -> Preloaded:
    """Return a command that stands at a gate."""
    command = place.start("acquire")
    wait_until(lambda: gate.waiting > 0 or not command.is_running, step.what)
    assert command.is_running, f"{step.what}: {command.stderr}"
    return command


def test_killed_at_every_step(place: Place, undisturbed: dict[str, list[str]]) -> None:
    for step in STEPS:
        with step.gate(place) as gate:
            assert _reach(place, step, gate).kill() == -signal.SIGKILL
    place.finish()
    assert said(place.url) == undisturbed
    check_story(place.url)


def test_server_crashes_while_the_ledger_is_written(place: Place, undisturbed: dict[str, list[str]]) -> None:
    for step in CRASHES:
        with step.gate(place) as gate:
            command = _reach(place, step, gate)
            place.server.crash(signal.SIGKILL if step.at_commit else signal.SIGQUIT)
            assert command.wait() == 1
            told = [line for line in command.stderr.splitlines() if line.startswith("matsift: ")]
            assert len(told) == 1, command.stderr
            assert told[0].endswith("run the same command again, it continues")
    place.finish()
    assert said(place.url) == undisturbed
    check_story(place.url)


def test_killed_while_the_oracle_runs_and_right_after_a_commit(place: Place, undisturbed: dict[str, list[str]]) -> None:
    n_asked = len(place.study.asked)
    place.study.hold()
    command = place.start("acquire")
    place.wait_for_questions(1, after=n_asked)
    command.kill()
    assert one(place.url, "SELECT count(*) FROM matsift.acquisition WHERE status = 'claimed'") == 1
    place.study.let_go()

    with Gate(lambda: place.url, "label", "NEW.origin LIKE 'oracle:%'") as gate:
        command = place.start("acquire")
        wait_until(lambda: gate.waiting > 0, "a result is here")
        place.study.hold()  # the next one
        gate.open()
        wait_until(lambda: one(place.url, _LABELLED) > 0, "it is committed")
        command.kill()
    place.study.let_go()

    place.finish()
    assert said(place.url) == undisturbed
    check_story(place.url)


@pytest.mark.full
def test_eight_workers_of_which_some_are_killed_or_stopped(place: Place, undisturbed: dict[str, list[str]]) -> None:
    """The leases of the dead end, and others take over; who is stopped meanwhile returns a result that is there."""
    with Gate(lambda: place.url, "acquisition", "NEW.status = 'claimed'") as gate:
        first = place.start("acquire")
        wait_until(lambda: gate.waiting > 0, "the first batches are proposed")
        first.kill()
    n_asked = len(place.study.asked)
    place.study.hold()
    workers = [place.worker(f"w{i}") for i in range(8)]
    place.wait_for_questions(8, after=n_asked)
    stopped, *killed = workers[:4]
    os.kill(stopped.pid, signal.SIGSTOP)
    for worker in killed:
        worker.kill()
    place.study.let_go()
    for worker in workers[4:]:
        assert worker.wait() == 0, worker.stderr
    place.finish()
    os.kill(stopped.pid, signal.SIGCONT)
    assert stopped.wait() == 0, stopped.stderr

    assert said(place.url) == undisturbed
    check_story(place.url)
    ended = [f"the lease of w{i} ended" for i in range(4)]
    assert sorted(reason for (reason,) in rows(place.url, _ENDED)) == ended
    claims = Counter(dict(rows(place.url, _CLAIMS)))
    assert Counter(place.study.asked[n_asked:]) == claims


@pytest.mark.full
def test_eight_workers_lose_their_server(place: Place, undisturbed: dict[str, list[str]]) -> None:
    """Beside them runs the study itself; whoever is started afterwards goes on."""
    with Gate(lambda: place.url, "label", "NEW.origin LIKE 'oracle:%'") as gate:
        commands = [place.start("acquire")]
        wait_until(lambda: rows(place.url, _ROUNDS) != [(0,)], "there is something to label")
        commands += [place.worker(f"w{i}") for i in range(8)]
        wait_until(lambda: gate.waiting > 3, "results are here")
        place.server.crash(signal.SIGQUIT)
        assert {command.wait() for command in commands} == {1}
    again = [place.start("acquire"), place.worker("w0")]  # one of the eight, by its name, and the study
    assert [command.wait() for command in again] == [0, 0], [command.stderr for command in again]

    assert said(place.url) == undisturbed
    check_story(place.url)

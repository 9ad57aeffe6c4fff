"""The clock of the server jumps while a campaign computes: the rows in the end are those of a calm run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from tests.chaos.contents import Contents, contents, differences
from tests.chaos.place import Place, Surroundings
from tests.factories.kill_study import KillStudy
from tests.flows.ledger_story import check_story
from tests.flows.preloaded import wait_until

from matsift_adapters.embedded_postgres import cluster
from matsift_schema.engine import upgrade

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
DAY_S = 86400
_CLAIMED = "SELECT count(*) FROM matsift.acquisition WHERE status = 'claimed'"

pytestmark = [
    pytest.mark.full,
    pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not here; on Debian: apt-get install libfaketime"),
]


class Clock:
    """The clock of a server, which reads from a file how far it is ahead."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)
        self.jump(0)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self.folder / "ahead"),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def jump(self, seconds: int) -> None:
        new = self.folder / "ahead.new"
        new.write_text(f"{seconds:+d}\n")
        new.chmod(0o644)
        new.rename(self.folder / "ahead")


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    with tempfile.TemporaryDirectory(prefix="msft-") as folder, pytest.MonkeyPatch.context() as patch:
        found, plain = Clock(Path(folder)), cluster.server_environment
        patch.setattr(cluster, "server_environment", lambda: plain() | found.environment)
        yield found


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> KillStudy:
    return KillStudy(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def around(clock: Clock, study: KillStudy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surroundings]:
    found = Surroundings(tmp_path_factory.mktemp("around"), study.folder)
    found.server.copy("template0", "prepared")
    upgrade(found.server.url("prepared"))
    yield found
    found.close()


@pytest.fixture
def begin(around: Surroundings, study: KillStudy) -> Iterator[Callable[[str], Place]]:
    places: list[Place] = []

    def place(name: str) -> Place:
        around.server.copy("prepared", name)
        places.append(Place(around, study.path, name))
        return places[-1]

    yield place
    study.let_go()
    for one in places:
        one.close()


@pytest.fixture(scope="module")
def calm(around: Surroundings, study: KillStudy) -> Contents:
    around.server.copy("prepared", "calm")
    place = Place(around, study.path, "calm")
    command = place.start()
    assert command.wait(300) == 0, command.stderr
    found = contents(place.url)
    place.close()
    return found


@pytest.mark.parametrize("days", [400, -400])
@pytest.mark.parametrize("is_killed", [False, True], ids=["at work", "killed before"])
def test_a_jump_of_the_servers_clock_leaves_no_trace(
    *, clock: Clock, study: KillStudy, begin: Callable[[str], Place], calm: Contents, days: int, is_killed: bool
) -> None:
    place = begin(f"jump{days}{is_killed}".replace("-", "back"))
    study.hold()
    command = place.start()
    wait_until(lambda: count(place, _CLAIMED) > 0 or not command.is_running, "the oracle has work in hand", 120)
    if is_killed:
        command.kill()
    before = server_time(place)
    clock.jump(days * DAY_S)
    wait_until(lambda: abs(server_time(place) - before) > DAY_S, "the server's clock jumps", 20)
    study.let_go()
    while (code := command.wait(300)) != 0:
        assert code in (1, -9), command.stderr
        command = place.start()
    clock.jump(0)
    assert differences(calm, contents(place.url)) == []
    check_story(place.url)


def count(place: Place, query: str) -> int:
    with psycopg.connect(place.url) as connection:
        return int(connection.execute(query.encode()).fetchall()[0][0])


def server_time(place: Place) -> float:
    return count(place, "SELECT extract(epoch FROM clock_timestamp())::bigint")

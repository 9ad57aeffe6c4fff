"""Studies by the logins that a server for a group has: an operator carries one out, a worker computes beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy import make_url
from tests.factories.kill_study import KillStudy
from tests.flows.preloaded import Starter, starter, wait_until
from tests.flows.running import Finished, one, row_counts, run_here, said
from tests.postgres import PostgresServer

from matsift_schema.engine import upgrade

pytestmark = pytest.mark.slow

PASSWORD = "correct-horse-battery"
_GROUPS = {"flows_operator": "matsift_operator", "flows_worker": "matsift_worker", "flows_analyst": "matsift_analyst"}


@dataclass(frozen=True)
class Server:
    """Logins on a server, and the address of a database for each."""

    postgres: PostgresServer

    def url(self, database_url: str, login: str, password: str = PASSWORD) -> str:
        database = make_url(database_url).database
        assert database is not None
        return self.postgres.tcp_url(database, login, password)


@pytest.fixture(scope="module")
def server(postgres_server: PostgresServer, template_database: str) -> Iterator[Server]:
    assert template_database  # its migrations have made the groups
    with psycopg.connect(postgres_server.url("postgres"), autocommit=True) as admin:
        for login, group in _GROUPS.items():
            admin.execute(f"CREATE ROLE {login} LOGIN PASSWORD '{PASSWORD}' IN ROLE {group}".encode())
        yield Server(postgres_server)
        for login in _GROUPS:
            admin.execute(f"DROP ROLE {login}".encode())


@pytest.fixture
def fresh(empty_database_url: str) -> str:
    """The address of a database that was migrated itself: rights on a database are not copied with its template."""
    upgrade(empty_database_url)
    return empty_database_url


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> KillStudy:
    return KillStudy(tmp_path_factory.mktemp("logins"), lease_s=60.0)


@pytest.fixture(scope="module")
def commands(study: KillStudy, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starter]:
    with starter(tmp_path_factory.mktemp("commands"), study.folder) as found:
        yield found


@pytest.mark.full
def test_an_operator_carries_a_study_out(
    server: Server, fresh: str, reference: Finished, study_path: Path, tmp_path: Path
) -> None:
    run_here(study_path, server.url(fresh, "flows_operator"), tmp_path)
    assert row_counts(fresh) == reference.counts
    assert said(fresh) == reference.said


def test_a_worker_computes_beside_an_operator_and_nobody_sees_a_password(
    server: Server, fresh: str, study: KillStudy, commands: Starter, tmp_path: Path
) -> None:
    own = {"MATSIFT_HOME": str(tmp_path / "home"), "MATSIFT_WORKERS": "1"}
    addresses = {login: {"MATSIFT_DATABASE_URL": server.url(fresh, login), **own} for login in _GROUPS}
    study.hold()
    operator = commands.start("run", str(study.path), **addresses["flows_operator"])
    wait_until(lambda: len(study.asked) > 0 or not operator.is_running, "the oracle is asked by the operator")
    worker = commands.start("label", "--worker", "w1", str(study.path), **addresses["flows_worker"])
    wait_until(lambda: len(study.asked) > 1 or not worker.is_running, "the oracle is asked by the worker")
    lines = [word for process in psutil.process_iter(["cmdline"]) for word in process.info["cmdline"] or ()]
    assert len(lines) > 2
    assert not [word for word in lines if PASSWORD in word]
    study.let_go()

    assert [operator.wait(), worker.wait()] == [0, 0], operator.stderr + worker.stderr
    assert one(fresh, "SELECT count(*) FROM matsift.oracle_result WHERE worker = 'w1'") > 0
    assert one(fresh, "SELECT count(*) FROM matsift.run WHERE parameters ->> 'worker' = 'w1'") == 1
    assert PASSWORD not in operator.stdout + operator.stderr + worker.stdout + worker.stderr


@pytest.mark.parametrize(
    ("login", "reason"),
    [("flows_worker", "the database refused (permission denied for table "), ("flows_analyst", "may not use the")],
)
def test_whoever_may_not_is_told_in_a_sentence(
    server: Server, fresh: str, study: KillStudy, commands: Starter, tmp_path: Path, login: str, reason: str
) -> None:
    own = {"MATSIFT_HOME": str(tmp_path / "home"), "MATSIFT_WORKERS": "1"}
    refused = commands.start("run", str(study.path), MATSIFT_DATABASE_URL=server.url(fresh, login), **own)
    assert refused.wait() == 1
    (told,) = [line for line in refused.stderr.splitlines() if line.startswith("matsift: ")]
    assert reason in told
    assert row_counts(fresh)["structure"] == 0


@pytest.mark.parametrize("login", _GROUPS)
def test_a_wrong_password_is_one_sentence(
    server: Server, database_url: str, commands: Starter, tmp_path: Path, login: str
) -> None:
    url = server.url(database_url, login, "not-the-horse")
    refused = commands.start("db", "check", MATSIFT_DATABASE_URL=url, MATSIFT_HOME=str(tmp_path / "home"))
    assert refused.wait() == 1
    (told,) = refused.stderr.splitlines()
    assert f'password authentication failed for user "{login}"' in told
    assert "not-the-horse" not in refused.stderr + refused.stdout


@pytest.mark.parametrize("login", _GROUPS)
def test_only_the_owner_backs_up(server: Server, fresh: str, commands: Starter, tmp_path: Path, login: str) -> None:
    own = {"MATSIFT_DATABASE_URL": server.url(fresh, login), "MATSIFT_HOME": str(tmp_path / "home")}
    refused = commands.start("db", "backup", str(tmp_path / "file"), **own)
    assert refused.wait() == 1
    (told,) = [line for line in refused.stderr.splitlines() if line.startswith("matsift: ")]
    assert told == (
        f"matsift: a backup holds everything, and {login} may not read that; make it as "
        f"{make_url(fresh).username}, the owner"
    )
    assert not list(tmp_path.glob("file*"))

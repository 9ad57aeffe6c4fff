"""Whoever comes next finds the lock of a study and of a worker's name free at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from tests.flows.running import rows

from matsift.errors import UserInputError
from matsift_adapters.settings import Settings
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace

_HELD = """
    SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid IN (7242002, 7242006)
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture
def workspace(database_url: str, tmp_path: Path) -> Iterator[Workspace]:
    settings = Settings(home=tmp_path / "home", database_url=SecretStr(database_url), workers=1)
    with open_workspace(settings, Reporter(quiet=True)) as opened:
        yield opened


@pytest.mark.parametrize("kind", ["alone_on", "alone_as"])
def test_a_lock_is_let_go_before_its_connection_is_closed(
    workspace: Workspace, database_url: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A server that has much to do learns of a closed connection late: here it never does."""
    kept: list[psycopg.Connection] = []
    with monkeypatch.context() as patched, getattr(workspace, kind)("mirror"):
        patched.setattr(psycopg.Connection, "close", lambda one: kept.append(one))  # noqa: PLW0108  a list's method does not bind
        assert rows(database_url, _HELD) == [(1,)]
    assert rows(database_url, _HELD) == [(0,)]
    for connection in kept:
        connection.close()


@pytest.mark.parametrize("kind", ["alone_on", "alone_as"])
def test_one_at_a_time(workspace: Workspace, kind: str) -> None:
    with (
        getattr(workspace, kind)("mirror"),
        pytest.raises(UserInputError, match="another process"),
        getattr(workspace, kind)("mirror"),
    ):
        pass

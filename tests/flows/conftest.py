"""The small study, run once without interruption: what every other way of running it is compared with."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from tests.factories.backups import Place, fill
from tests.factories.small_study import write_small_study
from tests.flows.running import Finished, finished, run_here
from tests.postgres import PostgresServer

from matsift_adapters.settings import Settings


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the databases, folders and Prefect server of whoever runs the tests out of them."""
    with pytest.MonkeyPatch.context() as patch, temporary_settings(restore_defaults={PREFECT_API_URL}):
        for name in Settings.model_fields:
            patch.delenv(f"MATSIFT_{name.upper()}", raising=False)
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            patch.delenv(name)
        patch.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("prefect")))
        yield


@pytest.fixture(scope="session")
def study_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the small study."""
    return write_small_study(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def reference(
    study_path: Path,
    postgres_server: PostgresServer,
    template_database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Finished:
    """The small study as an uninterrupted run leaves it; read only."""
    url = postgres_server.url(postgres_server.create_database(template_database))
    home = tmp_path_factory.mktemp("reference")
    started = time.monotonic()
    result = run_here(study_path, url, home)
    return finished(url, home, result, time.monotonic() - started)


@pytest.fixture
def new_url(postgres_server: PostgresServer, template_database: str) -> Iterator[Callable[[], str]]:
    """Makes the address of a fresh database at the newest schema, as often as it is called."""
    names: list[str] = []

    def make() -> str:
        names.append(postgres_server.create_database(template_database))
        return postgres_server.url(names[-1])

    yield make
    for name in names:
        postgres_server.drop_database(name)


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the command a fresh data folder and one worker."""
    monkeypatch.setenv("MATSIFT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MATSIFT_WORKERS", "1")


@pytest.fixture
def database(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh database that the command uses."""
    monkeypatch.setenv("MATSIFT_DATABASE_URL", database_url)
    return database_url


@pytest.fixture(scope="module")
def filled(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A place with rows in all tables; what a test adds to it, it takes away."""
    return fill(Place(module_database_url, tmp_path_factory.mktemp("filled")))


@pytest.fixture(scope="module")
def backup(filled: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The backup of that place."""
    path = tmp_path_factory.mktemp("backup") / "monday.backup"
    filled.backup(path)
    return path


@pytest.fixture
def empty(empty_database_url: str, tmp_path: Path) -> Place:
    """A place with nothing in it."""
    return Place(empty_database_url, tmp_path / "elsewhere")

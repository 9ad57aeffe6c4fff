"""The Materials Project on a port: twelve rock salts, a key to them, and what a reading without a fault gives."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
from tests.servers.faulty import FaultyServer
from tests.servers.materials_project import KEY, MaterialsProject
from tests.servers.materials_project_documents import world
from tests.servers.materials_project_reading import Read, read, settings_for

WORLD = world(12)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> MaterialsProject:
    """Twelve rock salts, and a key to them."""
    monkeypatch.setenv("MP_API_KEY", KEY)
    monkeypatch.delenv("MP_API_ENDPOINT", raising=False)
    return copy.deepcopy(WORLD)


@pytest.fixture
def server(service: MaterialsProject) -> Iterator[FaultyServer]:
    """The service on a port."""
    with FaultyServer(service) as running:
        yield running


@pytest.fixture(scope="session")
def whole() -> Read:
    """What a reading without a fault gives."""
    with pytest.MonkeyPatch.context() as patch, FaultyServer(copy.deepcopy(WORLD)) as running:
        patch.setenv("MP_API_KEY", KEY)
        patch.delenv("MP_API_ENDPOINT", raising=False)
        return read(settings_for(running))

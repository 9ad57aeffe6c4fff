"""The salts of the local provider, read as a source: what the tests of OPTIMADE share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.factories.syncing import Held
from tests.servers.faulty import (
    FaultyServer,
)
from tests.servers.optimade import OptimadeService, rock_salt_attributes

from matsift.study.optimade import OptimadeSource
from matsift_adapters.sources import Source, open_source

QUICK = {"requests_per_second": 100, "timeout_s": 0.4, "attempts": 2, "max_wait_s": 0.05, "page_limit": 4}
IDS = [f"salt/{i:02d}" for i in range(10)]
PAGES = "/structures$"


def source(server: FaultyServer, **settings: Any) -> Source:
    asked: dict[str, Any] = QUICK | settings
    return open_source(OptimadeSource(kind="optimade", name="salts", base_url=server.url, **asked), Path())


def change(service: OptimadeService, key: str, a: float) -> None:
    service.structures[key] = rock_salt_attributes(a, "2025-06-01T00:00:00Z")


def lattice_constants(held: Held) -> dict[str, float]:
    return {
        key: round(float(e.crystal.volume * 4) ** (1 / 3), 3)
        for key, e in held.entries.items()
        if e.crystal is not None
    }


ALL = {key: 5 + i / 10 for i, key in enumerate(IDS)}

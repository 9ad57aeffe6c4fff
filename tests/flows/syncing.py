"""Syncs of services and copies in this process, and what they leave in the database."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from tests.flows.running import row_counts, rows

from matsift.study.settings import Mirror
from matsift_adapters.settings import Settings
from matsift_flows.ingest import ingest
from matsift_flows.progress import Reporter
from matsift_flows.workspace import open_workspace
from matsift_schema.store.syncs import SyncCounts

_CURRENT = """
    SELECT e.external_id FROM matsift.source_entry e JOIN matsift.source s ON s.id = e.source_id
    WHERE s.name = '{}' AND e.withdrawn_at IS NULL ORDER BY 1
"""


@dataclass(frozen=True)
class Syncer:
    """Sources in step with one database."""

    url: str
    home: Path

    def sync(self, *sources: dict[str, Any], retry_failed: bool = False) -> dict[str, SyncCounts]:
        """Ingest sources as `matsift ingest` does, without its last word on sources that are not whole."""
        mirror = Mirror.model_validate({"study": {"name": "mirror", "title": "Mirror"}, "sources": sources})
        settings = Settings(home=self.home, database_url=SecretStr(self.url), workers=1)
        with open_workspace(settings, Reporter(quiet=True), retry_failed=retry_failed) as workspace:
            return ingest.fn(workspace, mirror, self.home)

    def added(self, *sources: dict[str, Any]) -> dict[str, int]:
        """Ingest sources and return the tables that grew, and by how many rows."""
        before = row_counts(self.url)
        self.sync(*sources)
        after = row_counts(self.url)
        return {name: after[name] - before[name] for name in after if after[name] != before[name]}

    def current(self, source: str) -> list[str]:
        """Return the ids that a source states now."""
        return [key for (key,) in rows(self.url, _CURRENT.format(source))]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return rows(self.url, query)

"""Places with a database and an artifact folder, to be backed up and restored, and all that they hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from pydantic import SecretStr
from sqlalchemy.orm import Session
from tests.factories.pipeline import small_study

from matsift_adapters.artifacts import ArtifactStore
from matsift_adapters.backups_manifest import Manifest
from matsift_adapters.embedded_postgres.server import tell_nobody
from matsift_adapters.settings import Settings
from matsift_flows.backups import Restored, make_backup, restore_backup
from matsift_schema.engine import make_engine


@dataclass(frozen=True)
class Place:
    """One installation."""

    url: str
    home: Path

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home, database_url=SecretStr(self.url), workers=1)

    @property
    def store(self) -> ArtifactStore:
        return ArtifactStore(self.settings.artifact_url)

    @property
    def artifacts(self) -> dict[str, bytes]:
        """Every file of the artifact folder by its name."""
        folder = self.home / "artifacts"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def backup(self, path: Path, **how: Any) -> Manifest:
        return make_backup(self.settings, path, tell=tell_nobody, **how)

    def restore(self, path: Path, **how: Any) -> Restored:
        return restore_backup(self.settings, path, tell=tell_nobody, **how)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def rows(self) -> dict[str, list[str]]:
        """Every row of every table as text, without the project's own code."""
        tables = self.ask(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = to_regnamespace('matsift')"
        )
        return {name: sorted(row for (row,) in self.ask(f"SELECT t::text FROM matsift.{name} t")) for (name,) in tables}

    def views(self) -> dict[str, list[str]]:
        """What every view says, as text."""
        views = self.ask(
            "SELECT relname FROM pg_class WHERE relkind = 'v' AND relnamespace = to_regnamespace('analysis')"
        )
        return {name: sorted(row for (row,) in self.ask(f"SELECT v::text FROM analysis.{name} v")) for (name,) in views}


def fill(place: Place) -> Place:
    """Give a migrated database rows in all its tables, and the folder the artifacts that they name."""
    engine = make_engine(place.url)
    with Session(engine) as session:
        study = small_study(session)
        session.commit()
    engine.dispose()
    for named in ("artifact", "diffraction artifact", "generation artifact"):
        place.store.put(named.encode(), ".model")
    for key in study.structure_ids.tolist():
        place.store.put(f"field {key}".encode(), ".field.gz")
    return place

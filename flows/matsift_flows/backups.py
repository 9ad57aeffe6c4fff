"""Backups of the database with the artifacts that its rows name: made, verified, restored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from sqlalchemy.orm import Session

from matsift.errors import DatabaseError, UserInputError
from matsift_adapters.artifacts import ArtifactStore
from matsift_adapters.backups import Backup, open_backup, write_backup
from matsift_adapters.backups_manifest import About, Manifest
from matsift_adapters.embedded_postgres import ensure_running, ensure_usable, load_dump, prepare_load, write_dump
from matsift_adapters.embedded_postgres.locks import Tell
from matsift_adapters.settings import Settings
from matsift_flows.workspace import code_version, is_absent
from matsift_schema import engine as schema_engine
from matsift_schema.faults import told_plainly
from matsift_schema.store.health import SharedState, shared_state


@dataclass(frozen=True)
class Restored:
    """What a database holds now: `manifest` of the backup, None for a bare dump, and `revision` of the schema."""

    manifest: Manifest | None
    revision: str | None
    n_artifact: int


def make_backup(
    settings: Settings,
    path: Path,
    *,
    database_only: bool = False,
    without_missing: bool = False,
    tell: Tell,
) -> Manifest:
    """Return what the new file at `path` holds: the database, and the artifacts that its rows name.

    Both are of one moment. A transaction shares what it sees with pg_dump and asks it for the artifacts. Each of these
    was stored before the row that names it, and is never changed or taken away, so it may be read at any time later;
    what runs meanwhile add is of the next backup.

    Raises
    ------
    UserInputError
        If there is no database, the file exists or cannot be written.
    ArtifactError
        If an artifact is missing or damaged and `without_missing` is not given.
    DatabaseError
        If the database cannot be read.
    """
    if is_absent(settings):
        raise UserInputError(f"there is no database in {settings.home} yet, and nothing to back up")
    path = path.expanduser().absolute()
    url = ensure_running(settings, tell=tell)
    with told_plainly(), _shared(url) as state:
        about = About(
            made_at=datetime.now(UTC),
            matsift=code_version(),
            postgresql=state.postgresql,
            schema_revision=state.revision,
        )
        artifacts = None if database_only else (ArtifactStore(settings.artifact_url), state.artifacts)
        dump = partial(write_dump, url, snapshot=state.snapshot)
        return write_backup(path, about, dump, artifacts, without_missing=without_missing)


@contextmanager
def _shared(url: str) -> Iterator[SharedState]:
    """Yield the state of a database in a transaction that ends with the block."""
    engine = schema_engine.make_engine(url)
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield shared_state(Session(connection))
    finally:
        engine.dispose()


def verify_backup(path: Path) -> Manifest | None:
    """Return the manifest of a backup that is whole; None for a bare dump, which has none.

    Raises
    ------
    UserInputError
        If it is not whole.
    """
    with open_backup(path) as backup:
        return backup.manifest


def restore_backup(settings: Settings, path: Path, *, replace: bool = False, tell: Tell) -> Restored:
    """Put a backup into the artifact folder and the database of the settings.

    Every byte is verified before anything is touched. Artifacts come first: whatever stops the rest, they harm nobody
    and the next attempt takes them up. The database follows in one transaction.

    Raises
    ------
    UserInputError
        If the file is not a whole backup, is of a newer matsift, or the database holds something and `replace` is not
        given; nothing was changed.
    ArtifactError
        If the store cannot take an artifact; the database is as it was.
    DatabaseError
        If the database cannot be used or loaded; it is as it was.
    """
    with open_backup(path) as backup, told_plainly():
        _refuse_newer(backup)
        target = prepare_load(ensure_usable(settings, tell=tell), backup.open_dump, replace=replace)
        settings.prepare_home()
        n_artifact = backup.put_artifacts(ArtifactStore(settings.artifact_url))
        load_dump(target, backup.open_dump)
        return Restored(backup.manifest, schema_engine.current(target.url), n_artifact)


def _refuse_newer(backup: Backup) -> None:
    revision = backup.manifest and backup.manifest.schema_revision
    known = {script.revision for script in schema_engine.scripts().walk_revisions()}
    if backup.manifest and revision is not None and revision not in known:
        raise DatabaseError(
            f"{backup.path} is of a newer matsift ({backup.manifest.matsift}, schema revision {revision}, and this one "
            f"knows {schema_engine.head()}); install that version, then restore it"
        )

"""What the shell completes: study files, and names in the database as far as one runs already.

Completion never starts a server, waits a second at most, and says nothing where something is amiss.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

#: Where people keep study files, from the folder that they work in.
_PLACES = ("studies", "studies/sources", ".")
_LIMIT_S = 1


def study_files(incomplete: str) -> list[tuple[str, str]]:
    """Return the study files that begin so, each with its title; without a beginning those of the usual places."""
    found = _below(incomplete) if incomplete else (path for place in _PLACES for path in _toml_files(Path(place)))
    return [(str(path), described[1]) for path in found if (described := _described(path)) is not None]


def study_names(incomplete: str) -> list[str]:
    """Return the names of the studies in the database that begin so."""
    return _named("studies", incomplete)


def source_names(incomplete: str) -> list[str]:
    """Return the names of the sources in the database that begin so."""
    return _named("sources", incomplete)


def model_hashes(incomplete: str) -> list[str]:
    """Return the beginnings of the hashes of the models in the database, the newest first."""
    return _named("models", incomplete)


def view_names(incomplete: str) -> list[str]:
    """Return the names of the views of the schema `analysis` that begin so."""
    return _named("views", incomplete)


def files_by_name(folder: Path | None = None) -> dict[str, Path]:
    """Return study name -> its file, of the study files in the usual places of a folder (the working directory)."""
    base = folder or Path()
    paths = [path for place in _PLACES for path in _toml_files(base / place)]
    named = ((found[0], path) for path in reversed(paths) if (found := _described(path)) is not None)
    return dict(named)


def _below(incomplete: str) -> Iterator[Path]:
    """Yield the study files whose path begins so, and those of the folders next to it, one level down."""
    typed = Path(incomplete)
    folder = typed if incomplete.endswith("/") else typed.parent
    yield from _toml_files(folder)
    for below in sorted(folder.iterdir()) if folder.is_dir() else ():
        if below.is_dir() and str(below).startswith(incomplete):
            yield from _toml_files(below)


def _toml_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.toml"))


def _described(path: Path) -> tuple[str, str] | None:
    """Return name and title of a study file, None where it is none: other programs keep settings in TOML too."""
    try:
        study = tomllib.loads(path.read_text(encoding="utf-8"))["study"]
        return str(study["name"]), str(study.get("title", ""))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _named(kind: str, incomplete: str) -> list[str]:
    try:
        from matsift_schema.store.names import names

        url = _running_database()
        return [] if url is None else [name for name in names(url, kind, _LIMIT_S) if name.startswith(incomplete)]
    except Exception:  # noqa: BLE001  a shell that completes nothing is better than one that complains
        return []


def _running_database() -> str | None:
    """Return the address of the database in use, None where the embedded server does not run."""
    from matsift_adapters import embedded_postgres
    from matsift_adapters.settings import Settings

    settings = Settings.load()
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    found = embedded_postgres.status(settings)
    return found.url if found.state == embedded_postgres.State.RUNNING else None

"""From what a study says to a source that can be read."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from matsift.study.sources import BundledSource, FilesSource, SourceSettings
from matsift_adapters.sources.bundled import open_bundled
from matsift_adapters.sources.files import open_files
from matsift_adapters.sources.source import Source
from matsift_adapters.sources.tables import open_table

_TELLS_NOTHING_OF_CONTENT = {"name", "path", "description"}


def open_source(settings: SourceSettings, base_dir: Path, *, n_worker: int = 1) -> Source:
    """Return the source that the settings describe; nothing but its header and hash is read yet.

    Parameters
    ----------
    settings
        One entry of the study's sources.
    base_dir
        Folder that relative paths start from: the study file's.
    n_worker
        Worker processes that parse files; each file stands under the settings' time limit. With 0
        the files are parsed here and now without a limit, for trusted ones.

    Raises
    ------
    SourceError
        If a path is missing, not readable, or in no known format.
    """
    if isinstance(settings, BundledSource):
        source = open_bundled(settings, base_dir)
    elif isinstance(settings, FilesSource):
        source = open_files(settings, base_dir, n_worker=n_worker)
    else:
        source = open_table(settings, base_dir, n_worker=n_worker)
    return replace(source, content_hash=_with_reading(source.content_hash, settings))


def _with_reading(content_hash: str, settings: SourceSettings) -> str:
    """Return the hash of a content and of how it is read: another mapping of columns is another state."""
    reading = settings.model_dump_json(exclude=_TELLS_NOTHING_OF_CONTENT)
    return hashlib.sha256(f"{content_hash}\n{reading}".encode()).hexdigest()

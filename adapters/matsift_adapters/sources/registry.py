"""From what a study says to a source that can be read."""

from __future__ import annotations

from pathlib import Path

from matsift.study.sources import BundledSource, SourceSettings
from matsift_adapters.sources.bundled import open_bundled
from matsift_adapters.sources.source import Source


def open_source(settings: SourceSettings, base_dir: Path, *, n_worker: int = 1) -> Source:
    """Return the source that the settings describe; nothing but its header and hash is read yet.

    Parameters
    ----------
    settings
        One entry of the study's sources.
    base_dir
        Folder that relative paths start from: the study file's.
    n_worker
        Worker processes that parse files; each file stands under the settings' time limit.

    Raises
    ------
    SourceError
        If a path is missing, not readable, or in no known format.
    """
    if isinstance(settings, BundledSource):
        return open_bundled(settings, base_dir)
    raise NotImplementedError

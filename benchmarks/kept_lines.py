"""Pairs of a key and what was measured, one JSON line each, that outlive a run which is killed while it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class KeptLines:
    """A file of such pairs; it is made with the first of them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Yield the pairs in the order in which they were kept, without what a killed run left unfinished."""
        for line in self._path.read_text().splitlines() if self._path.exists() else ():
            try:
                key, measured = json.loads(line)
            except ValueError:  # empty, or cut short
                continue
            yield key, measured

    def keep(self, key: str, measured: Any) -> None:
        """Write a pair on a line of its own, also behind one cut short."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a") as stream:
            stream.write("\n" + json.dumps([key, measured]))

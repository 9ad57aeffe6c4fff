"""What jobs measured, kept on disk, so that a reproduction that is interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.kept_lines import KeptLines
from benchmarks.repro_001 import jobs
from benchmarks.repro_001.jobs import Job, Rows

from matsift import learners


class ResultFile:
    """One JSON line a job, in a file that belongs to certain rows, a certain LightGBM and the code that trains."""

    def __init__(self, folder: Path, rows: Rows) -> None:
        digest = hashlib.sha256(version("lightgbm").encode())
        for source in (Path(jobs.__file__), *sorted(Path(learners.__file__).parent.glob("*.py"))):
            digest.update(source.read_bytes())
        for array in (rows.X, rows.candidates, rows.has_element, *(rows.y[name] for name in sorted(rows.y))):
            digest.update(array.tobytes())
        self._lines = KeptLines(folder / f"results-{digest.hexdigest()[:16]}.jsonl")
        self._known: dict[str, dict[str, Any]] = dict(self._lines)

    def get(self, job: Job) -> dict[str, Any] | None:
        """Return what a job measured, None if it has not been run."""
        return self._known.get(repr(job))

    def keep(self, job: Job, measured: dict[str, Any]) -> dict[str, Any]:
        """Write what a job measured, and return it."""
        self._lines.keep(repr(job), measured)
        self._known[repr(job)] = measured
        return measured

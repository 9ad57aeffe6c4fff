"""The journal of a data set computation: one JSON line a finished candidate, only ever appended to.

A line counts once its newline is written. A line torn by a kill in mid-write is dropped on reading and cut off before
the next line is appended, so a computation that was killed goes on where it was.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any, Self

from matsift.errors import UserInputError


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the finished lines of a journal, in the order written; none if there is no file."""
    if not path.exists():
        return []
    whole = path.read_bytes()
    lines = whole[: whole.rfind(b"\n") + 1].splitlines()
    return [json.loads(line) for line in lines if line.strip()]


class Journal:
    """A journal open for appending, by one process at a time; a context manager.

    Raises
    ------
    UserInputError
        If another process has it open for appending.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise UserInputError(
                f"another process appends to {path}; wait until it ends, or name another folder"
            ) from None
        self._cut_torn_line()

    def append(self, row: dict[str, Any]) -> None:
        """Write one line and hand it to the operating system."""
        self._file.write(json.dumps(row, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _cut_torn_line(self) -> None:
        self._file.seek(0)
        self._file.truncate(self._file.read().rfind(b"\n") + 1)
        self._file.seek(0, os.SEEK_END)

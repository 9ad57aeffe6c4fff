"""The server's log: bounded in size, and quoted in our errors."""

import re
import shutil
from pathlib import Path

from matsift.errors import DatabaseError

_LARGEST_LOG = 10 * 2**20
_COMPLAINT = re.compile(r"(?:FATAL|PANIC|ERROR|initdb: error|could not):?\s+(?P<what>.+)")
_REMEDIES = (
    ("No space left on device", "free some space (100 MB at least)"),
    ("Disk quota exceeded", "free some space (100 MB at least)"),
    ("Read-only file system", "set MATSIFT_HOME to a folder that can be written"),
    ("Permission denied", "make the folder writable or set MATSIFT_HOME to another one"),
    ("wrong ownership", "give the folder to the user who runs matsift, or set MATSIFT_HOME to another one"),
    ("invalid permissions", "set MATSIFT_HOME to a folder on a local disk, where file modes are kept"),
    ("Cannot allocate memory", "free some memory or lower shared_buffers in postgresql.conf"),
    ("could not map anonymous shared memory", "free some memory or lower shared_buffers in postgresql.conf"),
)


def rotate(log: Path) -> None:
    """Keep the log below 10 MB and one older log beside it.

    The server appends, so emptying the file under it is safe: its next line goes to the new end.
    """
    if log.exists() and log.stat().st_size > _LARGEST_LOG:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        with log.open("r+b") as file:
            file.truncate(0)


def tail(log: Path, offset: int = 0) -> list[str]:
    """The last lines that were written after `offset` bytes, 20 at most."""
    try:
        with log.open("rb") as file:
            end = file.seek(0, 2)
            file.seek(max(min(offset, end), end - 8192))
            return file.read().decode("utf-8", "replace").splitlines()[-20:]
    except OSError:
        return []


def complaint(lines: list[str]) -> str:
    """The line that says why the server gave up, without its time stamp and severity."""
    for line in reversed(lines):
        found = _COMPLAINT.search(line)
        if found and "terminating connection" not in line:
            return found["what"].strip()
    return lines[-1].strip() if lines else "it said nothing"


def failure(what: str, folder: Path, lines: list[str], log: Path) -> DatabaseError:
    """One sentence from the end of the log, with the remedy where the cause is a known one."""
    text = "\n".join(lines)
    remedy = next((remedy for cause, remedy in _REMEDIES if cause in text), f"the log {log} tells more")
    return DatabaseError(f"{what} in {folder}: {complaint(lines)}; {remedy}")

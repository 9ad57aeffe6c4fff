"""What a user is told of a fault that nobody foresaw."""

from __future__ import annotations

import errno
from typing import NoReturn

from matsift.errors import MatsiftError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_LONGEST = 300


def sentence(error: Exception) -> str:
    """Return one sentence about an error that is none of ours: the database, the disk, the memory, or a bug."""
    from matsift_schema.faults import told_plainly

    try:
        with told_plainly():
            _raise(error)
    except MatsiftError as told:
        return str(told)
    except OSError as told:
        return _of_the_machine(told)
    except MemoryError:
        return "the memory is used up; what was done is kept, run the same command again with fewer --workers"
    except Exception as told:  # noqa: BLE001  it is told, not hidden
        return _of_a_bug(told)


def _raise(error: Exception) -> NoReturn:
    raise error


def _of_the_machine(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or _one_line(error)
    if error.errno in _FULL:
        return f"{place}the disk is full; free some space, then run the same command again, it continues"
    return f"{place}the machine refused ({reason}); mend that, then run the same command again, or add --debug for more"


def _of_a_bug(error: Exception) -> str:
    return (
        f"a fault of matsift itself stopped the command ({type(error).__name__}: {_one_line(error)}); what was done is "
        "kept, run the same command with --debug and report what it prints"
    )


def _one_line(error: Exception) -> str:
    told = " ".join(str(error).split())
    return told if len(told) <= _LONGEST else f"{told[:_LONGEST]}..."

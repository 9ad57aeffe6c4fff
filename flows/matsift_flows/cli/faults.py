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
        return _of_prefect(told) or _of_a_bug(told)


def _raise(error: Exception) -> NoReturn:
    raise error


def _of_the_machine(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or _one_line(error)
    if error.errno in _FULL:
        return f"{place}the disk is full; free some space, then run the same command again, it continues"
    return f"{place}the machine refused ({reason}); mend that, then run the same command again, or add --debug for more"


def _of_prefect(error: Exception) -> str | None:
    """Return what is told where Prefect's server, which records flows when one is configured, did not answer well."""
    import httpx
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if url is None:
        return None
    try:
        asked = isinstance(error, httpx.HTTPError) and str(error.request.url).startswith(url.rstrip("/"))
    except RuntimeError:  # it came up before there was a request
        asked = False
    if not asked and not (isinstance(error, RuntimeError) and str(error).startswith("Failed to reach API")):
        return None
    reason = _one_line(error)
    if isinstance(error, httpx.HTTPStatusError):
        reason = f"it answered {error.response.status_code} {error.response.reason_phrase}"
    return (
        f"Prefect's server at {url}, which PREFECT_API_URL names, failed ({reason}); what was done is kept, see to "
        "that server, then run the same command again, it continues"
    )


def _of_a_bug(error: Exception) -> str:
    return (
        f"a fault of matsift itself stopped the command ({type(error).__name__}: {_one_line(error)}); what was done is "
        "kept, run the same command with --debug and report what it prints"
    )


def _one_line(error: Exception) -> str:
    told = " ".join(str(error).split())
    return told if len(told) <= _LONGEST else f"{told[:_LONGEST]}..."

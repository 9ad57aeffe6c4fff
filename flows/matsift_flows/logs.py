"""Structured logs: what is reported, as one JSON object a line with time, level, flow, run, study and stage.

`MATSIFT_LOG` says where to: ``json`` = stderr, in place of the plain lines; ``file`` = the folder `logs` of home beside
them, a file a day (UTC). The logger is the standard library's `matsift`, for whoever has handlers of their own.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from matsift.errors import UserInputError
from matsift_adapters.settings import Settings

LOGGER = logging.getLogger("matsift")
LOGGER.addHandler(logging.NullHandler())  # without a handler, Python itself prints warnings once more
LOGGER.setLevel(logging.INFO)
LOGGER.propagate = False  # Prefect's import gives the root logger a handler, which would print every line again

_PASSWORD = re.compile(r"(://[^:/@\s]*):[^@\s]+@")
_ABOUT: ContextVar[dict[str, Any]] = ContextVar("matsift_about", default={})  # noqa: B039  replaced, never changed


class HasRow(Protocol):
    """A run whose row may be written later."""

    @property
    def row_id(self) -> int | None:
        """Id of its row, None before there is one."""


@contextmanager
def about(**what: Any) -> Iterator[None]:
    """Say of every line until the end what it is about: `flow`, `study`, `stage`, and `run`, a `HasRow`."""
    token = _ABOUT.set({**_ABOUT.get(), **what})
    try:
        yield
    finally:
        _ABOUT.reset(token)


@contextmanager
def flow_logged(flow: str, study: str | None) -> Iterator[None]:
    """Log beginning and end of a flow with its seconds, or the error that ended it, and say which flow lines are of."""
    started = time.monotonic()
    with about(flow=flow, **({"study": study} if study else {})):
        LOGGER.info("began")
        try:
            yield
        except BaseException as error:
            said = (str(error) or "stopped").splitlines()[0]
            LOGGER.error("%s: %s", type(error).__name__, said, extra=_seconds(started))  # noqa: TRY400  one sentence
            raise
        LOGGER.info("ended", extra=_seconds(started))


@contextmanager
def written(settings: Settings) -> Iterator[None]:
    """Write lines where the settings say, until the end.

    Raises
    ------
    UserInputError
        If the file of the log cannot be written.
    """
    if settings.log == "plain":
        yield
        return
    handler = _OnStderr() if settings.log == "json" else _file(settings.home)
    handler.setFormatter(JsonLine())
    LOGGER.addHandler(handler)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        handler.close()


def takes_stderr() -> bool:
    """Return whether lines of JSON stand on stderr, so that nothing else should."""
    return any(isinstance(handler, _OnStderr) for handler in LOGGER.handlers)


class JsonLine(logging.Formatter):
    """One JSON object a record; passwords in addresses are masked."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        known = dict(_ABOUT.get())
        run: HasRow | None = known.pop("run", None)
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "flow": known.pop("flow", None),
            "run": None if run is None else run.row_id,
            "study": known.pop("study", None),
            "stage": getattr(record, "stage", known.pop("stage", None)),
            "message": record.getMessage().strip(),
            **known,
            **({"counts": record.counts} if hasattr(record, "counts") else {}),
            "process": os.getpid(),
        }
        return _PASSWORD.sub(r"\1:***@", json.dumps(line, ensure_ascii=False, default=str))


class _OnStderr(logging.StreamHandler):  # type: ignore[type-arg]  # whatever stderr is now
    def __init__(self) -> None:
        super().__init__(sys.stderr)


def _file(home: Path) -> logging.Handler:
    path = home / "logs" / f"{datetime.now(UTC):%Y-%m-%d}.jsonl"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        raise UserInputError(
            f"the log {path} cannot be written ({error.strerror}); make it writable, or set MATSIFT_LOG=json"
        ) from error


def _seconds(started: float) -> dict[str, Any]:
    return {"counts": {"seconds": round(time.monotonic() - started, 3)}}

"""The `matsift` command: one verb a flow, errors in one plain sentence."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import NoReturn

from matsift.errors import MatsiftError
from matsift_flows.interruption import is_interruption

_STOPPED = 128 + signal.SIGINT


def main() -> None:
    """Run the command line; the exit code is 0 only when all that was asked was done."""
    debug = "--debug" in sys.argv or bool(os.environ.get("MATSIFT_DEBUG"))
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal without our signs shows their codes
            stream.reconfigure(errors="backslashreplace")
    try:
        from matsift_flows.cli.app import app

        app()
    except KeyboardInterrupt:  # before typer took over
        _stop()
    except SystemExit as ended:
        if ended.code == _STOPPED:  # what typer makes of Ctrl-C
            _stop()
        raise
    except Exception as error:  # whatever it is, a user gets one sentence, and the traceback on demand
        if is_interruption(error):
            _stop()
        if debug:
            raise
        _end(error)


def _stop() -> NoReturn:
    sys.unraisablehook = lambda _: None  # what is dropped half-written has nothing more to tell
    _tell("stopped; what was done is kept, the same command continues", before="\n")
    sys.exit(_STOPPED)


def _end(error: Exception) -> NoReturn:
    from matsift_flows.cli.faults import sentence

    _tell(str(error) if isinstance(error, MatsiftError) else sentence(error))
    sys.exit(1)


def _tell(text: str, before: str = "") -> None:
    print(f"{before}matsift: {text}", file=sys.stderr)  # noqa: T201

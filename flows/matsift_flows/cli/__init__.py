"""The `matsift` command: one verb a flow, errors in one plain sentence."""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import NoReturn

from matsift.errors import MatsiftError
from matsift_flows.cli.look import Role, painted
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

        ended = app(prog_name="matsift", standalone_mode=False)
    except KeyboardInterrupt:  # before typer took over
        _stop()
    except Exception as error:  # noqa: BLE001  whatever it is, a user gets one sentence; the traceback on demand
        if is_interruption(error):
            _stop()
        _end(error, debug=debug)
    if ended == _STOPPED:  # what typer makes of Ctrl-C
        _stop()
    sys.exit(ended if isinstance(ended, int) else 0)


def _stop() -> NoReturn:
    sys.unraisablehook = lambda _: None  # what is dropped half-written has nothing more to tell
    _tell("stopped; what was done is kept, the same command continues", Role.ATTENTION, before="\n")
    sys.exit(_STOPPED)


def _end(error: Exception, *, debug: bool) -> NoReturn:
    from typer import TyperException

    from matsift_flows.cli import faults, usage

    if isinstance(error, TyperException):
        if not usage.is_help(error):
            _tell(usage.sentence(error), Role.BAD)
        sys.exit(error.exit_code)
    if debug:
        raise error
    _tell(str(error) if isinstance(error, MatsiftError) else faults.sentence(error), Role.BAD)
    sys.exit(1)


def _tell(text: str, role: Role, before: str = "") -> None:
    print(f"{before}{painted('matsift:', role, sys.stderr)} {text}", file=sys.stderr)  # noqa: T201

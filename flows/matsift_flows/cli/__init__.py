"""The `matsift` command: one verb a flow, errors in one plain sentence."""

from __future__ import annotations

import os
import signal
import sys

from matsift.errors import MatsiftError


def main() -> None:
    """Run the command line; the exit code is 0 only when all that was asked was done."""
    from matsift_flows.cli.app import app

    debug = "--debug" in sys.argv or bool(os.environ.get("MATSIFT_DEBUG"))
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        app()
    except KeyboardInterrupt:
        print("\nmatsift: stopped; what was done is kept, the same command continues", file=sys.stderr)  # noqa: T201
        sys.exit(128 + signal.SIGINT)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except MatsiftError as error:
        if debug:
            raise
        print(f"matsift: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)

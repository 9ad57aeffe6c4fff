"""Run by its path: has `matsift` loaded, and forks for every order on its standard input; see `preloaded.py`.

An order is a line of JSON: words, environment, and the files for output, errors and exit code. The answer is the pid.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
import traceback
from datetime import timedelta
from pathlib import Path
from typing import Any

import time_machine

_LOADED = ("matsift_flows.study", "matsift_flows.cli.app", "matsift_flows.cli.faults", "lightgbm", "ase")


def main() -> None:
    """Serve until the standard input ends, then take all children along."""
    for name in _LOADED:
        __import__(name)
    running: dict[int, str] = {}
    orders = os.fdopen(0, "rb", buffering=0)
    print("ready", flush=True)  # noqa: T201
    while True:
        readable, _, _ = select.select([orders], [], [], 0.01)
        if readable:
            line = orders.readline()
            if not line:
                break
            order = json.loads(line)
            pid = os.fork()
            if pid == 0:
                orders.close()
                _run(order)
            running[pid] = order["code"]
            print(pid, flush=True)  # noqa: T201
        while running:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            code = Path(running.pop(pid))
            code.with_suffix(".part").write_text(str(os.waitstatus_to_exitcode(status)))
            code.with_suffix(".part").rename(code)
    for pid in running:
        os.kill(pid, signal.SIGKILL)


def _run(order: dict[str, Any]) -> None:
    """Be the command; never returns."""
    os.setsid()
    for number, path in ((0, os.devnull), (1, order["out"]), (2, order["err"])):
        os.dup2(os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.update(order["environment"])
    sys.argv = ["matsift", *order["words"]]
    clock = os.environ.pop("MATSIFT_TEST_CLOCK", None)
    if clock is not None:
        threading.Thread(target=_follow, args=(Path(clock),), daemon=True).start()
    code = 70
    try:
        from matsift_flows.cli import main as command

        command()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001  nothing of the child may reach the loop of the parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _follow(clock: Path) -> None:
    """Keep the clock of this process as far ahead, or behind, as a file says in seconds."""
    shown = 0
    traveller = time_machine.travel(timedelta(0), tick=True).start()
    while True:
        wanted = int(clock.read_text())
        if wanted != shown:
            traveller.shift(timedelta(seconds=wanted - shown))
            shown = wanted
        time.sleep(0.05)


if __name__ == "__main__":
    main()

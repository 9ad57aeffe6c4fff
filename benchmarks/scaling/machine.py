"""What a second busy process adds on this machine: shared cores do less than twice the work of one."""

from __future__ import annotations

import subprocess
import sys

_SECONDS = 3.0

_WORK = """
import sys, time
end, n = time.perf_counter() + float(sys.argv[1]), 0
while time.perf_counter() < end:
    n += sum(i * i for i in range(2000)) > 0
print(n)
"""


def busy_ratio() -> float:
    """Return how many times the work of one plain busy process two of them do in the same seconds."""
    return _work(2) / _work(1)


def _work(n: int) -> int:
    command = [sys.executable, "-c", _WORK, str(_SECONDS)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(n)]
    return sum(int(process.communicate()[0]) for process in processes)

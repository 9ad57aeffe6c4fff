"""What `make chaos` prints at its end: the faults that struck, and how the commands ended."""

from __future__ import annotations

import signal
from collections import Counter
from typing import Any

import pytest

_ENDS = {0: "well", 1: "with a sentence", 128 + signal.SIGINT: "by Ctrl-C", -signal.SIGKILL: "killed"}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how often each fault struck or found nothing left to hit, and the ends of commands, over all seeds."""
    storms = [found for outcome in ("passed", "failed") for found in _storms(terminalreporter, outcome)]
    if not storms:
        return
    struck, missed, ends = (sum((Counter(s[name]) for s in storms), Counter()) for name in ("struck", "missed", "ends"))
    terminalreporter.section(f"faults of {len(storms)} seeds")
    for fault in sorted(struck | missed, key=lambda fault: -struck[fault]):
        late = f", {missed[fault]} found nothing left to hit" if missed[fault] else ""
        terminalreporter.write_line(f"{struck[fault]:4d}  {fault}{late}")
    how = ", ".join(f"{n} {_ENDS.get(code, f'with {code}')}" for code, n in ends.most_common())
    terminalreporter.write_line(f"{struck.total()} faults struck; {ends.total()} ends of commands: {how}")


def _storms(reporter: pytest.TerminalReporter, outcome: str) -> list[dict[str, Any]]:
    found = [dict(report.user_properties) for report in reporter.getreports(outcome) if report.when == "call"]
    return [properties for properties in found if "struck" in properties]

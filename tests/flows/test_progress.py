"""What a person sees of work that takes long: bars, a spinner where nothing is counted, nothing where it is quiet."""

from __future__ import annotations

import io
import time

import pytest
from rich.console import Console

from matsift_flows import progress, spinner
from matsift_flows.progress import Reporter


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the spinner come at once, on a terminal that can redraw a line whatever the tests were started from."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(spinner, "SILENCE_S", 0.05)
    monkeypatch.setattr(spinner, "_LOOK_EVERY_S", 0.01)


def terminal() -> tuple[io.StringIO, Console]:
    written = io.StringIO()
    return written, Console(file=written, force_terminal=True, width=100, highlight=False)


def test_silence_on_a_terminal_is_broken_by_the_innermost_title() -> None:
    written, console = terminal()
    reporter = Reporter(console)
    with reporter.busy("screen"), reporter.busy("read structures"):
        time.sleep(0.4)
    assert "read structures ..." in written.getvalue()
    assert "screen ..." not in written.getvalue()


def test_what_is_over_soon_shows_nothing() -> None:
    written, console = terminal()
    with Reporter(console).busy("screen"):
        pass
    time.sleep(0.15)
    assert written.getvalue() == ""


def test_the_spinner_makes_way_for_a_bar() -> None:
    written, console = terminal()
    reporter = Reporter(console)
    with reporter.busy("train"):
        with reporter.work("fit", 2, "models") as advance:
            time.sleep(0.3)
            advance(2)
        assert "train ..." not in written.getvalue()
    assert "fit: 2 models" in written.getvalue()


@pytest.mark.parametrize("options", [{"quiet": True}, {"brief": True}])
def test_a_file_gets_nothing_of_a_quiet_or_brief_reporter(options: dict[str, bool]) -> None:
    written = io.StringIO()
    reporter = Reporter(Console(file=written), **options)
    with reporter.busy("train"), reporter.work("fit", 2, "models") as advance:
        time.sleep(0.1)
        advance(2)
    reporter.say("done")
    assert written.getvalue() == ""
    reporter.warn("the disk is nearly full")
    assert written.getvalue() == "the disk is nearly full\n"


def test_a_brief_reporter_shows_the_bar_and_leaves_nothing_behind() -> None:
    written, console = terminal()
    reporter = Reporter(console, brief=True)
    with reporter.work("fit", 2, "models") as advance:
        advance(2)
    reporter.say("done")
    assert "fit" in written.getvalue()
    assert "models in" not in written.getvalue()
    assert "done" not in written.getvalue()


def test_a_file_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_EVERY_S", 0.0)
    written = io.StringIO()
    with Reporter(Console(file=written)).work("fit", 4, "models") as advance:
        advance(1)
    assert "fit: 1 of 4" in written.getvalue()

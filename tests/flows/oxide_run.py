"""The small study of oxides, run to its end for the tests of what it leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.factories.oxide_study import write_study
from tests.flows.running import Finished, finished, run_here


@dataclass(frozen=True)
class OxideRun:
    """A study that came to its end, and its file."""

    path: Path
    left: Finished


def run_oxides(folder: Path, url: str, overrides: Sequence[str] = ()) -> OxideRun:
    """Run a study of 36 oxides in a folder and a database."""
    path, home = write_study(folder / "study"), folder / "home"
    return OxideRun(path, finished(url, home, run_here(path, url, home, overrides=overrides)))

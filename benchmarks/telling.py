"""What benchmarks on published data say beside their tables: progress, versions, and where the data should be."""

from __future__ import annotations

import datetime as dt
import sys
from importlib.metadata import version

from benchmarks.repro_001.real_data import data_folder


def tell(what: str) -> None:
    """Write a line of progress, with the time, to the standard error."""
    print(f"{dt.datetime.now(tz=dt.UTC):%H:%M:%S}  {what}", file=sys.stderr, flush=True)


def has_data(below: str = "") -> bool:
    """Return whether the published data are there (or a folder of them); if not, a sentence says what to set."""
    if (data_folder() / below).is_dir():
        return True
    print(f"{data_folder()}: no such folder; set MATSIFT_DATA to the folder of the published data", file=sys.stderr)
    return False


def versions(*packages: str) -> str:
    """Return the packages with their versions, as a heading names them."""
    return ", ".join(f"{name} {version(name)}" for name in packages)

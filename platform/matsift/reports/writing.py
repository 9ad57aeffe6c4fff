"""The report on disk: the page, and its tables as CSV and Parquet beside it."""

from __future__ import annotations

import tempfile
from pathlib import Path

from matsift.errors import UserInputError
from matsift.reports.data import RankingReport
from matsift.reports.page import render_html
from matsift.reports.tables import write_tables

PAGE_NAME = "report.html"


def write_report(report: RankingReport, folder: Path) -> list[Path]:
    """Write the page and its tables into a folder, made if need be, and return their paths, the page first.

    Files appear whole: each is written aside and moved into place, so a run that is killed leaves the last report.

    Raises
    ------
    UserInputError
        If the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as aside:
            page = Path(aside) / PAGE_NAME
            page.write_text(render_html(report), encoding="utf-8")
            written = [page, *write_tables(report, Path(aside))]
            return [path.replace(folder / path.name) for path in written]
    except OSError as error:
        message = f"{folder}: the report cannot be written here ({error.strerror or error}); choose another folder"
        raise UserInputError(message) from error

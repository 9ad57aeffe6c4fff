"""A report on disk: the page, and its tables as CSV and Parquet beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from matsift.errors import UserInputError
from matsift.reports.data import RankingReport
from matsift.reports.densities import DensityReport
from matsift.reports.density_page import render_densities
from matsift.reports.density_tables import density_tables
from matsift.reports.page import render_html
from matsift.reports.space_group_page import render_space_groups
from matsift.reports.space_group_tables import space_group_tables
from matsift.reports.space_groups import SpaceGroupReport
from matsift.reports.tables import report_tables, write_tables

PAGE_NAME = "report.html"


def write_report(report: RankingReport | SpaceGroupReport | DensityReport, folder: Path) -> list[Path]:
    """Write the page and its tables into a folder, made if need be, and return their paths, the page first.

    Files appear whole: each is written aside and moved into place, so a run that is killed leaves the last report.

    Raises
    ------
    UserInputError
        If the folder cannot be written to.
    """
    if isinstance(report, SpaceGroupReport):
        return _write(render_space_groups(report), space_group_tables(report), folder)
    if isinstance(report, DensityReport):
        return _write(render_densities(report), density_tables(report), folder)
    return _write(render_html(report), report_tables(report), folder)


def _write(text: str, tables: Mapping[str, pa.Table], folder: Path) -> list[Path]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".writing-") as aside:
            page = Path(aside) / PAGE_NAME
            page.write_text(text, encoding="utf-8")
            written = [page, *write_tables(tables, Path(aside))]
            return [path.replace(folder / path.name) for path in written]
    except OSError as error:
        message = f"{folder}: the report cannot be written here ({error.strerror or error}); choose another folder"
        raise UserInputError(message) from error

"""A report on disk: the page, and its tables as CSV and Parquet beside it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from matsift.errors import UserInputError
from matsift.reports.data import RankingReport
from matsift.reports.densities import DensityReport
from matsift.reports.density_page import render_densities
from matsift.reports.density_tables import density_tables
from matsift.reports.generative import GenerativeReport
from matsift.reports.generative_page import render_generative
from matsift.reports.generative_tables import generative_tables
from matsift.reports.page import render_html
from matsift.reports.space_group_page import render_space_groups
from matsift.reports.space_group_tables import space_group_tables
from matsift.reports.space_groups import SpaceGroupReport
from matsift.reports.tables import report_tables, write_tables

PAGE_NAME = "report.html"
Report = RankingReport | SpaceGroupReport | DensityReport | GenerativeReport

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def content_hash(report: Report) -> str:
    """Return the SHA-256 of the page apart from the time it was made: equal data gives equal hashes."""
    return hashlib.sha256(_page(replace(report, generated_at=_EPOCH)).encode()).hexdigest()


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write the page and its tables into a folder, made if need be, and return their paths, the page first.

    Files appear whole: each is written aside and moved into place, so a run that is killed leaves the last report.

    Raises
    ------
    UserInputError
        If the folder cannot be written to.
    """
    text, tables = _page(report), _tables(report)
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


def _page(report: Report) -> str:
    if isinstance(report, SpaceGroupReport):
        return render_space_groups(report)
    if isinstance(report, DensityReport):
        return render_densities(report)
    if isinstance(report, GenerativeReport):
        return render_generative(report)
    return render_html(report)


def _tables(report: Report) -> Mapping[str, pa.Table]:
    if isinstance(report, SpaceGroupReport):
        return space_group_tables(report)
    if isinstance(report, DensityReport):
        return density_tables(report)
    if isinstance(report, GenerativeReport):
        return generative_tables(report)
    return report_tables(report)

from __future__ import annotations

from pathlib import Path

import pytest
from tests.factories.report import empty_report, sample_report

from matsift.errors import UserInputError
from matsift.reports.page import render_html
from matsift.reports.writing import write_report


def test_the_page_and_its_tables_stand_in_the_folder_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "a folder" / "report"
    paths = write_report(empty_report(), folder)
    assert [p.name for p in paths] == ["report.html", "candidates.csv", "candidates.parquet"]
    assert sorted(folder.iterdir()) == sorted(paths)
    assert paths[0].read_text(encoding="utf-8") == render_html(empty_report())


def test_a_second_report_replaces_the_first(tmp_path: Path) -> None:
    write_report(empty_report(), tmp_path)
    page = write_report(sample_report(), tmp_path)[0]
    assert page.read_text(encoding="utf-8") == render_html(sample_report())


def test_a_folder_that_is_a_file_is_named_with_the_remedy(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("x")
    with pytest.raises(UserInputError, match=r"taken: the report cannot be written here \(.+\); choose another folder"):
        write_report(empty_report(), taken)

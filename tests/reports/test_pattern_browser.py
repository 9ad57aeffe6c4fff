"""The page of an identified pattern in a real browser, narrow and wide, light and dark: drawn, no error, no request."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.factories.patterns import sample_answer
from tests.factories.space_groups import sample_space_group_report
from tests.reports.browser import Browser

from matsift.reports.pattern_page import render_pattern
from matsift.reports.space_group_page import render_space_groups

_DRAWN = """
return [...document.querySelectorAll("div.drawing")].map((box) =>
  box.querySelectorAll("path.js-line, path.point, .barlayer path, .heatmaplayer image, .hm image").length)
"""


@pytest.mark.parametrize(("width", "dark"), [(400, False), (1400, True)], ids=["narrow", "wide and dark"])
@pytest.mark.parametrize("page", ["pattern", "study"])
def test_a_page_of_patterns_is_drawn_without_error_request_or_overflow(
    browser: Browser, tmp_path: Path, page: str, width: int, dark: bool
) -> None:
    path = tmp_path / "page.html"
    text = render_pattern(sample_answer()) if page == "pattern" else render_space_groups(sample_space_group_report())
    path.write_text(text, encoding="utf-8")
    browser.open(path, width=width, dark=dark, plots=2 if page == "pattern" else 11)
    assert browser.run("const d = document.documentElement; return d.scrollWidth - d.clientWidth") == 0
    assert all(browser.run(_DRAWN))
    assert browser.errors() == []
    assert set(browser.requests()) - {"data", "blob"} == {"file"}

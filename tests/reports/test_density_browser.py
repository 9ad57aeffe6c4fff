"""The page of a study of charge densities in a real browser, narrow and wide, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.factories.density_report import sample_density_report
from tests.reports.browser import Browser

from matsift.reports.density_page import render_densities

_DRAWN = """
return [...document.querySelectorAll("div.drawing")].map((box) =>
  box.querySelectorAll("path.js-line, path.point, .barlayer path, .heatmaplayer image, .hm image").length)
"""
_N_PLOT = 9


@pytest.mark.parametrize(("width", "dark"), [(400, False), (1400, True)], ids=["narrow", "wide and dark"])
def test_a_page_of_densities_is_drawn_without_error_request_or_overflow(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    path = tmp_path / "page.html"
    path.write_text(render_densities(sample_density_report()), encoding="utf-8")
    browser.open(path, width=width, dark=dark, plots=_N_PLOT)
    assert browser.run("const d = document.documentElement; return d.scrollWidth - d.clientWidth") == 0
    assert all(browser.run(_DRAWN))
    assert browser.errors() == []
    assert set(browser.requests()) - {"data", "blob"} == {"file"}

"""The page of generative design in a real browser: drawn, crystals in three dimensions, keys, no error, no request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver.support.wait import WebDriverWait
from tests.factories.generative_report import HALIDES, sample_generative_report
from tests.reports.browser import Browser

from matsift.reports.generative_page import render_generative

_N_PLOT = 9
_DRAWN = """
return [...document.querySelectorAll("div.drawing")].map((box) =>
  box.querySelectorAll("path.js-line, path.point, .barlayer path, .trace").length)
"""
_STAGE = "return {...document.getElementById('structure-stage').dataset}"
_TITLE = "return document.querySelector('.stage-title').textContent"
_PRESS = "document.querySelector(`[data-do='${arguments[0]}']`).click()"
_KEY = """const view = document.querySelector('.stage-view'); view.focus();
return view.dispatchEvent(new KeyboardEvent('keydown', {key: arguments[0], bubbles: true, cancelable: true}))"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "page.html"
    path.write_text(render_generative(sample_generative_report()), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The crystals and one plot, which loads fast."""
    report = replace(sample_generative_report(), searches=(), map=None, shares=(), funnel=())
    bare = tuple(replace(c, labels=()) for c in report.candidates)
    path = tmp_path_factory.mktemp("lean") / "page.html"
    path.write_text(render_generative(replace(report, candidates=bare)), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "dark"), [(375, False), (1400, True)], ids=["narrow", "wide and dark"])
def test_a_page_of_candidates_is_drawn_without_error_request_or_overflow(
    browser: Browser, page: Path, width: int, dark: bool
) -> None:
    browser.open(page, width=width, dark=dark, plots=_N_PLOT)
    assert browser.run("const d = document.documentElement; return d.scrollWidth - d.clientWidth") == 0
    assert all(browser.run(_DRAWN))
    assert browser.errors() == []
    assert set(browser.requests()) - {"data", "blob", "chrome"} == {"file"}


def test_a_crystal_is_drawn_turned_and_changed_for_another(browser: Browser, lean: Path) -> None:
    """Rock salt: 8 atoms in the cube, 27 with those on the opposite faces, 54 nearest pairs."""
    browser.open(lean, width=500, plots=1)
    browser.run("document.getElementById('structure-stage').scrollIntoView()")
    WebDriverWait(browser.driver, 20).until(lambda _: "live" in browser.run(_STAGE))
    shown = browser.run(_STAGE)
    assert (shown["live"], shown["atoms"], shown["bonds"]) == ("true", "27", "54")
    assert browser.run("return document.querySelector('[data-do=spin]').ariaPressed") == "false"  # as a reader asks
    assert browser.run("return document.querySelectorAll('.stage-view canvas').length") >= 1
    assert browser.run("return document.querySelector('.stage-words').textContent").startswith("Fm-3m, predicted")

    before = _picture(browser)
    assert browser.run("return document.querySelector('.stage-view').tabIndex") == 0
    assert browser.run(_KEY, "q") is True  # not ours
    assert _picture(browser) == before
    assert browser.run(_KEY, "ArrowLeft") is False  # taken: the page does not scroll
    assert _picture(browser) != before
    assert browser.run(_KEY, "Home") is False
    assert _picture(browser) == before

    assert browser.run(_TITLE) == HALIDES[0]
    browser.run(_PRESS, "next")
    assert browser.run(_TITLE) == HALIDES[1]
    browser.run(_PRESS, "previous")
    browser.run(_PRESS, "previous")
    assert browser.run(_TITLE) == HALIDES[-1]  # the last stands before the first
    browser.run("document.querySelectorAll('#table-generated [data-show]')[4].click()")
    assert browser.run(_TITLE) == HALIDES[4]
    assert browser.run("return document.querySelectorAll('[aria-current]').length") == 2  # its row and its picture


def _picture(browser: Browser) -> str:
    """Return what the canvas of the stage shows, as PNG."""
    return str(browser.run("return document.querySelector('.stage-view canvas').toDataURL()"))


def test_without_webgl_the_still_picture_stands_there(browser: Browser, lean: Path) -> None:
    script = "HTMLCanvasElement.prototype.getContext = () => null;"
    added = browser.devtools("Page.addScriptToEvaluateOnNewDocument", source=script)
    try:
        browser.open(lean, width=1400, plots=1)
        WebDriverWait(browser.driver, 20).until(lambda _: "live" in browser.run(_STAGE))
        assert browser.run(_STAGE)["live"] == "false"
        circles = "return document.querySelectorAll('.stage-still circle').length"
        assert browser.run(circles) == 27
        assert browser.run("return getComputedStyle(document.querySelector('.stage-still')).visibility") == "visible"
    finally:
        browser.devtools("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])

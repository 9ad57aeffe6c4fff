"""The pages of whole studies as `matsift run` wrote them, in a real browser; ``make pages`` runs the five and this.

MATSIFT_PAGES names the data folder whose pages are looked at; pictures of them are left beside them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from selenium.webdriver.support.wait import WebDriverWait
from tests.reports.browser import Browser

HOME = os.environ.get("MATSIFT_PAGES")
PAGES = sorted(Path(HOME).resolve().glob("reports/**/report.html")) if HOME else []
FIVE = {"na_electrolytes", "softbv_oxides", "space_groups", "charge_density", "wide_gap"}

_SORT = """
return [...document.querySelectorAll("table.candidates")].flatMap((table) => {
  const head = [...table.querySelectorAll("thead th[aria-sort]")];
  return head.map((th) => {
    th.querySelector("button").click();
    const up = th.getAttribute("aria-sort");
    th.querySelector("button").click();
    return [up, th.getAttribute("aria-sort"), th.textContent];
  });
});
"""
_FILTER = """
const input = document.querySelector("input.filter");
if (!input) return null;
const type = (text) => { input.value = text; input.dispatchEvent(new Event("input")); };
const count = () => document.querySelector(`[data-count="${input.dataset.table}"]`).textContent;
type("no-such-thing"); const none = count();
type(""); return [none, count()];
"""
_EMPTY_PLOTS = """
const boxes = [...document.querySelectorAll(".drawing")];
return boxes.filter((box) => !box.querySelector("svg, canvas")).map((box) => box.id);
"""
_STAGE = "return document.getElementById('structure-stage')?.dataset.live ?? null"

pytestmark = pytest.mark.skipif(not HOME, reason="MATSIFT_PAGES names no data folder; `make pages` fills one")


def name(page: Path) -> str:
    return "-".join(page.relative_to(Path(str(HOME)).resolve() / "reports").parts[:-1])


def test_all_five_studies_and_the_page_across_them_are_there() -> None:
    assert {page.parent.name for page in PAGES} >= FIVE | {"all-studies"}


@pytest.mark.parametrize(("width", "dark"), [(375, True), (1400, False), (2560, True)], ids=["375", "1400", "2560"])
@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_is_drawn_sorted_and_filtered_without_error_request_or_overflow(
    browser: Browser, page: Path, width: int, dark: bool
) -> None:
    text = page.read_text("utf-8")
    browser.open(page, width=width, dark=dark, plots=text.count('<script type="application/json" data-plot='))
    assert browser.run("const d = document.documentElement; return d.scrollWidth - d.clientWidth") == 0
    assert browser.run(_EMPTY_PLOTS) == []
    channels = browser.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (max(channels) < 80) is dark
    browser.screenshot(page.with_name(f"page-{width}{'-dark' if dark else ''}.png"))
    for up, down, heading in browser.run(_SORT):
        assert (up, down) == ("ascending", "descending"), heading
    if (counts := browser.run(_FILTER)) is not None:
        assert counts[0].startswith("0 of ")
        assert not counts[1].startswith("0 ")
    if "table-ranked" in text and browser.rows():
        browser.run("document.querySelector('#table-ranked .open').click()")
    if 'id="structure-stage"' in text:
        browser.run("document.getElementById('structure-stage').scrollIntoView()")
        WebDriverWait(browser.driver, 60).until(lambda _: browser.run(_STAGE) == "true")
        assert browser.run("return document.querySelectorAll('.stage-view canvas').length") >= 1
        browser.screenshot(page.with_name(f"crystal-{width}.png"))
    assert browser.errors() == []
    assert set(browser.requests()) - {"data", "blob", "chrome"} == {"file"}

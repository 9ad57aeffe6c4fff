"""The page across studies in a real browser."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver.support.wait import WebDriverWait
from tests.factories.desk import with_desk
from tests.factories.report import GENERATED_AT, sample_report
from tests.reports.browser import Browser

from matsift.reports.across import merged
from matsift.reports.data import RankingReport, StudyLine
from matsift.reports.page import render_html


@pytest.fixture(scope="module")
def across() -> RankingReport:
    one, other = with_desk(sample_report()), replace(with_desk(sample_report(20, seed=9)), study="second")
    lines = [
        *(StudyLine(r.study, r.title, 1, 0, r.ranking.rule, f"../{r.study}/report.html") for r in (one, other)),
        StudyLine("charge_density", "Densities", 0, 0, "no candidates", "../charge_density/report.html"),
    ]
    return merged([one, other], lines, GENERATED_AT)


@pytest.mark.parametrize(("width", "dark"), [(375, True), (1400, False)], ids=["narrow and dark", "wide"])
def test_a_page_across_studies_is_drawn_without_error_request_or_overflow(
    browser: Browser, across: RankingReport, tmp_path: Path, width: int, dark: bool
) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_html(across), encoding="utf-8")
    n_plot = page.read_text("utf-8").count("<figure class=")
    browser.open(page, width=width, dark=dark, plots=n_plot)
    assert browser.run("const d = document.documentElement; return d.scrollWidth - d.clientWidth") == 0
    assert browser.rows() == [row.candidate.structure_hash for row in across.ranking.ranked]
    links = browser.run("return [...document.querySelectorAll('#studies a')].map((a) => a.getAttribute('href'))")
    assert links == [line.page for line in across.studies]
    browser.run("document.querySelector('#table-ranked .open').click()")
    WebDriverWait(browser.driver, 60).until(
        lambda _: browser.run("return document.getElementById('structure-stage').dataset.live") == "true"
    )
    told = browser.run("return document.getElementById('card').textContent")
    assert "of the studies na_electrolytes, second, charge_density" in told
    browser.screenshot(tmp_path / f"across-{width}.png")
    assert browser.errors() == []
    assert set(browser.requests()) - {"data", "blob", "chrome"} == {"file"}

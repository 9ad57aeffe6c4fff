"""The table and the cards of a ranking in a real browser: what is drawn, by which keys, on paper, of 20,000 rows."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait
from tests.factories.desk import NEVER_SEEN, with_desk
from tests.factories.report import empty_report, sample_report, with_formula
from tests.reports.browser import Browser

from matsift.reports.data import RankingReport
from matsift.reports.page import render_html

MANY = 20_000
MOST_MEGABYTES, MOST_SECONDS = 25, 3.0
N_PLOT = 3
IN_SIGHT = "return document.querySelectorAll('#table-ranked tr[data-structure]').length"
OPEN = "return document.getElementById('card').open"
FOCUSED = "return document.activeElement.closest('tr')?.dataset.structure"
CELLS = """const row = document.querySelector(`#table-ranked tr[data-structure="${arguments[0]}"]`);
return [...row.cells].map((cell) => cell.textContent)"""
SORT = """const start = performance.now();
document.querySelector('#table-ranked .why button').click();
return performance.now() - start"""
STAGE = "return {...document.getElementById('structure-stage').dataset}"


def lean_report(n: int) -> RankingReport:
    """The ranking with its cards and three plots, and nothing else, which loads fast."""
    full = with_desk(sample_report(n), n_detail=min(200, n // 3))
    return replace(
        empty_report(), properties=full.properties, ranking=full.ranking, desk=full.desk, provenance=full.provenance
    )


@pytest.fixture(scope="module")
def report() -> RankingReport:
    return lean_report(60)


@pytest.fixture(scope="module")
def page(report: RankingReport, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cards") / "report.html"
    path.write_text(render_html(report), encoding="utf-8")
    return path


def hashes(report: RankingReport) -> list[str]:
    return [row.candidate.structure_hash for row in report.ranking.ranked]


def press(browser: Browser, *keys: str) -> None:
    browser.driver.switch_to.active_element.send_keys(*keys)


def plain(texts: Sequence[str]) -> list[str]:
    return [re.sub(r"\s+", "", unescape(text)) for text in texts]


def test_rows_drawn_by_the_script_say_what_stands_in_the_page(
    browser: Browser, page: Path, report: RankingReport
) -> None:
    browser.open(page, width=1400, plots=N_PLOT)
    static = page.read_text(encoding="utf-8").split('id="table-ranked"')[1].split("</tbody>")[0]
    for key in hashes(report)[:6]:
        row = static.split(f'data-structure="{key}"')[1].split("</tr>")[0]
        cells = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)
        written = plain([re.sub(r"<[^>]+>", "", cell) for cell in cells])
        drawn = plain(browser.run(CELLS, key))
        assert drawn[:7] + drawn[8:] == written[:7] + written[8:]  # the criteria are told in fewer words
        assert "passed:" in drawn[7]


def test_a_row_is_opened_and_closed_by_keys_alone(browser: Browser, page: Path, report: RankingReport) -> None:
    browser.open(page, width=1400, plots=N_PLOT)
    keys = hashes(report)
    browser.run("document.querySelector('#table-ranked .open').focus()")
    press(browser, Keys.ARROW_DOWN)
    press(browser, Keys.ARROW_DOWN)
    assert browser.run(FOCUSED) == keys[2]
    press(browser, Keys.END)
    assert browser.run(FOCUSED) == keys[-1]
    assert browser.run(IN_SIGHT) < len(keys)
    press(browser, Keys.HOME)
    press(browser, Keys.ENTER)
    assert browser.run(OPEN)
    assert browser.run("return document.getElementById('card').dataset.structure") == keys[0]
    press(browser, Keys.ESCAPE)
    assert not browser.run(OPEN)
    WebDriverWait(browser.driver, 30).until(lambda _: browser.run(FOCUSED) == keys[0])


@pytest.mark.parametrize(("width", "dark"), [(375, True), (1400, False)], ids=["narrow and dark", "wide"])
def test_a_card_tells_all_that_is_known_without_error_request_or_overflow(
    browser: Browser, page: Path, width: int, dark: bool, tmp_path: Path
) -> None:
    browser.open(page, width=width, dark=dark, plots=N_PLOT)
    browser.run("document.querySelector('#table-ranked .open').click()")
    WebDriverWait(browser.driver, 60).until(lambda _: "live" in browser.run(STAGE))
    stage = browser.run(STAGE)
    assert (stage["live"], stage["atoms"], stage["bonds"]) == ("true", "27", "54")
    assert browser.run("return document.querySelectorAll('#card .stage-view canvas').length") >= 1
    titles = browser.run("return [...document.querySelectorAll('#card section > h3')].map((h) => h.textContent)")
    assert titles == [
        "Predictions",
        "Criteria",
        "What resembles it",
        "What the models know near it",
        "Powder pattern to expect",
        "What campaigns did with it",
        "Where the numbers come from",
        "Elsewhere",
        "Cite it",
    ]
    assert browser.run("return document.querySelectorAll('#card .pattern .line').length") > 5
    told = browser.run("return document.getElementById('card').textContent")
    for words in ("unlike the training data", "model_3, 588 train", "labelled by worker-1", "licence CC BY 4.0"):
        assert words in told
    links = browser.run("return [...document.querySelectorAll('#card section a')].map((a) => a.href)")
    assert any(link.startswith("https://next-gen.materialsproject.org/materials?formula=") for link in links)
    for box in ("document.documentElement", "document.querySelector('.card-body')", "document.getElementById('card')"):
        assert browser.run(f"return {box}.scrollWidth - {box}.clientWidth") <= 0, box
    browser.screenshot(tmp_path / f"card-{width}.png")
    assert browser.errors() == []
    assert set(browser.requests()) - {"data", "blob", "chrome"} == {"file"}


def test_the_next_card_a_neighbours_card_and_one_without_a_crystal(
    browser: Browser, page: Path, report: RankingReport
) -> None:
    browser.open(page, width=1400, plots=N_PLOT)
    keys = hashes(report)
    shown = "return document.getElementById('card').dataset.structure"
    browser.run("document.querySelector('#table-ranked .open').click()")
    browser.run("document.querySelector('[data-step=\"1\"]').click()")
    assert browser.run(shown) == keys[1]
    WebDriverWait(browser.driver, 60).until(lambda _: browser.run(STAGE)["shown"] == keys[1])
    browser.run("document.querySelectorAll('#card .jump')[3].click()")
    assert browser.run(shown) == keys[4]
    browser.run("window.matsift.open(window.matsift.tables[0], arguments[0])", len(keys) - 1)
    assert browser.run("return document.getElementById('structure-stage').hidden")
    assert "first 20 candidates only" in browser.run("return document.querySelector('.card-no-stage').innerText")
    browser.run("document.getElementById('card').close()")
    WebDriverWait(browser.driver, 30).until(lambda _: browser.run(FOCUSED) == keys[-1])


def test_cod_is_asked_for_a_formula_without_brackets(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render_html(with_formula(lean_report(20), "NaHf2(PO4)3")), encoding="utf-8")
    browser.open(page, width=1400, plots=N_PLOT)
    browser.run("document.querySelector('#table-ranked .open').click()")
    links = browser.run("return [...document.querySelectorAll('#card section a')].map((a) => a.href)")
    asked = [parse_qs(urlsplit(link).query)["formula"] for link in links if "crystallography.net/cod/result" in link]
    assert asked == [["Hf2 Na O12 P3"]]


def test_numbers_and_elements_can_be_asked_for(browser: Browser, page: Path, report: RankingReport) -> None:
    browser.open(page, width=1400, plots=N_PLOT)
    typed = """const input = document.querySelector('input[data-table="table-ranked"]');
        input.value = arguments[0]; input.dispatchEvent(new Event("input"))"""
    browser.run(typed, "K_VRH>80 -Cl")
    rows = report.ranking.ranked
    wanted = [r for r in rows if r.candidate.predictions[0].mean > 80 and "Cl" not in r.candidate.formula]
    assert 0 < len(wanted) < len(rows)
    assert browser.rows() == [r.candidate.structure_hash for r in wanted]
    browser.run(typed, f"never {NEVER_SEEN.lower()}")
    assert len(browser.rows()) == sum(NEVER_SEEN in r.candidate.formula for r in rows)


def test_the_left_out_have_a_table_and_cards_too(browser: Browser, page: Path, report: RankingReport) -> None:
    browser.open(page, width=1400, plots=N_PLOT)
    browser.run("document.querySelector('details.fold').open = true")
    assert browser.rows("table-left-out") == [r.candidate.structure_hash for r in report.ranking.excluded]
    browser.run("document.querySelector('#table-left-out .open').click()")
    assert "left out" in browser.run("return document.querySelector('.card-about').textContent")


def test_paper_holds_the_first_100_rows_and_no_controls(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(render_html(lean_report(150)), encoding="utf-8")
    browser.open(path, width=1400, plots=N_PLOT)
    before = browser.run(IN_SIGHT)
    browser.devtools("Emulation.setEmulatedMedia", media="print", features=[])
    try:
        WebDriverWait(browser.driver, 30).until(lambda _: browser.run(IN_SIGHT) == 100)
        style = "return ['.hint', '.tools'].map((name) => getComputedStyle(document.querySelector(name)).display)"
        assert browser.run(style) == ["none", "none"]
        assert browser.run("return document.querySelector('.paper-only').checkVisibility()")
    finally:
        browser.devtools("Emulation.setEmulatedMedia", media="", features=[])
    WebDriverWait(browser.driver, 30).until(lambda _: browser.run(IN_SIGHT) == before)


def test_without_scripts_the_first_rows_are_there_to_read(report: RankingReport, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(re.findall(r"<tr data-structure=", text)) == 60
    many = render_html(lean_report(150))
    assert len(re.findall(r"<tr data-structure=", many)) == 100 + len(lean_report(150).ranking.excluded)
    assert "Without scripts the first 100 of" in many


@pytest.mark.slow
def test_20000_candidates_open_in_3_seconds_from_a_file_below_25_megabytes(browser: Browser, tmp_path: Path) -> None:
    """On a busy machine the clock says nothing, and shared cores double the processor time of the page."""
    path = tmp_path / "report.html"
    path.write_text(render_html(lean_report(MANY)), encoding="utf-8")
    assert path.stat().st_size < MOST_MEGABYTES * 1e6
    browser.devtools("Performance.enable", timeDomain="threadTicks")
    idle = os.getloadavg()[0] < (os.cpu_count() or 1)
    browser.open(path, width=1400, plots=N_PLOT)
    metrics = {m["name"]: m["value"] for m in browser.devtools("Performance.getMetrics")["metrics"]}
    assert metrics["TaskDuration"] < (MOST_SECONDS if idle else 2 * MOST_SECONDS)
    ready = browser.run("return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd / 1000")
    assert not idle or ready < MOST_SECONDS
    assert 5 < browser.run(IN_SIGHT) < 60
    assert not idle or browser.run(SORT) < 1000 * MOST_SECONDS

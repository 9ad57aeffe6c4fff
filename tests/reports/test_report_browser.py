"""The report in a real browser, narrow and wide: rows, plots, no error, no request, no overflow, sorting, filtering."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pytest
from tests.factories.desk import with_desk
from tests.factories.report import empty_report, sample_report, with_formula
from tests.reports.browser import Browser

from matsift.reports.data import RankingReport, SourceLink
from matsift.reports.page import render_html
from matsift.reports.sections import sections

HOSTILE = """</script><script>document.title="owned"</script><img src=x onerror="document.title='owned'">"""
NARROW, WIDE = 400, 1400
PLOT_FACTS = """
return [...document.querySelectorAll("div.drawing")].map((box) => {
  const outer = box.getBoundingClientRect();
  const svg = box.querySelector("svg.main-svg")?.getBoundingClientRect() ?? {width: 0, height: 0};
  const marks = [...box.querySelectorAll(".scatterlayer path.point, .barlayer .point path, .heatmaplayer image")]
    .filter((mark) => { const r = mark.getBoundingClientRect(); return r.width > 0 && r.height > 0; });
  return {key: box.id, width: svg.width, height: svg.height, box: outer.width, marks: marks.length};
});
"""


@dataclass
class Written:
    report: RankingReport
    path: Path

    @cached_property
    def n_point_of(self) -> dict[str, int]:
        return {plot.key: plot.n_point for section in sections(self.report) for plot in section.plots}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    report = with_desk(sample_report())
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render_html(report), encoding="utf-8")
    return Written(report, path)


@pytest.fixture(scope="module")
def lean(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """The ranking with its two plots and nothing else, which loads fast."""
    full = sample_report()
    report = replace(empty_report(), properties=full.properties, ranking=full.ranking)
    path = tmp_path_factory.mktemp("lean") / "report.html"
    path.write_text(render_html(report), encoding="utf-8")
    return Written(report, path)


@pytest.mark.parametrize("width", [NARROW, WIDE], ids=["narrow", "wide"])
def test_the_whole_report_is_drawn_without_error_request_or_overflow(
    browser: Browser, written: Written, tmp_path: Path, width: int
) -> None:
    browser.open(written.path, width=width, plots=len(written.n_point_of))

    assert browser.run("return innerWidth") == width
    assert browser.run("const d = document.documentElement; return d.scrollWidth - d.clientWidth") == 0
    assert browser.rows() == [r.candidate.structure_hash for r in written.report.ranking.ranked]
    facts = browser.run(PLOT_FACTS)
    assert [fact["key"] for fact in facts] == list(written.n_point_of)
    for fact in facts:
        assert fact["marks"] > 0, fact
        if fact["key"].startswith(("plot-parity", "plot-map", "plot-intervals", "plot-importance")):
            assert fact["marks"] == written.n_point_of[fact["key"]], fact
        assert fact["height"] > 100, fact
        assert 250 < fact["width"] <= fact["box"] + 1, fact
    picture = browser.screenshot(tmp_path / f"report-{width}.png")
    assert struct.unpack(">I", picture[16:20])[0] == width
    assert len(picture) > 100_000
    assert browser.errors() == []
    assert set(browser.requests()) - {"data", "blob"} == {"file"}


def test_the_header_stays_while_the_rows_scroll_in_their_box(browser: Browser, lean: Written) -> None:
    browser.open(lean.path, width=NARROW, plots=len(lean.n_point_of))
    top, scrolled, left, total = browser.run(
        """const box = document.querySelector(".table-box.tall");
        box.scrollTop = 600; box.scrollLeft = 300;
        const head = box.querySelector("thead th").getBoundingClientRect();
        const material = box.querySelector("tbody .material").getBoundingClientRect();
        const outer = box.getBoundingClientRect();
        return [head.top - outer.top, box.scrollTop, material.left - outer.left, box.scrollLeft]"""
    )
    assert (scrolled, total) == (600, 300)
    assert 0 <= top <= 2
    assert 0 <= left <= 2


def test_columns_sort_both_ways_with_the_unknown_last(browser: Browser, lean: Written) -> None:
    browser.open(lean.path, width=WIDE, plots=len(lean.n_point_of))
    by_g = sorted(lean.report.ranking.ranked, key=lambda r: r.candidate.predictions[1].mean)
    hashes = [r.candidate.structure_hash for r in by_g]
    click = """const th = [...document.querySelectorAll("#table-ranked thead th")]
        .find((th) => th.textContent.startsWith(arguments[0]));
        th.querySelector("button").click(); return th.getAttribute("aria-sort")"""
    assert browser.run(click, "Predicted GVRH") == "ascending"
    assert browser.rows() == hashes
    assert browser.run(click, "Predicted GVRH") == "descending"
    assert browser.rows() == hashes[::-1]

    labelled = {r.candidate.structure_hash for r in by_g if r.candidate.labels}
    browser.run(click, "Computed KVRH")
    assert set(browser.rows()[: len(labelled)]) == labelled
    browser.run(click, "Computed KVRH")
    assert set(browser.rows()[: len(labelled)]) == labelled


def test_the_filter_keeps_the_rows_that_hold_all_its_words(browser: Browser, lean: Written) -> None:
    browser.open(lean.path, width=WIDE, plots=len(lean.n_point_of))
    typed = """const input = document.querySelector('input[data-table="table-ranked"]');
        input.value = arguments[0]; input.dispatchEvent(new Event("input"));
        return document.querySelector('[data-count="table-ranked"]').textContent"""
    ranked = lean.report.ranking.ranked
    acquired = [r.candidate.structure_hash for r in ranked if r.candidate.state == "acquired"]
    assert acquired
    assert browser.run(typed, "acquired") == f"{len(acquired)} of 50 rows"
    assert browser.rows() == acquired
    assert browser.run(typed, "ACQUIRED no-such-thing") == "0 of 50 rows"
    assert browser.run(typed, "Na3OBr") == f"{sum(r.candidate.formula == 'Na3OBr' for r in ranked)} of 50 rows"
    assert browser.run(typed, "") == "50 rows"


def test_a_dark_reader_gets_a_dark_page_with_light_plot_text(browser: Browser, lean: Written) -> None:
    browser.open(lean.path, width=WIDE, dark=True, plots=len(lean.n_point_of))
    page, text = browser.run(
        """return [getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector(".xtick text")).fill]"""
    )
    assert page == "rgb(18, 22, 28)"
    assert text == "rgb(230, 234, 240)"


def test_a_hostile_formula_does_nothing_in_a_browser(browser: Browser, lean: Written, tmp_path: Path) -> None:
    report = with_formula(lean.report, HOSTILE)
    first, *rest = report.ranking.ranked
    bad = replace(first.candidate, sources=(SourceLink(HOSTILE, HOSTILE, "javascript:document.title='owned'"),))
    ranking = replace(report.ranking, ranked=(replace(first, candidate=bad, reason=HOSTILE), *rest))
    hostile = Written(replace(report, ranking=ranking), tmp_path / "hostile.html")
    hostile.path.write_text(render_html(hostile.report), encoding="utf-8")
    browser.open(hostile.path, width=WIDE, plots=len(hostile.n_point_of))
    assert browser.run("return document.title") == report.title
    assert browser.run("return document.querySelectorAll('main img').length") == 0
    assert HOSTILE in browser.run("return document.querySelector('#table-ranked .formula').textContent")
    assert browser.errors() == []


def test_an_empty_study_has_sentences_and_no_plots(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "empty.html"
    path.write_text(render_html(empty_report()), encoding="utf-8")
    browser.open(path, width=NARROW, plots=0)
    assert browser.run("return document.querySelectorAll('.drawing').length") == 0
    assert "No campaign has run yet, so there is no learning curve." in browser.run("return document.body.innerText")
    assert browser.run("const d = document.documentElement; return d.scrollWidth - d.clientWidth") == 0
    assert browser.errors() == []

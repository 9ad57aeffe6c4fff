from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from tests.factories.report import empty_report, sample_report, with_formula

from matsift.reports.data import LearningCurve, LearningPoint, RankingReport, SourceLink
from matsift.reports.markup import json_markup, safe_link
from matsift.reports.page import render_html
from matsift.reports.sections import sections
from matsift.reports.writing import content_hash

HOSTILE = """</script><script>document.title="owned"</script><img src=x onerror="document.title='owned'">{{7*7}}"""


class PageReader(HTMLParser):
    """Collects what a browser would make of the page: tags with attributes, and the rows of structures."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def attributes(self, tag: str, name: str) -> list[str | None]:
        return [attributes[name] for found, attributes in self.tags if found == tag and name in attributes]


def read(page: str) -> PageReader:
    reader = PageReader()
    reader.feed(page)
    return reader


@pytest.fixture(scope="module")
def report() -> RankingReport:
    return sample_report()


@pytest.fixture(scope="module")
def page(report: RankingReport) -> str:
    return render_html(report)


def test_every_candidate_has_its_row_in_order_and_the_left_out_ones_too(report: RankingReport, page: str) -> None:
    shown = read(page).attributes("tr", "data-structure")
    expected = [r.candidate.structure_hash for r in (*report.ranking.ranked, *report.ranking.excluded)]
    assert len(report.ranking.ranked) == 50
    assert len(report.ranking.excluded) == 10
    assert shown == expected


def test_every_plot_has_a_box_its_data_and_a_caption_with_count_and_figure(report: RankingReport, page: str) -> None:
    keys = [plot.key for section in sections(report) for plot in section.plots]
    assert len(keys) == len(set(keys)) == 21
    reader = read(page)
    assert reader.attributes("script", "data-plot") == keys
    assert [a["id"] for tag, a in reader.tags if tag == "div" and a.get("class") == "drawing"] == keys
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", page, re.DOTALL)
    assert all(re.search(r"n\u00a0=\u00a0\d", caption) for caption in captions)
    figures = {match for caption in captions for match in re.findall(r"Compare figure (\S+) of the paper", caption)}
    assert re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL).count(report.paper) == 1
    assert figures == {"2", "3(a)", "3(b)", "4", "5(a)", "5(b)", "6(a)"}


def test_headers_of_numbers_hold_the_unit(page: str) -> None:
    headers = re.findall(r'<button type="button" class="sort">(.*?)</button>', page)
    assert "Predicted K<sub>VRH</sub> / GPa" in headers
    assert "Computed G<sub>VRH</sub> / GPa" in headers


def test_criteria_say_in_words_what_their_colour_says(page: str) -> None:
    for outcome in ("passed", "failed", "unknown"):
        chips = re.findall(rf'<span class="chip {outcome}">(.*?)</span>\s*{outcome}: ', page)
        assert chips, outcome


def test_the_page_loads_nothing_from_anywhere(page: str) -> None:
    reader = read(page)
    assert reader.attributes("script", "src") == []
    assert reader.attributes("link", "href") == ["data:,"]
    assert reader.attributes("img", "src") == []
    assert "default-src &#39;none&#39;" in page


def test_a_hostile_formula_id_and_address_stay_text(report: RankingReport, page: str) -> None:
    first, *rest = with_formula(report, HOSTILE).ranking.ranked
    bad = replace(first.candidate, space_group=HOSTILE, sources=(SourceLink(HOSTILE, HOSTILE, "javascript:alert(1)"),))
    ranked = (replace(first, candidate=bad, reason=HOSTILE), *rest)
    hostile = replace(report, title=HOSTILE, ranking=replace(report.ranking, ranked=ranked))
    reader = read(render_html(hostile))
    plain = read(page)
    for tag in ("script", "img", "style", "tr", "td", "figure", "div"):
        assert [t for t, _ in reader.tags].count(tag) == [t for t, _ in plain.tags].count(tag), tag
    assert not [a for _, a in reader.tags if "onerror" in a]
    assert all(str(link).startswith(("#", "https://example.org/")) for link in reader.attributes("a", "href"))


def test_the_same_data_gives_the_same_bytes(page: str) -> None:
    assert render_html(sample_report()) == page


def test_the_content_hash_knows_the_data_but_not_the_time(report: RankingReport) -> None:
    later = replace(report, generated_at=datetime(2030, 1, 1, tzinfo=UTC))
    assert render_html(later) != render_html(report)
    assert content_hash(later) == content_hash(report)
    assert content_hash(with_formula(report, "XeF2")) != content_hash(report)


def test_an_empty_study_says_so_in_sentences_and_draws_nothing() -> None:
    page = render_html(empty_report())
    assert read(page).attributes("script", "data-plot") == []
    for section in sections(empty_report()):
        assert section.empty in page
    assert "No candidate is ranked yet" in page
    assert "No candidate was left out." in page


def test_a_lone_model_is_said_to_have_no_baseline(report: RankingReport) -> None:
    lone = replace(report, evaluations=tuple(e for e in report.evaluations if e.model == "lightgbm_ensemble"))
    assert "No baseline was trained" in render_html(lone)
    assert "No baseline was trained" not in render_html(report)


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://example.org/a", "https://example.org/a"),
        ("http://example.org", "http://example.org"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        (None, None),
        ("", None),
    ],
)
def test_only_web_addresses_become_links(url: str | None, link: str | None) -> None:
    assert safe_link(url) == link


def test_json_in_the_page_holds_no_markup_and_no_nan() -> None:
    assert json_markup({"b": "</script>&", "a": 1}) == '{"a":1,"b":"\\u003c/script\\u003e\\u0026"}'
    with pytest.raises(ValueError, match="Out of range float"):
        json_markup([float("nan")])


def test_what_is_no_number_is_shown_as_unknown_and_not_drawn(report: RankingReport) -> None:
    first, *rest = report.ranking.ranked
    nowhere = replace(first.candidate.predictions[0], lower=math.nan, upper=math.inf, spread=math.nan)
    unsure = replace(first, candidate=replace(first.candidate, predictions=(nowhere,)))
    evaluations = (replace(report.evaluations[0], r2=math.nan), *report.evaluations[1:])
    curve = LearningCurve("c", "k_vrh", "GPa", "random", (LearningPoint(0, 100, test_mae=math.nan),))
    ranking = replace(report.ranking, ranked=(unsure, *rest))
    page = render_html(replace(report, ranking=ranking, evaluations=evaluations, learning_curves=(curve,)))
    assert "– to –" in page
    assert "NaN" not in page.split("<script>")[0]

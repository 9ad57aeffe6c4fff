from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from tests.factories.desk import with_desk
from tests.factories.report import sample_report

from matsift.reports.candidate_data import candidate_data, column_widths
from matsift.reports.data import RankingReport, SourceLink
from matsift.reports.mobility import CandidateMobility, MobilityAxis


def decoded(column: dict[str, Any]) -> list[str]:
    return [column["words"][at] for at in column["at"]]


@pytest.fixture(scope="module")
def report() -> RankingReport:
    return with_desk(sample_report())


@pytest.fixture(scope="module")
def data(report: RankingReport) -> dict[str, Any]:
    return dict(json.loads(candidate_data(report)))


def test_every_column_holds_every_candidate_in_order(report: RankingReport, data: dict[str, Any]) -> None:
    rows = (*report.ranking.ranked, *report.ranking.excluded)
    candidates = [row.candidate for row in rows]
    assert data["n_ranked"] == len(report.ranking.ranked)
    assert data["hash"] == [c.structure_hash for c in candidates]
    assert data["reason"] == [row.reason for row in rows]
    assert decoded(data["group"]) == [c.space_group for c in candidates]
    assert decoded(data["state"]) == [c.state for c in candidates]
    k = data["properties"][0]
    assert (k["symbol"], k["unit"], k["decimals"]) == ("K_VRH", "GPa", 1)
    assert k["lower"] == pytest.approx([c.predictions[0].lower for c in candidates], rel=1e-7)
    assert [value is not None for value in k["value"]] == [bool(c.labels) for c in candidates]


def test_criteria_are_a_letter_a_candidate_with_value_and_detail(report: RankingReport, data: dict[str, Any]) -> None:
    rows = (*report.ranking.ranked, *report.ranking.excluded)
    for criterion in data["criteria"]:
        of_each = [next(c for c in row.candidate.criteria if c.name == criterion["name"]) for row in rows]
        assert criterion["outcome"] == "".join(c.outcome[0] for c in of_each)
        assert criterion["seen"] == [c.value_seen for c in of_each]
        assert decoded(criterion["detail"]) == [c.detail for c in of_each]


def test_an_address_is_written_once_for_all_ids_of_a_source(report: RankingReport, data: dict[str, Any]) -> None:
    links, rows = data["links"], (*report.ranking.ranked, *report.ranking.excluded)
    assert links["url"]["words"] == ["", "https://example.org/*"]
    urls = decoded(links["url"])
    for row, places in zip(rows, links["rows"], strict=True):
        made = [(links["id"][at], urls[at].replace("*", links["id"][at]) or None) for at in places]
        assert made == [(s.external_id, s.url) for s in row.candidate.sources]


def test_no_address_but_of_the_web_reaches_the_page(report: RankingReport) -> None:
    first, *rest = report.ranking.ranked
    bad = replace(first.candidate, sources=(SourceLink("x", "1", "javascript:alert(1)"),))
    ranking = replace(report.ranking, ranked=(replace(first, candidate=bad), *rest))
    assert "javascript" not in candidate_data(replace(report, ranking=ranking))


def test_details_stand_at_the_place_of_their_candidate(report: RankingReport, data: dict[str, Any]) -> None:
    assert set(data["details"]) == {str(n) for n in range(20)}
    first = data["details"]["0"]
    assert first["crystal"] is True
    assert max(first["pattern"]["height"]) == 1000
    assert [one[3] for one in first["similar"]] == [0.2, 0.31, 0.42, 0.53, 0.64]
    assert first["learned"][0]["far"]
    assert first["stories"][0]["words"] == (
        "exploration for K_VRH, round 3: place 2 of 398, predicted 41.2 ± 8.0 GPa; computed 38.1 GPa"
    )
    assert [step[1] for step in first["stories"][0]["steps"]] == ["proposed", "claimed", "labelled"]


def test_what_is_no_number_is_null_and_barriers_are_words(report: RankingReport) -> None:
    first, *rest = report.ranking.ranked
    unsure = replace(first.candidate.predictions[0], lower=math.nan, upper=math.inf)
    candidate = replace(
        first.candidate, predictions=(unsure,), mobility=CandidateMobility((0.05, 0.06, math.inf)), labels=()
    )
    ranking = replace(report.ranking, ranked=(replace(first, candidate=candidate), *rest))
    axis = MobilityAxis("Na+", 1.0, 5.0, "bvse")
    data = json.loads(candidate_data(replace(report, ranking=ranking, mobility=axis)))
    assert (data["properties"][0]["lower"][0], data["properties"][0]["upper"][0]) == (None, None)
    assert data["properties"][1]["mean"][0] is None
    assert (data["mobility"]["dimension"][:2], data["mobility"]["barrier"][:2]) == ([2, None], [0.06, None])
    assert decoded(data["mobility"]["words"])[0] == "1D 0.05, 2D 0.06, 3D –"


def test_there_is_a_width_for_each_column(report: RankingReport) -> None:
    assert len(column_widths(report, ("k_vrh", "g_vrh"), "ranked")) == 10
    assert len(column_widths(report, ("k_vrh",), "left-out")) == 8

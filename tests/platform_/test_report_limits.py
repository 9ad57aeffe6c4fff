from __future__ import annotations

from dataclasses import replace

import pytest
from tests.factories.desk import NEVER_SEEN, with_desk
from tests.factories.report import empty_report, sample_report

from matsift.reports.data import RankingReport
from matsift.reports.figures.periodic_table import periodic_table_plot
from matsift.reports.limits import FAR, elements_of, flags, limits


@pytest.fixture(scope="module")
def report() -> RankingReport:
    return with_desk(sample_report())


def texts(report: RankingReport) -> dict[str, str]:
    return {limit.title: limit.text for limit in limits(report)}


@pytest.mark.parametrize(
    ("formula", "elements"),
    [
        ("NaSr2Sb(AsO4)2", ("Na", "Sr", "Sb", "As", "O")),
        ("Co0.5Ni0.5O", ("Co", "Ni", "O")),
        ("<script>Xx</script>", ()),
        ("", ()),
    ],
)
def test_elements_are_read_from_a_formula_and_nothing_else(formula: str, elements: tuple[str, ...]) -> None:
    assert elements_of(formula) == elements


def test_a_candidate_with_an_element_never_seen_is_flagged_in_its_row(report: RankingReport) -> None:
    candidates = [row.candidate for row in report.ranking.ranked]
    for candidate, words in zip(candidates, flags(report, candidates), strict=True):
        asked = [word for word in words if word.startswith("never")]
        expected = [f"never in training: {NEVER_SEEN} (K_VRH, G_VRH)"] if NEVER_SEEN in candidate.formula else []
        assert asked == expected


def test_the_candidate_far_from_training_is_flagged_and_counted(report: RankingReport) -> None:
    first, second, *_ = flags(report, [row.candidate for row in report.ranking.ranked])
    assert f"{FAR} (K_VRH)" in first
    assert not [word for word in second if word.startswith(FAR)]
    assert ": 1 of the first 20 candidates." in texts(report)["Structures unlike the training data"]


def test_the_box_counts_elements_criteria_intervals_and_names_the_oracles(report: RankingReport) -> None:
    found = texts(report)
    n = sum(NEVER_SEEN in row.candidate.formula for row in report.ranking.ranked)
    assert found["Elements never in training"].startswith(f"{n} of 50 ranked candidates")
    unknown = sum(bool(row.candidate.criteria_of("unknown")) for row in report.ranking.ranked)
    assert f"band_gap for {unknown}" in found["Criteria that nobody could decide"]
    assert "K_VRH 91 % of 168 (test)" in found["How sure the intervals are"]
    assert "neither DFT nor measured" in found["What the labels are"]
    assert "pbe-dft: values of DFT" in found["What the labels are"]
    assert found["Whether it can be made"]


def test_without_details_the_box_says_what_it_can_and_nothing_of_an_empty_study() -> None:
    assert set(texts(sample_report())) == {
        "Criteria that nobody could decide",
        "How sure the intervals are",
        "Whether it can be made",
    }
    assert limits(empty_report()) == ()


def test_the_periodic_table_frames_what_is_ranked_and_was_never_seen(report: RankingReport) -> None:
    plot = periodic_table_plot(report.desk.training, report.ranking)
    assert plot is not None
    assert f"Framed: {NEVER_SEEN}," in plot.caption
    assert len(plot.figure.layout.shapes) == 1
    words = [word for trace in plot.figure.data for row in trace.text for word in row if word]
    assert len(words) == len(set(words)) == 118
    seen = replace(report.desk.training[0], counts={NEVER_SEEN: 1} | dict(report.desk.training[0].counts))
    plot = periodic_table_plot((seen,), report.ranking)
    assert plot is not None
    assert "Every element of the ranked candidates is among them." in plot.caption
    assert periodic_table_plot((), report.ranking) is None

"""The ranking in a terminal: whole columns or none, at any width."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.factories.report import empty_report, sample_report

from matsift.reports.data import CandidateLabel
from matsift.reports.terminal import ranking_lines


def test_a_file_gets_every_column_and_whole_rows() -> None:
    title, _, header, rule, first, *_ = ranking_lines(sample_report(), 3)
    assert title == "Na solid electrolytes: elastic moduli: 3 of 50 ranked candidates"
    assert header.split() == "# formula space group structure K_VRH / GPa G_VRH / GPa computed criteria".split()
    assert set(rule) == {"─", " "}
    assert first.split()[:2] == ["1", "NaSr2Sb(AsO4)2"]
    assert "177.6 (172.0 to 183.2)" in first


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        pytest.param(120, [], id="wide"),
        pytest.param(100, ["G_VRH / GPa"], id="usual"),
        pytest.param(76, ["G_VRH / GPa", "space group"], id="narrow"),
    ],
)
def test_whole_columns_are_left_out_until_it_fits_and_are_named(width: int, left_out: list[str]) -> None:
    lines = ranking_lines(sample_report(), 20, width)
    assert max(map(len, lines)) <= width
    header = lines[2]
    for column in ("space group", "K_VRH / GPa", "G_VRH / GPa"):
        assert (column in header) == (column not in left_out)
    last = " ".join(lines[-2:])
    assert (f"Too wide for this terminal: {', '.join(left_out)};" in last) == bool(left_out)


def test_no_width_leaves_out_what_the_ranking_is_about() -> None:
    header = ranking_lines(sample_report(), 3, 10)[2]
    assert header.split() == "# formula structure K_VRH / GPa computed criteria".split()


def test_columns_stand_under_each_other() -> None:
    _, _, header, rule, *rest = ranking_lines(sample_report(), 50)
    rows = rest[:50]
    assert {len(line) for line in (header, rule, *rows)} == {len(header)}


def test_a_computed_value_of_the_ranked_property_is_shown_and_an_open_acquisition_is_named() -> None:
    report = sample_report()
    first, second, third, *rest = report.ranking.ranked
    computed = (CandidateLabel("g_vrh", "GPa", 1.0, "m"), CandidateLabel("k_vrh", "GPa", 123.45, "m"))
    rows = (
        replace(first, candidate=replace(first.candidate, labels=computed, state="labelled")),
        replace(second, candidate=replace(second.candidate, labels=(), state="acquired")),
        replace(third, candidate=replace(third.candidate, labels=(), state="candidate")),
    )
    known = replace(report, ranking=replace(report.ranking, ranked=(*rows, *rest)))
    lines = ranking_lines(known, 3)[4:7]
    assert [line.split("  ")[-2].strip() for line in lines] == ["123.5", "acquired", "–"]


def test_the_legend_says_the_rule_the_interval_and_what_is_unknown() -> None:
    report = sample_report()
    legend = ranking_lines(report, 1)[-3:]
    n_unknown = sum(bool(r.candidate.criteria_of("unknown")) for r in report.ranking.ranked)
    assert legend == [
        report.ranking.rule,
        "Predicted: mean (calibrated 90 % interval). Computed: K_VRH by the oracle.",
        f"Criteria: passed of all, ? = unknown; of 50 unknown: band_gap {n_unknown}.",
    ]


def test_an_empty_ranking_is_a_sentence() -> None:
    assert ranking_lines(empty_report(), 3, 80)[1:] == [
        "No candidate is ranked: none has both a prediction and no failed criterion."
    ]

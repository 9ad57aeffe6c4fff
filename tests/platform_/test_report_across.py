from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.factories.desk import with_desk
from tests.factories.report import sample_report

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.reports.across import merged
from matsift.reports.data import RankingReport, ReportProperty, StudyLine
from matsift.reports.desk import TrainingElements
from matsift.reports.limits import flags, limits
from matsift.reports.page import render_html
from matsift.reports.ranking import rank
from matsift.reports.tables import candidate_table

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def lines(*reports: RankingReport) -> list[StudyLine]:
    return [StudyLine(r.study, r.title, 1, 0, r.ranking.rule, f"../{r.study}/report.html") for r in reports]


@pytest.fixture(scope="module")
def one() -> RankingReport:
    return with_desk(sample_report())


@pytest.fixture(scope="module")
def other(one: RankingReport) -> RankingReport:
    """A study of a property of its own, on the last half of the candidates of the first and on new ones."""
    shared = [row.candidate for row in one.ranking.ranked][len(one.ranking.ranked) // 2 :]
    fresh = [
        replace(row.candidate, structure_hash=row.candidate.structure_hash[::-1]) for row in one.ranking.ranked[:9]
    ]
    candidates = [
        replace(c, predictions=(replace(c.predictions[0], property_name="band_gap", unit="eV"), c.predictions[1]))
        for c in (*shared, *fresh)
    ]
    settings = replace(one.ranking.settings, property_name="band_gap", goal="minimize")
    return replace(
        sample_report(seed=9),
        study="wide_gap",
        properties=(ReportProperty.of("band_gap"), ReportProperty.of("g_vrh")),
        ranking=rank(candidates, settings),
    )


def test_every_candidate_stands_once_by_its_best_share_of_a_ranking(one: RankingReport, other: RankingReport) -> None:
    report = merged([one, other], lines(one, other), NOW)
    shares: dict[str, list[float]] = {}
    for study in (one, other):
        for row in study.ranking.ranked:
            assert row.rank is not None
            shares.setdefault(row.candidate.structure_hash, []).append(row.rank / len(study.ranking.ranked))
    ordered = sorted(shares, key=lambda key: (min(shares[key]), key))
    assert [row.candidate.structure_hash for row in report.ranking.ranked] == ordered
    assert [row.rank for row in report.ranking.ranked] == list(range(1, len(ordered) + 1))
    left = {row.candidate.structure_hash for r in (one, other) for row in r.ranking.excluded} - shares.keys()
    assert {row.candidate.structure_hash for row in report.ranking.excluded} == left


def test_a_shared_candidate_has_the_predictions_criteria_and_reasons_of_both(
    one: RankingReport, other: RankingReport
) -> None:
    report = merged([one, other], lines(one, other), NOW)
    rows = {row.candidate.structure_hash: row for row in report.ranking.ranked}
    in_both = [
        r
        for r in other.ranking.ranked
        if r.candidate.structure_hash in {x.candidate.structure_hash for x in one.ranking.ranked}
    ]
    assert in_both
    before = {row.candidate.structure_hash: row for row in one.ranking.ranked}
    for theirs in in_both:
        key = theirs.candidate.structure_hash
        row = rows[key]
        assert [p.property_name for p in row.candidate.predictions] == ["k_vrh", "g_vrh", "band_gap"]
        assert row.candidate.predictions[1] == before[key].candidate.predictions[1]  # the first study counts
        names = [c.name for c in row.candidate.criteria]
        assert len(names) == len(set(names)) == 2 * len(theirs.candidate.criteria)
        assert row.reason == f"na_electrolytes: {before[key].reason} wide_gap: {theirs.reason}"


def test_an_element_counts_as_unseen_for_what_is_predicted_of_a_candidate_alone(one: RankingReport) -> None:
    """The labels of one study need not hold the elements of another's candidates."""
    asked = {p.name for p in one.properties}
    everything = dict.fromkeys(ELEMENT_SYMBOLS, 99)
    training = [TrainingElements(name, 99, everything) for name in asked]
    ranked = [row.candidate for row in one.ranking.ranked]
    beside = replace(one, desk=replace(one.desk, training=(*training, TrainingElements("band_gap", 99, {}))))
    assert not any("never in training" in words for found in flags(beside, ranked) for words in found)
    assert "Every element" in limits(beside)[0].text

    lacking = replace(one, desk=replace(one.desk, training=(TrainingElements(asked.pop(), 99, {}),)))
    assert all("never in training" in found[0] for found in flags(lacking, ranked))
    assert limits(lacking)[0].text.startswith(f"{len(ranked)} of {len(ranked)} ranked candidates hold an element")


def test_models_and_plots_say_of_which_study_they_are(one: RankingReport, other: RankingReport) -> None:
    report = merged([one, other], lines(one, other), NOW)
    assert {e.model.split(": ")[0] for e in report.evaluations} == {"na_electrolytes", "wide_gap"}
    assert len(report.parities) == len(one.parities) + len(other.parities)
    properties = [m.property_name for m in report.provenance.models]
    assert properties[:2] == ["k_vrh", "g_vrh"]
    assert len({m.content_hash for m in report.provenance.models}) == len(report.provenance.models)


def test_the_page_links_each_study_and_leaves_empty_sections_out(one: RankingReport, other: RankingReport) -> None:
    page = render_html(merged([one, other], lines(one, other), NOW))
    assert '<a href="../wide_gap/report.html">wide_gap</a>' in page
    sections = re.findall(r'<section id="([a-z]+)">', page)
    assert "studies" in sections
    assert "sampling" not in sections
    assert "of the studies na_electrolytes, wide_gap" not in page  # the script writes it
    assert "studies na_electrolytes, wide_gap" in page


def test_the_table_beside_it_has_a_column_for_every_property_and_criterion(
    one: RankingReport, other: RankingReport
) -> None:
    table = candidate_table(merged([one, other], lines(one, other), NOW))
    assert {"k_vrh_mean_gpa", "band_gap_mean_ev"} <= set(table.column_names)


def test_one_study_alone_keeps_its_order(one: RankingReport) -> None:
    report = merged([one], lines(one), NOW)
    assert [r.candidate.structure_hash for r in report.ranking.ranked] == [
        r.candidate.structure_hash for r in one.ranking.ranked
    ]


def test_without_a_ranking_there_is_none() -> None:
    with pytest.raises(ValueError, match="at least one"):
        merged([], [], NOW)

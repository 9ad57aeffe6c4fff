"""The page of a space-group study: every section, its plots and tables, and what stands where there is nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from tests.factories.space_groups import GROUPS, empty_space_group_report, held_out, sample_space_group_report

from matsift.diffraction.group_relations import Relation
from matsift.reports.figures.space_groups import certainty_plot, confusion_plot, counts_plot, members_plot, volume_plot
from matsift.reports.group_scores import group_scores
from matsift.reports.space_group_lines import confusion_lines, space_group_lines
from matsift.reports.space_group_page import render_space_groups, space_group_sections
from matsift.reports.space_group_tables import group_table, mistake_table, relation_table, score_table
from matsift.reports.space_groups import GroupScore, HeldOutGroups
from matsift.reports.writing import content_hash, write_report


def items(true: list[int], predicted: list[int]) -> HeldOutGroups:
    """Return held-out items in which all that is not asked about is plain."""
    known = held_out("SpgNet", "validation", len(true), 1)
    pairs = zip(true, predicted, strict=True)
    relations: tuple[Relation, ...] = tuple("same" if a == b else "unrelated" for a, b in pairs)
    return replace(known, true=np.array(true), predicted=np.array(predicted), relations=relations)


def test_the_confusion_counts_true_groups_in_rows() -> None:
    held = items([225, 225, 225, 166, 166, 12], [225, 225, 166, 166, 166, 225])
    assert held.groups == (12, 166, 225)
    assert held.confusion().tolist() == [[0, 0, 1], [0, 2, 0], [0, 1, 2]]
    assert held.confusion().sum() == len(held)
    assert np.trace(held.confusion()) == held.is_right.sum()


def test_the_picture_draws_right_and_wrong_in_their_own_colours_as_shares_of_the_true_group() -> None:
    plot = confusion_plot(items([225, 225, 225, 166, 166, 12], [225, 225, 166, 166, 166, 225]))
    assert plot is not None
    right, wrong = plot.figure.data
    assert right.z[2][2] == pytest.approx(200 / 3, rel=1e-5)
    assert wrong.z[2][1] == pytest.approx(100 / 3, rel=1e-5)
    assert right.z[0][0] is None
    assert wrong.text[0][2] == "1"
    assert "4 are taken for what they are (67 %" in plot.caption


def test_no_item_draws_no_picture() -> None:
    none = items([], [])
    assert confusion_plot(none) is None
    assert certainty_plot(none, 0.9) is None
    assert volume_plot(none) is None
    assert members_plot(()) is None
    assert counts_plot(()) is None
    assert (group_table(none), mistake_table(none), relation_table([none]), score_table(())) == (None,) * 4


def test_volumes_are_told_by_quartiles_and_those_far_off_stand_at_the_edge() -> None:
    held = items([225] * 5, [225] * 5)
    true = np.full(5, 100.0)
    said = np.array([95.0, 98.0, 100.0, 103.0, 300.0])
    plot = volume_plot(replace(held, volume=true, predicted_volume=said))
    assert plot is not None
    assert "between −2.0 % and +3.0 % of the true V" in plot.caption
    assert "the median is +0.0 %" in plot.caption
    assert "Of 5 structures 1 are off by more than 30 %" in plot.caption
    assert volume_plot(replace(held, predicted_volume=np.full(5, np.nan))) is None


def test_the_ensemble_is_held_against_the_mean_of_its_members() -> None:
    score = GroupScore("SpgNet", "validation", "precision", 0.8, (0.6, 0.7, 0.8), 912, 0.01, 0.02, 0.55)
    assert score.members_mean == pytest.approx(0.7)
    plot = members_plot([score])
    assert plot is not None
    assert "3 members" in plot.caption
    assert "in 1 of 1" in plot.caption
    table = score_table([score])
    assert table is not None
    assert table.rows == (
        ("SpgNet", "the validation sets", "precision", "70.0 ± 2.0", "60.0 to 80.0", "80.0 ± 1.0", "55.0", "912"),
    )


def test_scores_are_means_over_the_sets_with_the_interval_of_student() -> None:
    true = np.array([1, 1, 2, 2, 1, 1, 2, 2])
    member = np.array([1, 1, 2, 2, 1, 2, 2, 2])
    folds = np.array([1, 1, 1, 1, 2, 2, 2, 2])
    found = group_scores(
        "SpgNet",
        "validation",
        true=true,
        predicted=true,
        member_predicted=np.column_stack([true, member]),
        folds=folds,
        nearest={"recall": 0.5},
    )
    recall = next(score for score in found if score.metric == "recall")
    assert recall.ensemble == 1.0
    assert recall.members == pytest.approx((1.0, 0.875))
    assert recall.members_mean == pytest.approx((1.0 + 0.875) / 2)
    assert recall.ensemble_half_width == 0.0
    assert recall.members_half_width == pytest.approx(12.7062 * np.std([1.0, 0.875], ddof=1) / np.sqrt(2), rel=1e-4)
    assert recall.nearest == 0.5
    assert [score.nearest for score in found if score.metric != "recall"] == [None] * 3


def test_one_set_has_no_interval() -> None:
    true = np.array([1, 2, 3])
    none = np.full(3, -1)
    found = group_scores("a", "b", true=true, predicted=true, member_predicted=true[:, None], folds=none)
    assert {score.ensemble_half_width for score in found} == {None}
    empty = np.zeros(0, dtype=np.int64)
    assert group_scores("a", "b", true=empty, predicted=empty, member_predicted=empty[:, None], folds=empty) == ()


def test_the_lines_draw_a_bar_a_group_and_say_what_was_identified() -> None:
    report = sample_space_group_report()
    lines = space_group_lines(report)
    text = "\n".join(lines)
    assert lines[0] == report.title
    assert "SpgVolNet on 560 structures that it has not learned from:" in text
    assert sum("█" in line for line in lines) == len(GROUPS)
    assert "demonstration.xy: 3 500 points" in text.replace("\u202f", " ")
    assert max(map(len, confusion_lines(report.held_out[0], 60))) <= 60


def test_relations_add_up_to_all_items() -> None:
    held = held_out("SpgVolNet", "validation", 300, 8)
    assert sum(held.relation_counts().values()) == 300
    table = relation_table([held])
    assert table is not None
    assert sum(float(row[1]) for row in table.rows[:5]) == pytest.approx(100, abs=0.3)
    assert table.rows[0][1] == f"{100 * held.is_right.mean():.1f}"


def test_the_certainty_says_how_often_the_set_holds_and_how_often_it_is_one() -> None:
    held = replace(held_out("SpgVolNet", "validation", 200, 9), set_size=np.repeat([1, 3], 100))
    plot = certainty_plot(held, 0.9)
    assert plot is not None
    assert f"in {100 * held.in_set.mean():.0f} % of cases (90 % wanted)" in plot.caption
    assert "2.0 groups in the mean" in plot.caption
    assert "in 50 %" in plot.caption


def test_the_page_has_every_plot_once_and_is_the_same_every_time() -> None:
    report = sample_space_group_report()
    page = render_space_groups(report)
    keys = [plot.key for section in space_group_sections(report) for plot in section.plots]
    drawn = re.findall(r'<script type="application/json" data-plot="([\w-]+)">(.*?)</script>', page, re.DOTALL)
    assert [key for key, _ in drawn] == keys
    assert len(set(keys)) == len(keys) == 11
    assert all(json.loads(data)["data"] for _, data in drawn)
    assert page == render_space_groups(sample_space_group_report())
    assert 'href="#confusion">Skip to the confusion picture' in page


def test_the_hash_knows_the_data_but_not_the_time() -> None:
    report = sample_space_group_report()
    assert content_hash(replace(report, generated_at=datetime(2030, 1, 1, tzinfo=UTC))) == content_hash(report)
    assert content_hash(replace(report, answers=())) != content_hash(report)


def test_a_study_that_has_done_nothing_says_so() -> None:
    report = empty_space_group_report()
    page = render_space_groups(report)
    assert "data-plot=" not in page.split("<script>", 1)[0]
    assert all(section.empty in page for section in space_group_sections(report))


def test_page_and_tables_are_written_beside_each_other(tmp_path: Path) -> None:
    report = sample_space_group_report()
    paths = write_report(report, tmp_path)
    assert [path.name for path in paths] == [
        "report.html", "held_out.csv", "held_out.parquet", "scores.csv", "scores.parquet",
    ]  # fmt: skip
    held = pyarrow.parquet.read_table(tmp_path / "held_out.parquet")
    assert held.num_rows == sum(map(len, report.held_out))
    assert set(held["space_group_number"].to_pylist()) == set(GROUPS)

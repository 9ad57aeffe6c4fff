"""What the report says of uncertainties, round by round: the table, the file, the plots."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.factories.calibration import arm_calibration
from tests.factories.report import empty_report, sample_report

from matsift.learners.calibration import LEVELS
from matsift.learners.reliability import Reliability
from matsift.reports.calibration import ArmCalibration, RoundCalibration, calibration_rows
from matsift.reports.calibration_table import calibration_tables, n_spread, shown_rounds
from matsift.reports.figures.calibration import course_plot, reliability_plot
from matsift.reports.figures.campaigns import arm_style
from matsift.reports.sections import sections
from matsift.study.strategies import known_strategies


def said(n_row: int, before: float, after: float, correlation: float | None = 0.4) -> Reliability:
    halved = tuple(level / 2 for level in LEVELS)
    return Reliability(n_row, 0.9, before, after, correlation, LEVELS, halved, (*LEVELS[:-1], None))


ROUNDS = (
    RoundCalibration(0, said(40, 0.55, 0.875), said(5, 0.2, 0.8, None), 31.25),
    RoundCalibration(1, said(40, 0.6, 0.925), None, 28.0),
)
ARM = ArmCalibration("na", "k_vrh", "GPa", "exploration", 0.9, ROUNDS, said(5, 0.2, 0.8, None))


def test_the_table_has_a_row_a_round_and_one_for_all_that_was_acquired() -> None:
    [table] = calibration_tables([ARM])
    assert str(table.title) == "K<sub>VRH</sub>"
    assert [str(column.header) for column in table.columns] == [
        "Arm",
        "Round",
        "Test rows",
        "Rank correlation",
        "In ±1.64 spreads / %",
        "In interval / %",
        "Width / GPa",
        "Acquired",
        "In ±1.64 spreads",
        "In interval",
    ]
    assert table.rows == (
        ("exploration", "0", "40", "0.40", "55.0", "87.5", "31.2", "5", "1", "4"),
        ("exploration", "1", "40", "0.40", "60.0", "92.5", "28.0", "–", "–", "–"),
        ("exploration", "all", "", "", "", "", "", "5", "1", "4"),
    )


def test_arms_of_one_property_share_a_table_and_a_plot() -> None:
    arms = [ARM, replace(ARM, arm="random"), replace(ARM, property_name="g_vrh")]
    assert [len(table.rows) for table in calibration_tables(arms)] == [6, 3]
    section = next(s for s in sections(replace(empty_report(), calibrations=tuple(arms))) if s.key == "calibration")
    assert [plot.key for plot in section.plots] == [
        "plot-calibration-k_vrh-na",
        "plot-calibration-g_vrh-na",
        "plot-reliability-k_vrh-na-exploration",
        "plot-reliability-k_vrh-na-random",
        "plot-reliability-g_vrh-na-exploration",
    ]
    assert len(section.notes) == 2


def test_a_study_without_a_campaign_says_so() -> None:
    section = next(s for s in sections(empty_report()) if s.key == "calibration")
    assert (section.plots, section.tables, section.notes) == ((), (), ())


@pytest.mark.parametrize(("n_round", "shown"), [(1, [0]), (9, [*range(9)]), (97, [*range(0, 97, 12)])], ids=str)
def test_of_many_rounds_the_page_shows_some_evenly_with_both_ends(n_round: int, shown: list[int]) -> None:
    rounds = [replace(ROUNDS[0], round_number=n) for n in range(n_round)]
    assert [r.round_number for r in shown_rounds(rounds)] == shown


def test_the_file_holds_every_round_in_shares_of_one() -> None:
    rows = calibration_rows([ARM])
    assert [(r.round_number, r.rows, r.n_row, r.coverage_before, r.coverage_after) for r in rows] == [
        (0, "held out", 40, 0.55, 0.875),
        (1, "held out", 40, 0.6, 0.925),
        (0, "acquired", 5, 0.2, 0.8),
        (None, "acquired", 5, 0.2, 0.8),
    ]
    assert rows[0].calibration_error_before == pytest.approx(sum(LEVELS) / 20)
    assert rows[0].calibration_error_after == 0.0


def test_the_reliability_plot_draws_first_and_last_round_and_what_was_acquired() -> None:
    plot = reliability_plot(ARM)
    assert plot is not None
    curves = {trace.name: trace for trace in plot.figure.data if trace.name}
    assert list(curves) == [
        "test rows, round 0, spread as it is",
        "test rows, round 0, calibrated",
        "test rows, round 1, spread as it is",
        "test rows, round 1, calibrated",
        "acquired (5), spread as it is",
        "acquired (5), calibrated",
    ]
    assert list(curves["test rows, round 1, spread as it is"].x) == pytest.approx([100 * level for level in LEVELS])
    assert list(curves["test rows, round 1, spread as it is"].y) == pytest.approx([50 * level for level in LEVELS])
    assert len(curves["acquired (5), calibrated"].x) == len(LEVELS) - 1  # no multiplier for 95 %
    assert plot.n_point == 45
    assert "lies 27.3 points from the line on average, after adjustment 0.0" in plot.caption
    assert plot.caption.endswith(
        "Of what the arm acquired, 80 % lay in the calibrated 90 % interval, 20 % in that of the spread."
    )


def test_a_single_round_is_drawn_once() -> None:
    plot = reliability_plot(replace(ARM, rounds=ROUNDS[:1], acquired=None))
    assert plot is not None
    assert [trace.name for trace in plot.figure.data if trace.name] == [
        "test rows, round 0, spread as it is",
        "test rows, round 0, calibrated",
    ]


def test_the_course_shows_coverage_before_and_after_and_the_correlation() -> None:
    plot = course_plot([ARM])
    assert plot is not None
    assert [list(trace.y) for trace in plot.figure.data] == [[87.5, 92.5], [55.0, 60.0], [0.4, 0.4]]
    assert "mean ± 1.64 spreads" in plot.caption


def test_without_test_rows_there_is_nothing_to_draw() -> None:
    bare = replace(ARM, rounds=(RoundCalibration(0, None, None),), acquired=None)
    assert reliability_plot(bare) is None
    assert course_plot([bare]) is None
    [table] = calibration_tables([bare])
    assert table.rows == (("exploration", "0", "0", *["–"] * 7),)


def test_the_spreads_of_a_coverage_are_those_of_a_normal_distribution() -> None:
    assert [round(n_spread(coverage), 3) for coverage in (0.6827, 0.9, 0.95)] == [1.0, 1.645, 1.96]


def test_the_sample_arm_is_too_sure_and_mended() -> None:
    arm = arm_calibration("k_vrh", "exploration")
    assert all(r.held_out is not None and r.held_out.error_before > 0.2 for r in arm.rounds)
    assert sample_report().calibrations[0] == arm


def test_the_arms_of_all_strategies_have_colours_of_their_own() -> None:
    colours = [arm_style(kind, position)[0] for position, kind in enumerate(known_strategies())]
    assert len(set(colours)) == len(colours)

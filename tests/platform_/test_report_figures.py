from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.factories.report import empty_report, sample_report

from matsift.reports.comparisons import ImportanceRow, SamplingRow
from matsift.reports.data import (
    CandidateLabel,
    Distribution,
    LearningCurve,
    LearningPoint,
    Parity,
    PoolSpread,
    ReportProperty,
)
from matsift.reports.figures.campaigns import learning_plot, spread_plot
from matsift.reports.figures.candidates import interval_plot, property_map
from matsift.reports.figures.labels import distribution_plot
from matsift.reports.figures.models import ablation_plot, importance_plot, parity_plot, sampling_plot
from matsift.reports.figures.plot import bin_edges


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        pytest.param([0.0, 100.0], np.arange(0, 103.0, 2.5), id="round steps"),
        pytest.param([5.0], [5.0, 6.0], id="one value"),
        pytest.param([-0.3, 0.1], np.arange(-30, 12) / 100, id="negative values"),
    ],
)
def test_bins_have_round_edges_and_hold_every_value(values: list[float], edges: list[float]) -> None:
    found = bin_edges(np.array(values))
    np.testing.assert_allclose(found, edges, atol=1e-12)
    assert np.histogram(values, found)[0].sum() == len(values)


def test_a_distribution_counts_all_labels_and_those_with_the_element() -> None:
    values, with_na = np.array([1.0, 1.0, 9.0, np.nan]), np.array([1.0])
    plot = distribution_plot(Distribution("k_vrh", "GPa", values, "Na", with_na))
    assert plot is not None
    assert plot.n_point == 3
    assert [sum(trace.y) for trace in plot.figure.data] == [3, 1]
    assert plot.caption.startswith("Accepted labels of K_VRH: 3 in all, 90 % of them up to 7 GPa (top), 1 with Na,")


def test_the_share_of_low_spread_is_counted_with_the_threshold_itself() -> None:
    plot = spread_plot(PoolSpread("g_vrh", "GPa", np.array([1.0, 6.0, 6.1, 9.0]), 6.0))
    assert plot is not None
    assert "50.0 % of the structures lie at or below 6 GPa" in plot.caption


def test_parity_gives_error_and_r2_of_the_points_it_shows() -> None:
    true, mean = np.array([1.0, 2.0, 3.0, np.nan]), np.array([1.5, 2.0, 2.5, 7.0])
    plot = parity_plot(Parity("k_vrh", "GPa", "test set", true, mean, np.ones(4), ("a", "b", "b", "b")))
    assert plot is not None
    assert plot.n_point == 3
    assert "mean absolute error 0.33 GPa, R² 0.750" in plot.caption
    assert [trace.name for trace in plot.figure.data if trace.name] == ["a", "b"]


def test_intervals_are_drawn_from_the_bounds_not_from_the_spread() -> None:
    report = sample_report()
    plot = interval_plot(report.ranking, report.distributions[0], n=3)
    assert plot is not None
    trace = plot.figure.data[0]
    predictions = [r.candidate.prediction("k_vrh") for r in report.ranking.ranked[:3]]
    for place, found in enumerate(predictions):
        assert found is not None
        assert trace.x[place] + trace.error_x.array[place] == pytest.approx(found.upper, rel=1e-5)
        assert trace.x[place] - trace.error_x.arrayminus[place] == pytest.approx(found.lower, rel=1e-5)
    level = np.quantile(report.distributions[0].values, 0.9)
    above = sum(r.candidate.predictions[0].mean > level for r in report.ranking.ranked)
    assert f"above it lie the means of {above} of the 50 ranked candidates." in plot.caption


def test_the_map_shows_ranked_and_left_out_candidates_apart() -> None:
    report = sample_report()
    plot = property_map(report.ranking, *report.properties)
    assert plot is not None
    assert {trace.name: len(trace.x) for trace in plot.figure.data} == {"left out": 10, "ranked": 50}


def test_a_campaign_shows_only_the_panels_that_were_measured() -> None:
    points = (LearningPoint(0, 100, test_mae=9.0), LearningPoint(1, 105, test_mae=8.5))
    plot = learning_plot([LearningCurve("c", "k_vrh", "GPa", "exploration", points)])
    assert plot is not None
    assert [list(trace.y) for trace in plot.figure.data] == [[9.0, 8.5]]
    assert [list(trace.x) for trace in plot.figure.data] == [[100, 105]]
    assert plot.caption == (
        "Course of the campaign c on K_VRH: exploration (1 round). The test set is untouched by every round."
    )


def test_sampling_strategies_say_on_how_many_rows_each_was_tested() -> None:
    rows = [
        SamplingRow("Model 1", "k_vrh", "GPa", "all", 100, 53, 0.9, 10.0),
        SamplingRow("Model 2", "k_vrh", "GPa", "all", 120, 1041, 0.9, 10.0),
        SamplingRow("Model 2", "k_vrh", "GPa", "with Na", 120, 8, -1.0, 30.0),
    ]
    plot = sampling_plot(rows)
    assert plot is not None
    assert plot.caption.endswith("Model 1 on 53 rows (all), Model 2 on 1\u202f041 rows (all) and 8 rows (with Na).")


def test_a_descriptor_set_has_one_colour_in_all_importance_plots() -> None:
    k = importance_plot([ImportanceRow("k_vrh", 1, "x", "voronoi", 0.2), ImportanceRow("k_vrh", 2, "y", "mp", 0.1)])
    g = importance_plot([ImportanceRow("g_vrh", 1, "y", "mp", 0.2), ImportanceRow("g_vrh", 2, "x", "voronoi", 0.1)])
    assert k is not None
    assert g is not None
    colours = [{trace.name: trace.marker.color for trace in plot.figure.data} for plot in (k, g)]
    assert colours[0] == colours[1]


@pytest.mark.parametrize(
    ("column", "shown"),
    [
        ("MagpieData minimum NUnfilled", "1  min NUnfilled"),
        ("minimum local difference in NpUnfilled", "1  min local Δ NpUnfilled"),
        ("mean absolute deviation in relative cell size", "1  dev. relative cell size"),
        ("a name that is longer than any that we know of", "1  a name that is longer than an…"),
    ],
)
def test_long_column_names_are_shortened_where_they_are_alike(column: str, shown: str) -> None:
    plot = importance_plot([ImportanceRow("k_vrh", 1, column, "any", 0.1)])
    assert plot is not None
    assert list(plot.figure.data[0].y) == [shown]
    assert list(plot.figure.data[0].customdata) == [column]


def test_importances_of_equal_short_names_stay_apart() -> None:
    name = "a very long descriptor column name that is cut, number "
    rows = [ImportanceRow("k_vrh", n, f"{name}{n}", "magpie", 0.1) for n in (1, 2)]
    plot = importance_plot(rows)
    assert plot is not None
    assert len(set(plot.figure.data[0].y)) == 2
    assert list(plot.figure.data[0].customdata) == [f"{name}1", f"{name}2"]


def test_no_data_gives_no_plot() -> None:
    nothing = np.array([np.nan])
    empty = empty_report().ranking
    k, g = ReportProperty.of("k_vrh"), ReportProperty.of("g_vrh")
    assert interval_plot(empty, None) is None
    assert property_map(empty, k, g) is None
    assert distribution_plot(Distribution("k_vrh", "GPa", nothing, "Na", nothing)) is None
    assert parity_plot(Parity("k_vrh", "GPa", "t", nothing, nothing, nothing)) is None
    assert spread_plot(PoolSpread("k_vrh", "GPa", nothing, 6.0)) is None
    assert learning_plot([LearningCurve("c", "k_vrh", "GPa", "random", ())]) is None
    assert ablation_plot([]) is None
    assert importance_plot([]) is None
    assert sampling_plot([]) is None


def test_a_hostile_column_name_is_escaped_for_plotly() -> None:
    plot = importance_plot([ImportanceRow("k_vrh", 1, "<a href='x'>", "<b>", 0.1)])
    assert plot is not None
    assert list(plot.figure.data[0].y) == ["1  &lt;a href='x'&gt;"]
    assert plot.figure.data[0].name == "&lt;b&gt;"


def test_a_candidate_knows_its_labels() -> None:
    label = CandidateLabel("k_vrh", "GPa", 12.0, "m")
    labelled = replace(sample_report().ranking.ranked[0].candidate, labels=(label,))
    assert labelled.label("k_vrh") == label
    assert labelled.label("g_vrh") is None

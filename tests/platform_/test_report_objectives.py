"""A ranking by several objectives in the report: the plot of the front, its table, its lines in the terminal."""

from __future__ import annotations

import numpy as np
import pytest
from tests.factories.objectives import sample_objectives

from matsift.reports.figures.pareto import pareto_plot
from matsift.reports.objective_lines import objective_lines, objective_notes
from matsift.reports.objective_table import objective_table
from matsift.reports.objectives import Order


def test_the_plot_shows_every_candidate_with_two_numbers() -> None:
    ranking = sample_objectives(60)
    plot = pareto_plot(ranking)
    assert plot is not None
    marks = [trace for trace in plot.figure.data if trace.mode == "markers"]
    assert sum(len(trace.x) for trace in marks) == plot.n_point == 58
    assert {trace.name: len(trace.x) for trace in marks}["Pareto front"] == sum(
        row.values[1].mean is not None for row in ranking.front
    )
    assert "2 candidates are not drawn" in plot.caption
    assert [shape.line.dash for shape in plot.figure.layout.shapes] == ["dash", "dash"]


def test_the_stairs_leave_nobody_on_their_good_side() -> None:
    plot = pareto_plot(sample_objectives(60))
    assert plot is not None
    stairs, *marks = plot.figure.data
    assert stairs.line.shape == "vh"  # stiffer is better: the border drops at a candidate, then runs to the next
    assert (np.diff(stairs.x) >= 0).all()
    assert (np.diff(stairs.y) >= 0).all()  # a low barrier is good, so stiffness is paid for with a higher one
    assert marks


def test_three_objectives_have_no_stairs_and_the_caption_says_why() -> None:
    plot = pareto_plot(sample_objectives(60, n_objective=3))
    assert plot is not None
    assert all(trace.mode == "markers" for trace in plot.figure.data)
    assert "The front is that of all objectives" in plot.caption


def test_one_objective_and_none_give_no_plot() -> None:
    assert pareto_plot(sample_objectives(5, n_objective=1)) is None
    assert pareto_plot(None) is None
    assert objective_table(None) is None


@pytest.mark.parametrize("by", ["pareto", "utility"])
def test_the_lines_begin_with_the_best(by: Order) -> None:
    ranking = sample_objectives(60, n_objective=3)
    title, _, header, _, first, *_ = objective_lines(ranking, by, 5)
    assert title.startswith("5 of 59 candidates, by")
    assert header.split()[:4] == ["#", "layer", "chance", "utility"]
    assert first.split()[0] == "1"
    assert ranking.in_order(by)[0].structure_hash[:10] in first


def test_what_the_numbers_mean_is_said_below() -> None:
    said = " ".join(objective_notes(sample_objectives(60, n_objective=3)))
    assert "G_VRH maximized, at least 20.0 GPa" in said
    assert "percolation barrier 2d minimized, at most 0.80 eV" in said
    assert "correlated as their ensembles' members (G_VRH and energy above hull 0.25)" in said
    assert "Without a place, as an objective is unknown: 1 of 60 (percolation barrier 2d 1)." in said


def test_the_table_holds_the_front() -> None:
    ranking = sample_objectives(60)
    table = objective_table(ranking)
    assert table is not None
    assert len(table.rows) == len(ranking.front)
    assert [len(row) for row in table.rows] == [len(table.columns)] * len(table.rows)

"""The plot of lattice errors, and how pure numbers and lengths are written in a report."""

from __future__ import annotations

import numpy as np
import pytest
from markupsafe import Markup

from matsift.reports.bond_valence import LatticeErrors
from matsift.reports.data import Distribution
from matsift.reports.figures.bond_valence import lattice_error_plot
from matsift.reports.figures.labels import distribution_plot
from matsift.reports.notation import headed, in_unit
from matsift.reports.tables import unit_suffix


def test_errors_after_relaxation_stand_between_the_lines_where_it_began() -> None:
    plot = lattice_error_plot(LatticeErrors((-0.1, 0.1), np.array([0.012, -0.004, 0.002])))
    assert plot is not None
    assert plot.n_point == 3
    assert sum(plot.figure.data[0].y) == 3
    assert [shape.x0 for shape in plot.figure.layout.shapes] == [-10.0, 10.0, 0.0]
    assert "strained by −10 % and +10 % (dashed lines)" in plot.caption
    assert "falls from 10.0 % to 0.6 %" in plot.caption


@pytest.mark.parametrize("errors", [None, LatticeErrors((-0.1, 0.1), np.array([]))], ids=["none", "no oxide"])
def test_without_held_out_oxides_there_is_no_plot(errors: LatticeErrors | None) -> None:
    assert lattice_error_plot(errors) is None


def test_labels_that_no_element_tells_apart_have_one_panel() -> None:
    plot = distribution_plot(Distribution("screening_factor", "1", np.array([0.61, 0.65, 0.7]), "", np.array([])))
    assert plot is not None
    assert len(plot.figure.data) == 1
    assert plot.caption == "Accepted labels of screening factor: 3 in all, 90 % of them up to 0.69."


@pytest.mark.parametrize(
    ("unit", "written", "head", "suffix"),
    [
        ("GPa", "12.0 GPa", "MAE / GPa", "gpa"),
        ("angstrom", "12.0 Å", "MAE / Å", "angstrom"),
        ("1", "12.0", "MAE", ""),
        ("v.u.", "12.0 v.u.", "MAE / v.u.", "vu"),
    ],
)
def test_units_are_shown_where_there_is_one(unit: str, written: str, head: str, suffix: str) -> None:
    assert in_unit("12.0", unit) == written
    assert headed("MAE", unit) == head
    assert unit_suffix(unit) == suffix


def test_a_head_in_markup_stays_markup() -> None:
    assert headed(Markup("K<sub>VRH</sub>"), "GPa") == Markup("K<sub>VRH</sub> / GPa")
    assert isinstance(headed(Markup("K"), "<b>"), Markup)
    assert "&lt;b&gt;" in headed(Markup("K"), "<b>")

"""Pictures of data sets in a report: who stands where, in which colour, under which words."""

from __future__ import annotations

import numpy as np
import pytest

from matsift.errors import UserInputError
from matsift.reports.figures.embedding import split_embedding_plot, value_embedding_plot
from matsift.reports.figures.plot import BLUE, ORANGE

RNG = np.random.default_rng(2)
PICTURES = {"Magpie": RNG.normal(size=(6, 2)), "Density": RNG.normal(size=(6, 2))}
TEST = np.array([True, False, False, True, False, False])
NAMES = ["TlF", "NaCl", "KCl", "Tl<b>", "LiF", "MgO"]


def test_rows_with_the_element_are_orange_in_every_picture() -> None:
    plot = split_embedding_plot(PICTURES, TEST, NAMES, element="Tl", mixing={"Magpie": 0.1, "Density": 0.75})
    traces = plot.figure.data
    assert [t.marker.color for t in traces] == [BLUE, ORANGE, BLUE, ORANGE]
    np.testing.assert_allclose(traces[1].x, PICTURES["Magpie"][TEST, 0], rtol=1e-5)
    np.testing.assert_allclose(traces[2].y, PICTURES["Density"][~TEST, 1], rtol=1e-5)
    assert list(traces[1].customdata) == ["TlF", "Tl&lt;b&gt;"]
    assert [t.showlegend for t in traces] == [True, True, False, False]
    assert [a.text for a in plot.figure.layout.annotations] == ["Magpie", "Density"]
    assert (plot.key, plot.n_point, plot.wide) == ("plot-tsne-tl", 6, True)
    assert "Of 6 compounds 2 contain Tl (orange)" in plot.caption
    assert plot.caption.endswith("0.10 by Magpie, 0.75 by Density.")


def test_without_a_number_nothing_is_said_of_mixing() -> None:
    plot = split_embedding_plot({"Magpie": PICTURES["Magpie"]}, TEST, NAMES, element="Tl")
    assert "mixed" not in plot.caption
    assert not plot.wide


def test_colours_span_what_most_labels_are() -> None:
    values = np.array([20.0, 40.0, 60.0, 80.0, 100.0, 900.0])
    plot = value_embedding_plot(PICTURES, values, NAMES, property_name="k_vrh", unit="GPa")
    axis = plot.figure.layout.coloraxis
    assert (axis.cmin, axis.cmax) == tuple(np.percentile(values, [2, 98]))
    assert axis.colorbar.title.text.endswith("GPa")
    assert list(plot.figure.data[0].marker.color) == values.tolist()
    assert plot.figure.data[1].customdata[0] == "TlF: 20 GPa"


@pytest.mark.parametrize(
    ("pictures", "names"),
    [
        pytest.param({}, NAMES, id="no picture"),
        pytest.param({"Magpie": np.zeros((5, 2))}, NAMES, id="rows"),
        pytest.param(PICTURES, NAMES[:3], id="names"),
    ],
)
def test_shapes_that_differ_give_a_sentence(pictures: dict[str, np.ndarray], names: list[str]) -> None:
    with pytest.raises(UserInputError, match=r"pictures of 6 rows and \d names need"):
        split_embedding_plot(pictures, TEST, names, element="Tl")
    with pytest.raises(UserInputError, match=r"pictures of 6 rows and \d names need"):
        value_embedding_plot(pictures, np.ones(6), names, property_name="k_vrh", unit="GPa")

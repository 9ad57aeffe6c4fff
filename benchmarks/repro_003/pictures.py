"""Figure 4 of the paper: rows in two coordinates by t-SNE, as composition and as density, and how they mix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchmarks.repro_003.described import Described
from benchmarks.repro_003.rows import Rows
from numpy.typing import NDArray

from matsift.learners.columns import element_statistics
from matsift.learners.embedding import mixing, tsne
from matsift.learners.left_out_elements import ElementSet
from matsift.reports.figures.embedding import split_embedding_plot, value_embedding_plot


def representations(data: Described) -> dict[str, NDArray[np.float64]]:
    """Return the 132 composition features and the 1,000 pooled values of the densities, as the paper has them."""
    X, names = data.table(("magpie",))
    return {"Magpie": X[:, element_statistics(names)], "density": data.pooled().astype(np.float64)}


def mixed(of: dict[str, NDArray[np.float64]], sets: Sequence[ElementSet]) -> dict[str, dict[str, float]]:
    """Return representation -> element -> how well its rows are mixed with all others."""
    return {name: {one.element: mixing(X, one.test) for one in sets} for name, X in of.items()}


def draw(home: Path, rows: Rows, of: dict[str, NDArray[np.float64]], sets: Sequence[ElementSet]) -> list[Path]:
    """Write the pictures as HTML pages, one coloured by bulk modulus, one for each element; return where they lie."""
    folder = home / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    points = {name: tsne(X) for name, X in of.items()}
    told = mixed(of, sets)
    plots = [
        value_embedding_plot(points, rows.moduli["k_vrh"], rows.formulae, property_name="k_vrh", unit="GPa"),
        *(
            split_embedding_plot(
                points,
                one.test,
                rows.formulae,
                element=one.element,
                mixing={name: by_element[one.element] for name, by_element in told.items()},
            )
            for one in sets
        ),
    ]
    paths = [folder / f"{plot.key.removeprefix('plot-')}.html" for plot in plots]
    for plot, path in zip(plots, paths, strict=True):
        plot.figure.write_html(path, include_plotlyjs="directory")
    return paths

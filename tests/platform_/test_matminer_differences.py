"""Where the engine and matminer part: who is right follows from the volume that the cells must fill."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from pymatgen.analysis.local_env import VoronoiNN

from matsift.crystal import Crystal
from matsift.descriptors.matminer_reference import reference_structural, reference_voronoi
from matsift.descriptors.tessellation import tessellate
from matsift.descriptors.voronoi import compute_voronoi

voronoi_nn: Any = VoronoiNN
SHEETS = Crystal.ordered(np.array([[7.0, 0, 0], [0, 7.0, 0], [2.0, 1.0, 11.5]]), ["Na"], np.zeros((1, 3)))


def filled_by_pymatgen(crystal: Crystal, cutoff: float) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cells = voronoi_nn(cutoff=cutoff).get_all_voronoi_polyhedra(crystal.to_pymatgen())
    return float(sum(facet["volume"] for cell in cells for facet in cell.values())) / crystal.volume


def test_a_cutoff_that_misses_a_neighbour_leaves_a_cell_too_large() -> None:
    """At 13 angstrom matminer has a value for sheets 11.5 angstrom apart, of cells that overlap."""
    assert filled_by_pymatgen(SHEETS, 13.0) == pytest.approx(1.00756, abs=1e-5)
    assert filled_by_pymatgen(SHEETS, 20.0) == pytest.approx(1, abs=1e-9)
    assert tessellate([SHEETS]).facets.volume.sum() == pytest.approx(SHEETS.volume, rel=1e-9)
    ours = compute_voronoi([SHEETS]).values[0]
    assert reference_structural(SHEETS, (13.0,))["mean CN_VoronoiNN"] == pytest.approx(6.2556, abs=1e-4)
    assert ours[0] == pytest.approx(6.5523, abs=1e-4)
    np.testing.assert_allclose(ours, reference_voronoi(SHEETS, (20.0,)), rtol=1e-7, atol=1e-9)


def test_an_atom_named_by_another_image_loses_pymatgen_its_neighbours() -> None:
    lattice = 4.0 * np.eye(3)
    inside = Crystal.ordered(lattice, ["Cs", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))
    outside = Crystal.ordered(lattice, ["Cs", "Cl"], np.array([[0.0, 0, 0], [1.5, 0.5, 0.5]]))
    assert filled_by_pymatgen(inside, 13.0) == pytest.approx(1, abs=1e-9)
    with pytest.raises(ValueError, match="No Voronoi neighbors found"):
        filled_by_pymatgen(outside, 13.0)
    values = compute_voronoi([inside, outside]).values
    np.testing.assert_allclose(values[0], values[1], rtol=1e-9, atol=1e-9)

"""The benchmark of the descriptor set `density`: a line of numbers for each group of sets."""

from __future__ import annotations

import numpy as np
from benchmarks.density.worth import lines
from benchmarks.repro_001.real_data import RealSet
from tests.platform_.density_cases import salt

from matsift.crystal import Crystal


def test_each_group_of_sets_has_its_columns_and_scores() -> None:
    crystals = [salt(4.5 + 0.05 * i) for i in range(22)]
    shared = Crystal(4 * np.eye(3), ("Na", "K"), np.zeros((2, 3)), np.array([0.5, 0.5]), np.zeros(2, dtype=np.int64))
    named = [Crystal.ordered(c.lattice, ["K" if i % 2 else "Na", "Cl"], c.frac_coords) for i, c in enumerate(crystals)]
    alone = [Crystal.ordered(c.lattice, [s, s], c.frac_coords) for s in ("Ni", "Cu", "Al", "Fe") for c in crystals[:8]]
    every = (*named, *alone, shared)
    moduli = {name: np.array([300.0 / crystal.volume for crystal in every]) for name in ("k_vrh", "g_vrh")}
    data = RealSet("made", "made", "Na", every, moduli, {})
    said = list(lines(data, [("packing",), ("packing", "density")], n_round=5))
    assert said[0].startswith("| 54 structures, 1 x 5 folds |")  # the shared site has no density
    assert [line.split("|")[2].strip() for line in said[2:]] == ["3", "73"]
    scores = [float(cell.split("/")[0]) for line in said[2:] for cell in line.split("|")[3:5]]
    assert all(-5.0 < score <= 1.0 for score in scores)

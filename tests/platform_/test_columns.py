"""Columns by descriptor set."""

import numpy as np
import pytest

from matsift.errors import UserInputError
from matsift.learners.columns import ablation_masks, importance_by_set, leading_columns

SETS = ["mp", "magpie", "magpie", "voronoi", "voronoi", "voronoi"]


def test_the_groups_of_the_paper() -> None:
    masks = ablation_masks(SETS)
    assert {name: mask.nonzero()[0].tolist() for name, mask in masks.items()} == {
        "All": [0, 1, 2, 3, 4, 5],
        "C+S": [1, 2, 3, 4, 5],
        "C": [1, 2],
        "S": [3, 4, 5],
    }


def test_a_group_without_columns_gives_a_sentence() -> None:
    with pytest.raises(UserInputError, match="group 'S' has no column; it names voronoi"):
        ablation_masks(SETS[:3])


def test_importances_add_up_by_set() -> None:
    fractions = np.array([0.5, 0.125, 0.125, 0.25, 0.0, 0.0])
    assert importance_by_set(fractions, SETS) == {"mp": 0.5, "magpie": 0.25, "voronoi": 0.25}
    assert leading_columns(fractions, 3).tolist() == [0, 3, 1]

"""Structure type of a crystal, and a split that leaves whole types out of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field

from matsift.diffraction.symmetry import Symmetry


class TypeSplitSettings(BaseModel):
    """How the types that test are drawn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_item: Annotated[int, Field(ge=1, description="test items of each group")] = 16
    max_share: Annotated[
        float, Field(gt=0, lt=1, description="of a group's crystals, how many may be of the types that test")
    ] = 0.3
    seed: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True, eq=False)
class TypeSplit:
    """Which of n crystals train and which test, no structure type on both sides.

    Parameters
    ----------
    is_training
        (n,) crystals of types that do not test.
    is_test
        (n,) the drawn items: `n_item` of each class that is in `classes`.
    classes
        (n_class,) classes with items on both sides.
    without
        Classes that have too few types for it.
    """

    is_training: NDArray[np.bool_]
    is_test: NDArray[np.bool_]
    classes: NDArray[np.int64]
    without: tuple[int, ...]


def structure_type(symmetry: Symmetry) -> str:
    """Return a label that crystals of one structure type share: space group and what each kind of site occupies.

    A site counts by its multiplicity and site symmetry, not by its Wyckoff letter, which depends on the origin;
    elements count by their positions, not by their names. So ``NaCl`` and ``MgO`` share ``225: 4 m-3m | 4 m-3m``. Types that
    differ in free coordinates alone share a label: the split by it is the stricter for that.
    """
    raise NotImplementedError


def split_by_type(classes: ArrayLike, types: Sequence[str], settings: TypeSplitSettings) -> TypeSplit:
    """Return a split that leaves whole structure types out.

    Parameters
    ----------
    classes
        (n,) classes; negative ones take no part.
    types
        (n,) labels from `structure_type`.
    settings
        Sizes and seed.
    """
    raise NotImplementedError

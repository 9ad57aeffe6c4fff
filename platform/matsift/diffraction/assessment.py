"""What a trained ensemble is worth: calibrated by items of their own, evaluated by held-out ones, item by item too."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.diffraction.ensemble import SpaceGroupEnsemble
from matsift.diffraction.group_evaluation import HeldOut, evaluated
from matsift.diffraction.group_relations import relation
from matsift.diffraction.metrics import ranks
from matsift.diffraction.nearest_bins import nearest_classes
from matsift.diffraction.sparse import SparseProfiles
from matsift.errors import UserInputError


@dataclass(frozen=True, eq=False)
class Items:
    """n crystals: profiles, space groups (n,), primitive volumes (n,) in angstrom3, validation set (n,) or -1."""

    profiles: SparseProfiles
    space_groups: NDArray[np.int64]
    volumes: NDArray[np.float64]
    folds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.space_groups)


@dataclass(frozen=True, eq=False)
class Assessment:
    """What is known of an ensemble by n test items.

    Parameters
    ----------
    metrics
        Subset -> metric -> value.
    predicted, probability
        (n,) most probable space groups and their calibrated probabilities.
    true_probability, true_rank
        (n,) calibrated probability and place, from 1, of the true groups; 0 where the ensemble does not know one.
    member_predicted, member_probabilities
        (n, m) each member's most probable group, and its probability of the ensemble's.
    in_set, set_size
        (n,) whether the conformal set holds the true group, and how many it holds.
    relations
        (n,) what the predicted group is to the true one.
    volumes
        (n, 3) volume of the primitive cell and its quartiles, angstrom3; NaN where the networks say none.
    """

    metrics: dict[str, dict[str, float]]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float64]
    true_probability: NDArray[np.float64]
    true_rank: NDArray[np.int64]
    member_predicted: NDArray[np.int64]
    member_probabilities: NDArray[np.float64]
    in_set: NDArray[np.bool_]
    set_size: NDArray[np.int64]
    relations: list[str]
    volumes: NDArray[np.float64]


def check_calibration(n_item: int, coverage: float) -> None:
    """Refuse a coverage that as many calibration items cannot promise, before anything is trained.

    Raises
    ------
    UserInputError
        If they are too few.
    """
    needed = 2 * next(n for n in itertools.count(1) if math.ceil((n + 1) * coverage) <= n)
    if n_item < needed:
        raise UserInputError(
            f"sets that hold the true space group {coverage:.0%} of the time need {needed} crystals to calibrate by, "
            f"there are {n_item}; raise diffraction.calibration_sets or items, or lower diffraction.coverage"
        )


def assess(ensemble: SpaceGroupEnsemble, training: Items, test: Items, *, subset: str = "validation") -> Assessment:
    """Return what test items say of a calibrated ensemble; training items are the baseline's.

    Parameters
    ----------
    ensemble
        Calibrated.
    training
        What it learned from: the nearest profile among them is what it is compared with.
    test
        Items that it has not learned from, of groups that it knows.
    subset
        What the test items are called where they are no validation sets.
    """
    certainty = ensemble.certainty
    assert certainty is not None
    said = ensemble.predict(test.profiles)
    classes = ensemble.classes_of(test.space_groups)
    nearest = nearest_classes(training.profiles, ensemble.classes_of(training.space_groups), test.profiles)
    has_sets = bool((test.folds > 0).all())
    rows = evaluated(HeldOut(classes, said, test.volumes, nearest), certainty, sets=test.folds if has_sets else None)
    scaled, sets = certainty.scaled(said.probabilities), certainty.sets(said.probabilities)
    groups, at = np.array(ensemble.groups), np.arange(len(test))
    best = scaled.argmax(axis=1)
    volumes = np.full((len(test), 3), np.nan)
    if said.volume is not None and said.volume_quartiles is not None:
        volumes = np.column_stack([said.volume, said.volume_quartiles])
    return Assessment(
        rows if has_sets else {subset: rows["validation"]},
        groups[best],
        scaled[at, best],
        scaled[at, classes],
        ranks(scaled, classes),
        groups[said.members.argmax(axis=2)].T,
        said.members[:, at, best].T,
        sets[at, classes],
        sets.sum(axis=1),
        [relation(int(true), int(one)) for true, one in zip(test.space_groups, groups[best], strict=True)],
        volumes,
    )

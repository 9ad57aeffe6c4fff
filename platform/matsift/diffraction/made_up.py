"""Crystals that are made up to learn from: isotypic copies of small groups, and random crystals of a group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matsift.crystal import Crystal
from matsift.diffraction.augmentation import scaled_by_volume, with_swapped_elements
from matsift.diffraction.ideal import ideal_profiles
from matsift.diffraction.leakage import leaks_into
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.symmetry import symmetries_of
from matsift.diffraction.synthetic import synthetic_crystals


@dataclass(frozen=True)
class Wanted:
    """What is made up: see `matsift.study.diffraction.AugmentationSettings`."""

    isotypic_up_to: int = 0
    volume_spread: float = 0.1
    swap_share: float = 0.5
    synthetic: int = 0


@dataclass(frozen=True, eq=False)
class MadeUp:
    """n crystals that nobody measured: their profiles, space groups (n,) and primitive volumes (n,), angstrom3."""

    profiles: SparseProfiles
    space_groups: NDArray[np.int64]
    volumes: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.space_groups)


def made_up(
    crystals: Sequence[Crystal],
    space_groups: ArrayLike,
    volumes: ArrayLike,
    held_out: SparseProfiles,
    held_out_groups: ArrayLike,
    wanted: Wanted,
    seed: int,
) -> MadeUp:
    """Return crystals to learn from besides those given; what has a look-alike among the held-out ones is left out.

    Parameters
    ----------
    crystals, space_groups, volumes
        n training crystals, in an order that does not change, with their groups and primitive volumes (angstrom3).
    held_out, held_out_groups
        Profiles and space groups that must stay unseen.
    wanted
        How many of which kind.
    seed
        Of all that is drawn.
    """
    groups, cells = np.asarray(space_groups, dtype=np.int64), np.asarray(volumes, dtype=np.float64)
    made: list[Crystal] = []
    of_group: list[int] = []
    sizes: list[float] = []
    for group in np.unique(groups).tolist():
        rng = np.random.default_rng([seed, group])
        members = np.flatnonzero(groups == group)
        for number in range(max(0, wanted.isotypic_up_to - len(members))):
            place = members[number % len(members)]
            crystal = crystals[place]
            copy = scaled_by_volume(with_swapped_elements(crystal, rng, wanted.swap_share), rng, wanted.volume_spread)
            made.append(copy)
            sizes.append(float(cells[place]) * copy.volume / crystal.volume)
            of_group.append(group)
        random = synthetic_crystals(group, wanted.synthetic, rng) if wanted.synthetic else []
        for crystal, found in zip(random, symmetries_of(random)[0], strict=True):
            if found is not None and found.space_group_number == group:
                made.append(crystal)
                sizes.append(found.primitive_volume_angstrom3)
                of_group.append(group)
    profiles, _ = ideal_profiles(made)
    return _kept(profiles, np.array(of_group, np.int64), np.array(sizes), held_out, held_out_groups)


def _kept(
    profiles: SparseProfiles,
    groups: NDArray[np.int64],
    volumes: NDArray[np.float64],
    held_out: SparseProfiles,
    held_out_groups: ArrayLike,
) -> MadeUp:
    """Return what has a profile and no look-alike among the held-out profiles."""
    leaking = leaks_into(profiles, groups, held_out, held_out_groups)
    keep = ~leaking & (np.diff(profiles.offsets) > 0)
    return MadeUp(profiles.take(keep), groups[keep], volumes[keep])

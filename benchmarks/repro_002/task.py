"""What is trained and what is asked: the training sets of the comparison, their items, and how long each learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from benchmarks.repro_002.described import Described
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.diffraction.leakage import leak_pairs
from matsift.diffraction.sets import DiffractionSets, SetSettings, draw_sets
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.structure_type import TypeSplit, TypeSplitSettings, split_by_type


@dataclass(frozen=True)
class Networks:
    """One ensemble to train, of at most `n_member` members.

    `range_name` is a range of `DiffractionSets`, or "types" for the structure-type split.
    """

    name: str
    title: str
    has_volume: bool
    range_name: str
    n_member: int


#: In the order in which they are trained.
NETWORKS = (
    Networks("vol_inf", "SpgVolNet on D(inf)", has_volume=True, range_name="inf", n_member=6),
    Networks("spg_inf", "SpgNet on D(inf)", has_volume=False, range_name="inf", n_member=6),
    Networks("vol_narrow", "SpgVolNet on D(sU+eta)", has_volume=True, range_name="sU+eta", n_member=3),
    Networks("vol_types", "SpgVolNet, structure types left out", has_volume=True, range_name="types", n_member=3),
)


@dataclass(frozen=True, eq=False)
class Items:
    """n crystals as networks see them: profiles, space groups (n,), volumes (n,) in angstrom3, classes (n,)."""

    rows: NDArray[np.int64]
    profiles: SparseProfiles
    groups: NDArray[np.int64]
    volumes: NDArray[np.float64]
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Task:
    """The sets of the paper's make and the structure-type split, drawn from described crystals.

    `cap` is how many crystals of a group a training set holds at most.
    """

    data: Described
    sets: DiffractionSets
    types: TypeSplit
    cap: int
    seed: int

    @classmethod
    def draw(cls, data: Described, settings: SetSettings, cap: int) -> Task:
        """Return the task of some crystals."""
        pairs = leak_pairs(data.profiles, data.groups)
        sets = draw_sets(data.groups, data.log_volumes, data.log_densities, pairs, settings)
        split = TypeSplitSettings(n_item=settings.n_item, seed=settings.seed)
        return cls(data, sets, split_by_type(sets.classes, data.types.tolist(), split), cap, settings.seed)

    @property
    def groups(self) -> tuple[int, ...]:
        """The space groups of the classes."""
        return tuple(self.sets.groups.tolist())

    def training(self, range_name: str, *, cap: int | None = None) -> Items:
        """Return a training set: all of the range but the five validation sets, or the types that do not test."""
        if range_name == "types":
            free = self.types.is_training
        else:
            free = self.sets.in_range[range_name] & (self.sets.validation == 0)  # type: ignore[index]
        most = self.cap if cap is None else cap
        rng = np.random.default_rng(self.seed)
        drawn = [
            rng.permutation(np.flatnonzero(free & (self.sets.classes == number)))[:most]
            for number in range(len(self.groups))
        ]
        return self._items(np.sort(np.concatenate(drawn)))

    def crystals(self, items: Items, of_stock: Sequence[Crystal]) -> list[Crystal]:
        """Return the crystals of items from those that were described."""
        return [of_stock[row] for row in self.data.rows[items.rows].tolist()]

    def held_out(self) -> tuple[Items, NDArray[np.int64]]:
        """Return the items of the validation sets, and the number of the set of each."""
        rows = np.flatnonzero(self.sets.validation > 0)
        return self._items(rows), self.sets.validation[rows]

    def of_left_out_types(self) -> Items:
        """Return the test items of the structure-type split."""
        return self._items(np.flatnonzero(self.types.is_test))

    def _items(self, rows: NDArray[np.int64]) -> Items:
        data = self.data
        return Items(
            rows,
            data.profiles.take(rows),
            data.groups[rows],
            np.exp(data.log_volumes[rows]),
            self.sets.classes[rows],
        )


def epochs_of(n_item: int, n_widest: int, epochs: int) -> int:
    """Return the epochs in which a smaller set takes as many steps as the widest does in `epochs`."""
    return max(1, round(epochs * n_widest / n_item))

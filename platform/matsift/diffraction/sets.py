"""Which crystals train and which validate: outlier ranges, groups with enough members, five disjoint validation sets.

Ozaki et al. 2025, section 2: U = ln V of the primitive cell and eta = ln of the atoms per volume are about normal;
D(inf) are all crystals of the kept groups, D(2 sigma_U) those whose U lies within two standard deviations of the mean,
and so on. Validation sets are drawn from the narrowest range, the same number an item a group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from matsift.diffraction.leakage import with_partner
from matsift.errors import UserInputError

RangeName = Literal["inf", "2sU", "2seta", "2sU+eta", "sU", "seta", "sU+eta"]

#: Names of the ranges, the widest first.
RANGES: tuple[RangeName, ...] = get_args(RangeName)

_NARROWEST: RangeName = "sU+eta"


class SetSettings(BaseModel):
    """How validation sets are drawn; the defaults are the paper's, the least number of members is our filling."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_set: Annotated[int, Field(ge=1, le=20, description="disjoint validation sets")] = 5
    n_item: Annotated[int, Field(ge=1, description="items of each group in a validation set")] = 16
    min_items: Annotated[
        int | None,
        Field(ge=1, description="members of a group in D(sU+eta) that leak into no other; 1.5 sets if unset"),
    ] = None
    max_groups: Annotated[int | None, Field(ge=2, description="keep the most populated groups only")] = None
    seed: Annotated[int, Field(ge=0)] = 0

    @property
    def n_drawn(self) -> int:
        """Items of a group in all validation sets."""
        return self.n_set * self.n_item

    @property
    def least(self) -> int:
        """Members that a group must have among which validation items are drawn."""
        return int(np.ceil(1.5 * self.n_drawn)) if self.min_items is None else self.min_items

    @model_validator(mode="after")
    def _enough(self) -> Self:
        if self.least < self.n_drawn:
            raise ValueError(f"min_items has to be {self.n_drawn} or more, n_set times n_item; it is {self.least}")
        return self


@dataclass(frozen=True, eq=False)
class DiffractionSets:
    """What each of n crystals is for.

    Parameters
    ----------
    groups
        (n_class,) the kept space groups, ascending; the class of a crystal is a position in it.
    classes
        (n,) class of each crystal, -1 where its group is not kept.
    validation
        (n,) the validation set that holds the crystal, 1 to n_set; 0 where none does.
    in_range
        Name of a range -> (n,) whether the crystal is in it; crystals of other groups are in none.
    mean_u, sigma_u, mean_eta, sigma_eta
        Mean and standard deviation of U and eta over D(inf).
    log_volume
        (n,) U, of crystals of kept groups; NaN elsewhere.
    """

    groups: NDArray[np.int64]
    classes: NDArray[np.int64]
    validation: NDArray[np.int64]
    in_range: Mapping[RangeName, NDArray[np.bool_]]
    mean_u: float
    sigma_u: float
    mean_eta: float
    sigma_eta: float
    log_volume: NDArray[np.float64]

    @property
    def z_volume(self) -> NDArray[np.float64]:
        """(n,) the target of the volume: (U - mean) / sigma."""
        return (self.log_volume - self.mean_u) / self.sigma_u

    def training(self, number: int, range_name: RangeName = "inf") -> NDArray[np.bool_]:
        """Return the mask (n,) of the training set that goes with validation set `number`, 1 to n_set."""
        chosen: NDArray[np.bool_] = self.in_range[range_name] & (self.validation != number)
        return chosen

    def held_out(self, number: int) -> NDArray[np.bool_]:
        """Return the mask (n,) of validation set `number`, 1 to n_set."""
        chosen: NDArray[np.bool_] = self.validation == number
        return chosen


def draw_sets(
    space_groups: ArrayLike,
    log_volumes: ArrayLike,
    log_densities: ArrayLike,
    leaking_pairs: NDArray[np.int64],
    settings: SetSettings,
) -> DiffractionSets:
    """Return ranges, classes and validation sets of n crystals, given in an order that does not change.

    Validation items are drawn among the crystals of D(sU+eta) that leak into no other crystal of D(inf), so that no
    training set holds a partner of them; a group is kept if it has `least` such crystals.

    Parameters
    ----------
    space_groups
        (n,) numbers, 1 to 230.
    log_volumes, log_densities
        (n,) U and eta; see `Symmetry`.
    leaking_pairs
        (n_pair, 2) from `leak_pairs` with the space groups as classes.
    settings
        Sizes and seed.

    Raises
    ------
    UserInputError
        If fewer than two groups have enough members.
    """
    numbers = np.asarray(space_groups, dtype=np.int64)
    u, eta = np.asarray(log_volumes, dtype=np.float64), np.asarray(log_densities, dtype=np.float64)
    lonely = ~with_partner(len(numbers), leaking_pairs)
    groups, spread = _kept_groups(numbers, u, eta, lonely, settings)
    kept = np.isin(numbers, groups)
    in_range = _ranges(u, eta, kept, spread)
    classes = np.where(kept, np.searchsorted(groups, numbers), -1)
    validation = np.zeros(len(numbers), dtype=np.int64)
    for group in groups.tolist():
        candidates = np.flatnonzero((numbers == group) & lonely & in_range[_NARROWEST])
        drawn = np.random.default_rng([settings.seed, group]).permutation(candidates)[: settings.n_drawn]
        validation[drawn] = np.arange(settings.n_drawn) % settings.n_set + 1
    return DiffractionSets(groups, classes, validation, in_range, *spread, np.where(kept, u, np.nan))


def _kept_groups(
    numbers: NDArray[np.int64],
    u: NDArray[np.float64],
    eta: NDArray[np.float64],
    lonely: NDArray[np.bool_],
    settings: SetSettings,
) -> tuple[NDArray[np.int64], tuple[float, float, float, float]]:
    """Return the groups with enough members in the narrowest range, and the spread of U and eta over them.

    The range depends on the groups and they on it: groups are dropped until all that are left have enough.
    """
    groups = np.unique(numbers)
    while True:
        kept = np.isin(numbers, groups)
        if len(groups) < 2:
            raise UserInputError(
                f"fewer than two space groups have {settings.least} crystals without a look-alike within one sigma; "
                "lower n_item, n_set or min_items, or add crystals"
            )
        spread = (float(u[kept].mean()), float(u[kept].std()), float(eta[kept].mean()), float(eta[kept].std()))
        able = kept & lonely & _ranges(u, eta, kept, spread)[_NARROWEST]
        counts = np.array([int((able & (numbers == group)).sum()) for group in groups])
        if (counts >= settings.least).all():
            if settings.max_groups is None or len(groups) <= settings.max_groups:
                return groups, spread
            groups = np.sort(groups[np.argsort(-counts, kind="stable")[: settings.max_groups]])
        else:
            groups = groups[counts >= settings.least]


def _ranges(
    u: NDArray[np.float64],
    eta: NDArray[np.float64],
    kept: NDArray[np.bool_],
    spread: tuple[float, float, float, float],
) -> dict[RangeName, NDArray[np.bool_]]:
    mean_u, sigma_u, mean_eta, sigma_eta = spread
    off_u, off_eta = np.abs(u - mean_u), np.abs(eta - mean_eta)
    in_u = {n: kept & (off_u <= n * sigma_u) for n in (1, 2)}
    in_eta = {n: kept & (off_eta <= n * sigma_eta) for n in (1, 2)}
    return {
        "inf": kept,
        "2sU": in_u[2],
        "2seta": in_eta[2],
        "2sU+eta": in_u[2] & in_eta[2],
        "sU": in_u[1],
        "seta": in_eta[1],
        "sU+eta": in_u[1] & in_eta[1],
    }

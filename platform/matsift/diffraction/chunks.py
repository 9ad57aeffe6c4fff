"""What a worker process is handed and hands back: symmetry and profiles of some crystals, as plain arrays."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.diffraction.ideal import ideal_profiles
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.structure_type import structure_type
from matsift.diffraction.symmetry import symmetries_of


@dataclass(frozen=True, eq=False)
class SymmetryChunk:
    """Symmetry of n crystals.

    Parameters
    ----------
    space_groups
        (n,) numbers, 0 where none was found.
    volumes
        (n,) volumes of the primitive cells, angstrom3, NaN where none was found.
    types
        (n,) structure types, empty where none was found.
    failures
        Position -> error class and sentence.
    """

    space_groups: NDArray[np.int64]
    volumes: NDArray[np.float64]
    types: tuple[str, ...]
    failures: Mapping[int, tuple[str, str]]


@dataclass(frozen=True, eq=False)
class ProfileChunk:
    """Profiles of n crystals, that of a crystal among the failures empty, and the seconds (n,) that each took."""

    profiles: SparseProfiles
    failures: Mapping[int, tuple[str, str]]
    seconds: NDArray[np.float64]


def symmetry_chunk(payload: tuple[Sequence[Crystal], float]) -> SymmetryChunk:
    """Return the symmetry of crystals at a tolerance in angstrom."""
    crystals, tolerance_angstrom = payload
    found, failures = symmetries_of(crystals, tolerance_angstrom)
    return SymmetryChunk(
        np.array([0 if one is None else one.space_group_number for one in found], dtype=np.int64),
        np.array([np.nan if one is None else one.primitive_volume_angstrom3 for one in found], dtype=np.float64),
        tuple("" if one is None else structure_type(one) for one in found),
        failures,
    )


def profile_chunk(crystals: Sequence[Crystal]) -> ProfileChunk:
    """Return the ideal profiles of crystals; the time of all is shared out evenly."""
    begin = time.perf_counter()
    profiles, failures = ideal_profiles(crystals)
    seconds = (time.perf_counter() - begin) / max(len(crystals), 1)
    return ProfileChunk(profiles, failures, np.full(len(crystals), seconds))

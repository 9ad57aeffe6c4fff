"""What the networks see of the crystals and have to say: ideal profiles, space groups, volumes, structure types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.repro_002.code_mark import code_hash
from benchmarks.repro_002.crystals import Stock, chunks, digest_of, in_processes
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.diffraction.ideal import ideal_profiles
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.structure_type import structure_type
from matsift.diffraction.symmetry import symmetries_of

_CODE = (
    "form_factors",
    "grid",
    "ideal",
    "primitive_kernel",
    "profile_kernel",
    "reflections",
    "structure_type",
    "symmetry",
)


@dataclass(frozen=True, eq=False)
class Described:
    """n crystals that have a profile and a space group.

    `rows` (n,) are their places in the stock, `groups` (n,) numbers from 1 to 230, `log_volumes` and `log_densities`
    (n,) U and eta of the paper, `types` (n,) labels of structure types; `n_without` crystals have none of it.
    """

    rows: NDArray[np.int64]
    profiles: SparseProfiles
    groups: NDArray[np.int64]
    log_volumes: NDArray[np.float64]
    log_densities: NDArray[np.float64]
    types: NDArray[np.str_]
    n_without: int

    def __len__(self) -> int:
        return len(self.rows)


def described(home: Path, crystals: Stock, *, n_worker: int, tell: Callable[[str], None]) -> Described:
    """Return profiles and symmetry of the crystals; computed once for them and the code, and kept."""
    path = home / f"described-{digest_of(crystals.crystals)}-{code_hash(_CODE)}.npz"
    if not path.exists():
        tell(f"profiles and symmetry of {len(crystals)} crystals")
        parts = list(in_processes(_describe, chunks(crystals.crystals, 256), n_worker))
        part = path.with_suffix(".part.npz")
        np.savez(part, allow_pickle=False, **{name: np.concatenate([p[name] for p in parts]) for name in parts[0]})
        part.replace(path)
    with np.load(path, allow_pickle=False) as file:
        return _described(dict(file))


def describe(crystals: Sequence[Crystal]) -> Described:
    """Return profiles and symmetry of some crystals."""
    return _described(_describe(crystals))


def _describe(crystals: Sequence[Crystal]) -> dict[str, NDArray[np.generic]]:
    profiles, _ = ideal_profiles(crystals)
    symmetries, _ = symmetries_of(crystals)
    return {
        "lengths": np.diff(profiles.offsets),
        "bins": profiles.bins,
        "intensities": profiles.intensities,
        "groups": np.array([0 if s is None else s.space_group_number for s in symmetries], dtype=np.int64),
        "log_volumes": np.array([np.nan if s is None else s.log_volume for s in symmetries]),
        "log_densities": np.array([np.nan if s is None else s.log_density for s in symmetries]),
        "types": np.array(["" if s is None else structure_type(s) for s in symmetries], dtype="U400"),
    }


def _described(a: dict[str, NDArray[np.generic]]) -> Described:
    lengths = a["lengths"].astype(np.int64)
    profiles = SparseProfiles(
        np.concatenate([[0], np.cumsum(lengths)]), a["bins"].astype(np.int16), a["intensities"].astype(np.float32)
    )
    rows = np.flatnonzero((lengths > 0) & (a["groups"] > 0))  # type: ignore[operator]
    return Described(
        rows,
        profiles.take(rows),
        a["groups"][rows].astype(np.int64),
        a["log_volumes"][rows].astype(np.float64),
        a["log_densities"][rows].astype(np.float64),
        a["types"][rows].astype(np.str_),
        len(lengths) - len(rows),
    )

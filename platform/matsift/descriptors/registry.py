"""The descriptor sets by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors.composition import MAGPIE, compute_magpie
from matsift.descriptors.mp import MP, MP_ENERGY, Facts, compute_mp, compute_mp_energy
from matsift.descriptors.packing import PACKING, compute_packing
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.descriptors.voronoi import VORONOI, compute_voronoi
from matsift.errors import UnknownDescriptorSet

_Compute = Callable[[Sequence[Crystal], Facts | None], DescriptorChunk]

_SETS: dict[str, tuple[DescriptorSet, _Compute]] = {
    MP.name: (MP, compute_mp),
    MP_ENERGY.name: (MP_ENERGY, compute_mp_energy),
    MAGPIE.name: (MAGPIE, lambda crystals, _facts: compute_magpie(crystals)),
    PACKING.name: (PACKING, lambda crystals, _facts: compute_packing(crystals)),
    VORONOI.name: (VORONOI, lambda crystals, _facts: compute_voronoi(crystals)),
}

#: Packages whose version may move a number of some set.
_PACKAGES = ("matminer", "numpy", "pymatgen", "scipy", "spglib")


def known_descriptor_sets() -> tuple[str, ...]:
    """Return the names of all descriptor sets."""
    return tuple(_SETS)


def descriptor_set(name: str) -> DescriptorSet:
    """Return the descriptor set of a name.

    Raises
    ------
    UnknownDescriptorSet
        If there is none.
    """
    return _entry(name)[0]


def compute(name: str, crystals: Sequence[Crystal], facts: Facts | None = None) -> DescriptorChunk:
    """Return the descriptors of crystals in one set.

    Parameters
    ----------
    name
        One of `known_descriptor_sets`.
    crystals
        n crystals; one that has no value in the set becomes a failure of the chunk and does not stop the others.
    facts
        Name -> (n,) values, NaN where unknown: ``band_gap`` (eV), ``formation_energy_per_atom`` and
        ``energy_above_hull`` (eV/atom), ``space_group_number``. Only "mp" and "mp_energy" read them.

    Raises
    ------
    UnknownDescriptorSet
        If there is no set of this name.
    """
    return _entry(name)[1](crystals, facts)


def package_versions() -> dict[str, str]:
    """Return the versions of the packages whose change may move a number."""
    return {name: version(name) for name in _PACKAGES}


def compute_chunk(
    payload: tuple[Sequence[str], Sequence[Crystal], Mapping[str, NDArray[np.float64]] | None],
) -> dict[str, DescriptorChunk]:
    """Return the chunk of each set named in (set names, crystals, facts): the work of one process at a time."""
    names, crystals, facts = payload
    return {name: compute(name, crystals, facts) for name in names}


def prepare_worker() -> None:
    """Load what the sets need, so that a worker's first structure is not charged with imports."""
    salt = Crystal.ordered(3.0 * np.eye(3), ["Na", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))
    compute_chunk((known_descriptor_sets(), [salt], None))


def _entry(name: str) -> tuple[DescriptorSet, _Compute]:
    try:
        return _SETS[name]
    except KeyError:
        raise UnknownDescriptorSet(name, list(_SETS)) from None

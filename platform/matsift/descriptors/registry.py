"""The descriptor sets by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors import matminer_sets
from matsift.descriptors.bond_valence import BOND_VALENCE, compute_bond_valence
from matsift.descriptors.composition import MAGPIE, compute_magpie
from matsift.descriptors.density import DENSITY, compute_density
from matsift.descriptors.diffraction import DIFFRACTION
from matsift.descriptors.element_fractions import ELEMENT_FRACTIONS, compute_element_fractions
from matsift.descriptors.fingerprint import FINGERPRINT, compute_fingerprint
from matsift.descriptors.mp import MP, MP_ENERGY, Facts, compute_mp, compute_mp_energy
from matsift.descriptors.oxide_pair import OXIDE_PAIR, compute_oxide_pair
from matsift.descriptors.packing import PACKING, compute_packing
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.descriptors.structure_chunk import Chunk
from matsift.descriptors.voronoi import VORONOI, VORONOI_128, compute_voronoi, compute_voronoi_128
from matsift.diffraction.ideal import ideal_profiles
from matsift.errors import UnknownDescriptorSet, UserInputError

_Compute = Callable[[Chunk], DescriptorChunk]

_SETS: dict[str, tuple[DescriptorSet, _Compute]] = {
    MP.name: (MP, lambda chunk: compute_mp(chunk.crystals, chunk.facts)),
    MP_ENERGY.name: (MP_ENERGY, lambda chunk: compute_mp_energy(chunk.crystals, chunk.facts)),
    MAGPIE.name: (MAGPIE, lambda chunk: compute_magpie(chunk.crystals)),
    ELEMENT_FRACTIONS.name: (ELEMENT_FRACTIONS, lambda chunk: compute_element_fractions(chunk.crystals)),
    PACKING.name: (PACKING, lambda chunk: compute_packing(chunk.crystals)),
    VORONOI.name: (VORONOI, lambda chunk: compute_voronoi(chunk.crystals, chunk.cells)),
    VORONOI_128.name: (VORONOI_128, lambda chunk: compute_voronoi_128(chunk.crystals, chunk.cells)),
    BOND_VALENCE.name: (BOND_VALENCE, lambda chunk: compute_bond_valence(chunk.crystals)),
    OXIDE_PAIR.name: (OXIDE_PAIR, lambda chunk: compute_oxide_pair(chunk.crystals)),
    DENSITY.name: (DENSITY, lambda chunk: compute_density(chunk.crystals)),
    FINGERPRINT.name: (FINGERPRINT, lambda chunk: compute_fingerprint(chunk.crystals, chunk.cells)),
}

#: Sets whose structures have lists of different lengths; other functions compute them.
_SPARSE = {DIFFRACTION.name: DIFFRACTION}

#: Packages whose version may move a number of some set.
_PACKAGES = ("gemmi", "matminer", "numba", "numpy", "pymatgen", "scipy", "spglib")

_version = cache(version)  # reading it takes milliseconds, and every chunk asks


def known_descriptor_sets() -> tuple[str, ...]:
    """Return the names of all descriptor sets."""
    return (*_SETS, *_SPARSE)


def is_sparse(name: str) -> bool:
    """Return whether a set has no table of columns, so that `compute` does not give it."""
    return name in _SPARSE


def descriptor_set(name: str) -> DescriptorSet:
    """Return the descriptor set of a name.

    Raises
    ------
    UnknownDescriptorSet
        If there is none.
    """
    return _SPARSE.get(name) or _entry(name)[0]


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
    UserInputError
        If the set is sparse.
    """
    return _entry(name)[1](Chunk(crystals, facts))


def package_versions() -> dict[str, str]:
    """Return the versions of the packages whose change may move a number."""
    return {name: _version(name) for name in _PACKAGES}


def compute_chunk(
    payload: tuple[Sequence[str], Sequence[Crystal], Mapping[str, NDArray[np.float64]] | None],
) -> dict[str, DescriptorChunk]:
    """Return the chunk of each set named in (set names, crystals, facts): the work of one process at a time.

    Sets that rest on Voronoi cells share them.
    """
    names, crystals, facts = payload
    chunk = Chunk(crystals, facts)
    return {name: _entry(name)[1](chunk) for name in names}


def prepare_worker(names: Sequence[str]) -> None:
    """Load what the sets need, so that a worker's first structure is not charged with imports."""
    salt = Crystal.ordered(3.0 * np.eye(3), ["Na", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))
    compute_chunk(([name for name in names if not is_sparse(name)], [salt], None))
    if DIFFRACTION.name in names:
        ideal_profiles([salt])


def _entry(name: str) -> tuple[DescriptorSet, _Compute]:
    if name.startswith(matminer_sets.PREFIX):
        return matminer_sets.featurizer_set(name), lambda chunk: matminer_sets.compute(name, chunk.crystals)
    try:
        return _SETS[name]
    except KeyError:
        if is_sparse(name):
            raise UserInputError(f"{name} gives lists, not columns: no learner of tables can read it") from None
        raise UnknownDescriptorSet(name, list(_SETS)) from None

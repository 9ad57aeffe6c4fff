"""matminer itself, one structure at a time: the reference for the engine's numbers and for its speed.

Slow (0.5 to several seconds a structure), and without a value for some structures. Where its Voronoi cells fail at the
default cutoff of 13 angstrom they are tried again with larger ones.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors.composition import MAGPIE
from matsift.descriptors.voronoi import VORONOI
from matsift.errors import DescriptorError

CUTOFFS_ANGSTROM = (13.0, 20.0, 30.0)

_USERS_OF_VORONOI = (
    "matminer.featurizers.structure.bonding.VoronoiNN",
    "matminer.featurizers.structure.order.VoronoiNN",
    "matminer.featurizers.site.chemical.VoronoiNN",
    "matminer.featurizers.structure.sites.VoronoiNN",
)


def reference_magpie(crystal: Crystal) -> NDArray[np.float64]:
    """Return matminer's 145 composition descriptors in the order of the set "magpie"."""
    composition = crystal.to_pymatgen().composition
    with _quiet():
        values = [
            float(value) for featurizer in _composition_featurizers() for value in featurizer.featurize(composition)
        ]
    assert len(values) == len(MAGPIE.columns)
    return np.array(values)


def reference_structural(crystal: Crystal, cutoffs: Sequence[float] = CUTOFFS_ANGSTROM) -> dict[str, float]:
    """Return matminer's 128 structural descriptors by name.

    Coordinates are wrapped into the cell first: with any outside, matminer counts an atom and its wrapped copy as two
    atoms at one place and finds no neighbours.

    Raises
    ------
    DescriptorError
        If matminer has no value at any cutoff.
    """
    structure = crystal.to_pymatgen()
    for site in structure:
        site.to_unit_cell(in_place=True)
    problem = ""
    for cutoff in cutoffs:
        try:
            with _quiet(), _voronoi_cutoff(cutoff):
                named = [
                    (name, float(value))
                    for featurizer in _structural_featurizers(cutoff)
                    for name, value in zip(featurizer.feature_labels(), featurizer.featurize(structure), strict=True)
                ]
        except Exception as error:  # noqa: BLE001  matminer and qhull raise whatever they like
            problem = f"{type(error).__name__}: {error}"
            continue
        return dict(named)
    raise DescriptorError(f"matminer has no value up to a cutoff of {max(cutoffs):g} angstrom ({problem})")


def reference_voronoi(crystal: Crystal, cutoffs: Sequence[float] = CUTOFFS_ANGSTROM) -> NDArray[np.float64]:
    """Return matminer's values of the 126 columns of the set "voronoi".

    Raises
    ------
    DescriptorError
        If matminer has no value at any cutoff.
    """
    values = reference_structural(crystal, cutoffs)
    return np.array([values[name] for name in VORONOI.columns])


@cache
def _composition_featurizers() -> tuple[Any, ...]:
    from matminer.featurizers import composition  # noqa: PLC0415  matminer takes seconds to import

    return (
        composition.Stoichiometry(),
        composition.ElementProperty.from_preset("magpie"),
        composition.ValenceOrbital(props=["avg"]),
        composition.IonProperty(fast=True),
    )


@cache
def _structural_featurizers(cutoff: float) -> tuple[Any, ...]:
    from matminer.featurizers import structure  # noqa: PLC0415

    with _voronoi_cutoff(cutoff):
        return (
            structure.SiteStatsFingerprint.from_preset("CoordinationNumber_ward-prb-2017"),
            structure.StructuralHeterogeneity(),
            structure.ChemicalOrdering(),
            structure.MaximumPackingEfficiency(),
            structure.SiteStatsFingerprint.from_preset("LocalPropertyDifference_ward-prb-2017"),
        )


@contextmanager
def _voronoi_cutoff(cutoff: float) -> Iterator[None]:
    """Make matminer build its Voronoi cells with this cutoff, which most of its featurizers have no argument for."""
    from pymatgen.analysis.local_env import VoronoiNN  # noqa: PLC0415

    with ExitStack() as stack:
        for name in _USERS_OF_VORONOI:
            stack.enter_context(patch(name, partial(VoronoiNN, cutoff=cutoff)))
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

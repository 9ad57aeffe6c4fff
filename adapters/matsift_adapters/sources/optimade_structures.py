"""OPTIMADE's description of a structure as a crystal, or why it is none that can be used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optimade.models import Species
from pydantic import ValidationError

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift_adapters.sources.parsed import Parsed
from matsift_adapters.sources.pymatgen_json import from_sites

#: What is asked of a provider for a structure.
STRUCTURE_FIELDS = (
    "lattice_vectors",
    "cartesian_site_positions",
    "species",
    "species_at_sites",
    "nsites",
    "nperiodic_dimensions",
    "dimension_types",
    "structure_features",
    "assemblies",
)

#: Concentrations that add up to no more than this are rounded ones (three times 0.34) and scaled to 1.
_ROUNDED_UP = 1.02
_VACANCY, _NO_ELEMENT = "vacancy", "X"


def from_optimade(attributes: Mapping[str, Any], max_site: int) -> Parsed:
    """Return the structure that the attributes of an OPTIMADE entry describe.

    A vacancy is what its site lacks of being full. Holds: ``partial_occupancy``, ``implicit_hydrogens`` (hydrogens are
    attached without positions), ``implicit_atoms`` (the entry says that it holds atoms on no site),
    ``occupancy_rescaled``.

    Parameters
    ----------
    attributes
        `STRUCTURE_FIELDS`; what a provider leaves out is missing or null.
    max_site
        Structures with more sites are refused.

    Raises
    ------
    BadStructureError
        If it is not periodic in three directions, its sites are correlated (assemblies), positions are unknown, a site
        holds something that is no element, or what is stated does not agree with itself.
    """
    _refuse_unusable(attributes)
    names = _listed(attributes, "species_at_sites")
    coords = _vectors(attributes, "cartesian_site_positions")
    lattice = _vectors(attributes, "lattice_vectors")
    if len(lattice) != 3:
        raise BadStructureError(f"it has {len(lattice)} lattice vectors")
    if not len(names) == len(coords) == (attributes.get("nsites") or len(names)):
        stated = attributes.get("nsites")
        raise BadStructureError(f"{len(names)} species stand at sites, {len(coords)} positions, and nsites is {stated}")
    if len(names) > max_site:
        raise BadStructureError(f"the structure has {len(names)} sites, more than max_site = {max_site}")
    species, holds = _species(attributes, names)
    try:
        sites = [species[name] for name in names]
    except KeyError as error:
        raise BadStructureError(f"the species {error.args[0]!r} stands at a site and is not described") from error
    if abs(np.linalg.det(lattice)) < 1e-3:
        raise BadStructureError("the cell is flat")
    full = [i for i, site in enumerate(sites) if site]  # a site of vacancies alone is none
    frac = np.linalg.solve(lattice.T, coords.T).T % 1.0
    crystal = from_sites(lattice, [sites[i] for i in full], [frac[i] for i in full])
    if (crystal.occupancies < 1 - 1e-6).any():
        holds.add("partial_occupancy")
    if "implicit_atoms" in _features(attributes):
        holds.add("implicit_atoms")
    return Parsed(crystal=_checked(crystal), holds=tuple(sorted(holds)))


def _refuse_unusable(attributes: Mapping[str, Any]) -> None:
    periodic = attributes.get("nperiodic_dimensions")
    if periodic is None and isinstance(attributes.get("dimension_types"), list):
        periodic = sum(bool(kind) for kind in attributes["dimension_types"])
    if periodic not in (None, 3):
        raise BadStructureError(f"it is periodic in {periodic} directions, not in 3")
    if attributes.get("assemblies") or "assemblies" in _features(attributes):
        raise BadStructureError("the occupants of its sites are correlated (assemblies), which a crystal cannot say")


def _features(attributes: Mapping[str, Any]) -> list[Any]:
    features = attributes.get("structure_features")
    return features if isinstance(features, list) else []


def _listed(attributes: Mapping[str, Any], name: str) -> list[str]:
    stated = attributes.get(name)
    if stated is None:
        raise BadStructureError(f"the entry holds no structure: {name} is missing")
    if not isinstance(stated, list) or not stated or not all(isinstance(item, str) for item in stated):
        raise BadStructureError(f"{name} is no list of names")
    return stated


def _vectors(attributes: Mapping[str, Any], name: str) -> NDArray[np.float64]:
    """Return (n, 3) numbers, angstrom."""
    stated = attributes.get(name)
    if stated is None:
        raise BadStructureError(f"the entry holds no structure: {name} is missing")
    try:
        vectors = np.array(stated, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadStructureError(f"{name} is no list of vectors ({error})") from error
    if vectors.ndim != 2 or vectors.shape[1] != 3:
        raise BadStructureError(f"{name} is no list of vectors of three numbers")
    if n_unknown := int((~np.isfinite(vectors)).any(axis=1).sum()):
        raise BadStructureError(f"{n_unknown} of {len(vectors)} vectors of {name} are unknown")
    return vectors


def _species(attributes: Mapping[str, Any], names: list[str]) -> tuple[dict[str, dict[str, float]], set[str]]:
    """Return name of a species -> its elements with their occupancies, and what is doubtful about them."""
    stated = attributes.get("species")
    if stated is None:
        return {name: {name: 1.0} for name in names}, set()
    found: dict[str, dict[str, float]] = {}
    holds: set[str] = set()
    for raw in stated if isinstance(stated, list) else [stated]:
        try:
            species = Species.model_validate(raw)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadStructureError(f"a species breaks OPTIMADE's rules ({where}: {first['msg']})") from error
        if species.name in names:
            found[species.name], doubt = _occupants(species)
            holds |= doubt
    return found, holds


def _occupants(species: Species) -> tuple[dict[str, float], set[str]]:
    """Return element -> occupancy of a species: vacancies are left out, rounding is mended."""
    holds: set[str] = set()
    occupants: dict[str, float] = {}
    if len(species.chemical_symbols) != len(species.concentration):
        raise BadStructureError(f"the species {species.name!r} has other shares than elements")
    for symbol, share in zip(species.chemical_symbols, species.concentration, strict=True):
        if not math.isfinite(share) or share < 0:
            raise BadStructureError(f"the species {species.name!r} holds {share:g} {symbol}")
        if symbol == _NO_ELEMENT and share > 0:
            raise BadStructureError(f"the species {species.name!r} holds X, which is no element")
        if symbol not in (_VACANCY, _NO_ELEMENT) and share > 0:
            occupants[symbol] = occupants.get(symbol, 0.0) + share
    total = sum(occupants.values())
    if 1 + 1e-6 < total <= _ROUNDED_UP:
        occupants = {symbol: share / total for symbol, share in occupants.items()}
        holds.add("occupancy_rescaled")
    attached = {
        symbol for symbol, number in zip(species.attached or [], species.nattached or [], strict=True) if number
    }
    if attached - {"H", "D"}:
        raise BadStructureError(f"atoms of {', '.join(sorted(attached))} are attached to a site without positions")
    if attached:
        holds.add("implicit_hydrogens")
    return occupants, holds


def _checked(crystal: Crystal) -> Crystal:
    crystal.check()
    return crystal

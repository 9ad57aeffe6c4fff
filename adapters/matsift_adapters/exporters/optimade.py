"""Structures as an OPTIMADE response, which every OPTIMADE client reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import UTC
from importlib.metadata import version
from math import gcd
from pathlib import Path
from typing import Any

import numpy as np

from matsift.crystal import Crystal
from matsift.exchange.stated import StatedStructure
from matsift_adapters.exporters.whole import whole_file

API_VERSION = "1.2.0"
_FULL = 1 - 1e-6  # occupancy above which nothing is missing on a site
_DECIMALS = 10


def write_optimade(path: Path, structures: Iterable[StatedStructure], n_structure: int) -> None:
    """Write structures, of which there are `n_structure`, as one response to ``/structures``, one at a time."""
    meta = {
        "query": {"representation": "/structures"},
        "api_version": API_VERSION,
        "more_data_available": False,
        "data_returned": n_structure,
        "data_available": n_structure,
        "provider": {"name": "matsift", "description": "structures of a matsift database", "prefix": "matsift"},
        "implementation": {"name": "matsift", "version": version("matsift")},
    }
    with whole_file(path) as passing, passing.open("x", encoding="utf-8") as stream:
        stream.write('{"data": [')
        for i, structure in enumerate(structures):
            stream.write(",\n" if i else "\n")
            stream.write(json.dumps(to_optimade(structure), ensure_ascii=False, allow_nan=False))
        stream.write(f'\n], "meta": {json.dumps(meta)}}}\n')


def to_optimade(structure: StatedStructure) -> dict[str, Any]:
    """Return a structure as an OPTIMADE resource; its id is the content hash.

    Our own properties are ``_matsift_licences``, ``_matsift_sources`` and ``_matsift_space_group_number``.
    """
    crystal = structure.crystal
    species, at_sites, coords = _species(crystal)
    amounts: Counter[str] = Counter()
    for symbol, occupancy in zip(crystal.species, crystal.occupancies.tolist(), strict=True):
        amounts[symbol] += occupancy
    elements, total = sorted(amounts), sum(amounts.values())
    whole = _whole_amounts(crystal, amounts)
    attributes = {
        "immutable_id": structure.structure_hash,
        "last_modified": structure.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "elements": elements,
        "nelements": len(elements),
        "elements_ratios": [amounts[symbol] / total for symbol in elements],
        "chemical_formula_descriptive": structure.formula,
        "chemical_formula_reduced": None if whole is None else "".join(f"{e}{_count(whole[e])}" for e in elements),
        "chemical_formula_anonymous": None if whole is None else _anonymous(whole),
        "dimension_types": [1, 1, 1],
        "nperiodic_dimensions": 3,
        "lattice_vectors": crystal.lattice.tolist(),
        "cartesian_site_positions": (coords @ crystal.lattice).tolist(),
        "nsites": crystal.n_site,
        "species": species,
        "species_at_sites": at_sites,
        "structure_features": [] if all(len(s["chemical_symbols"]) == 1 for s in species) else ["disorder"],
        "_matsift_licences": list(structure.licences),
        "_matsift_sources": list(structure.sources),
        "_matsift_space_group_number": structure.space_group_number,
    }
    return {"id": structure.structure_hash, "type": "structures", "attributes": attributes}


def _species(crystal: Crystal) -> tuple[list[dict[str, Any]], list[str], np.ndarray[Any, np.dtype[np.float64]]]:
    """Return the species, the name of that at each site, and the (n_site, 3) fractional coordinates."""
    sites: list[dict[str, float]] = [{} for _ in range(crystal.n_site)]
    coords = np.zeros((crystal.n_site, 3))
    for i, symbol, occupancy, xyz in zip(
        crystal.site_index.tolist(), crystal.species, crystal.occupancies.tolist(), crystal.frac_coords, strict=True
    ):
        sites[i][symbol] = sites[i].get(symbol, 0.0) + occupancy
        coords[i] = xyz
    described: dict[str, dict[str, Any]] = {}
    names = []
    for site in sites:
        missing = 1.0 - sum(site.values())
        symbols, shares = sorted(site), [round(site[symbol], _DECIMALS) for symbol in sorted(site)]
        if len(site) == 1 and missing < 1 - _FULL:
            name, shares = symbols[0], [1.0]
        else:
            if missing >= 1 - _FULL:
                symbols, shares = [*symbols, "vacancy"], [*shares, round(missing, _DECIMALS)]
            name = " ".join(f"{symbol}{share:g}" for symbol, share in zip(symbols, shares, strict=True))
        described[name] = {"name": name, "chemical_symbols": symbols, "concentration": shares}
        names.append(name)
    return [described[name] for name in sorted(described)], names, coords


def _whole_amounts(crystal: Crystal, amounts: Counter[str]) -> dict[str, int] | None:
    """Return the amounts of a formula unit, None where a disordered crystal has none in whole numbers."""
    if not crystal.is_ordered:
        return None
    counts = {symbol: round(amount) for symbol, amount in amounts.items()}
    unit = gcd(*counts.values())
    return {symbol: count // unit for symbol, count in counts.items()}


def _anonymous(amounts: dict[str, int]) -> str:
    letters = [chr(ord("A") + i % 26) + ("" if i < 26 else chr(ord("a") + i // 26 - 1)) for i in range(len(amounts))]
    counts = sorted(amounts.values(), reverse=True)
    return "".join(f"{letter}{_count(count)}" for letter, count in zip(letters, counts, strict=True))


def _count(count: int) -> str:
    return "" if count == 1 else str(count)

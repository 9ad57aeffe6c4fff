"""Pymatgen's JSON of structures, read without pymatgen's decoder, which would import what the file names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from matsift.crystal import Crystal
from matsift.errors import BadStructureError

_SYMBOL = re.compile(r"([A-Z][a-z]{0,2})(?:\d*\.?\d*[+-])?")
ISOTOPES = {"D": "H", "T": "H"}


def from_pymatgen(raw: Any) -> Crystal:
    """Return the crystal of a pymatgen ``Structure.as_dict()``; oxidation states are dropped, D and T become H.

    Raises
    ------
    BadStructureError
        If a key is missing, a number is none, or it is not a crystal.
    """
    try:
        lattice = np.array(raw["lattice"]["matrix"], dtype=np.float64).reshape(3, 3)
        sites = [_occupants(site) for site in raw["sites"]]
        coords = [_coords(site, lattice) for site in raw["sites"]]
    except KeyError as error:
        raise BadStructureError(f"the structure has no {error.args[0]!r}") from error
    except (TypeError, ValueError, IndexError, AttributeError, OverflowError, np.linalg.LinAlgError) as error:
        told = " ".join(str(error).split())[:200]
        raise BadStructureError(f"it is not a pymatgen structure ({told})") from error
    return from_sites(lattice, sites, coords)


def from_sites(lattice: Any, sites: list[dict[str, float]], coords: list[Any]) -> Crystal:
    """Return the checked crystal of sites, each a mapping of element to occupancy.

    Raises
    ------
    BadStructureError
        If it is not a crystal, or the occupancies of a site add up to more than 1.
    """
    rows = [(symbol, occupancy, i) for i, site in enumerate(sites) for symbol, occupancy in sorted(site.items())]
    index = np.array([i for _, _, i in rows], dtype=np.int64)
    try:
        places = np.asarray(coords, dtype=np.float64).reshape(len(sites), 3)[index]
    except (TypeError, ValueError, OverflowError) as error:
        raise BadStructureError(f"a coordinate is no number ({' '.join(str(error).split())[:100]})") from error
    crystal = Crystal(
        np.asarray(lattice, dtype=np.float64),
        tuple(symbol for symbol, _, _ in rows),
        places,
        np.array([occupancy for _, occupancy, _ in rows], dtype=np.float64),
        index,
    )
    crystal.check()
    fullest = max(sum(site.values()) for site in sites)
    if fullest > 1 + 1e-6:
        raise BadStructureError(f"the occupancies of a site add up to {fullest:.4g}, more than 1")
    return crystal


def to_pymatgen(crystal: Crystal) -> dict[str, Any]:
    """Return the pymatgen dict of a crystal; the inverse of `from_pymatgen`."""
    return dict(crystal.to_pymatgen().as_dict())


def structures(document: Any, id_key: str | None) -> Iterator[tuple[str, str | None, Any]]:
    """Yield (block, id, structure dict) of each structure of a JSON document.

    The document is a structure, a record with a ``structure`` key, a list of these, or a mapping of id to one.

    Raises
    ------
    BadStructureError
        If the document holds no structure.
    """
    if _is_structure(document) or (isinstance(document, dict) and "structure" in document):
        yield "", _stated_id(document, id_key), _structure(document)
    elif isinstance(document, list) and document:
        for i, record in enumerate(document):
            yield str(i), _stated_id(record, id_key), _structure(record)
    elif isinstance(document, dict) and any(isinstance(value, dict) for value in document.values()):
        for key, record in document.items():
            yield key, _stated_id(record, id_key) or key, _structure(record)
    else:
        raise BadStructureError("the JSON holds no structure")


def _is_structure(document: Any) -> bool:
    return isinstance(document, dict) and {"lattice", "sites"} <= document.keys()


def _structure(record: Any) -> Any:
    return record["structure"] if isinstance(record, dict) and "structure" in record else record


def _stated_id(record: Any, id_key: str | None) -> str | None:
    value = record.get(id_key) if id_key and isinstance(record, dict) else None
    return None if value is None else str(value)


def _occupants(site: dict[str, Any]) -> dict[str, float]:
    occupants: dict[str, float] = {}
    for specie in site["species"]:
        match = _SYMBOL.fullmatch(specie["element"])
        symbol = match[1] if match else str(specie["element"])
        symbol = ISOTOPES.get(symbol, symbol)
        occupants[symbol] = occupants.get(symbol, 0.0) + float(specie["occu"])
    return occupants


def _coords(site: dict[str, Any], lattice: Any) -> Any:
    coords = site["abc"] if "abc" in site else np.linalg.solve(lattice.T, np.array(site["xyz"], dtype=np.float64))
    if len(coords) != 3:
        raise ValueError(f"a site has {len(coords)} coordinates")
    return coords

"""From a journal to the packed file of oxides: lattice constants, energies against the other data set's phases."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matsift.bond_valence.prototype_match import PrototypeMatch, match
from matsift.candidates.phases import formation_energies, hull_distances
from matsift.candidates.plan import Candidate
from matsift.crystal import Crystal
from matsift.units import PROPERTIES
from matsift_adapters.data import CHGNET_PROTOTYPES, LICENCE, OXIDES, OXIDES_VERSION
from matsift_adapters.data.packing import ENERGIES, latest_date, package_versions, rounded, with_rows, write_lines

_ANGSTROM_DECIMALS, _COORDINATE_DECIMALS, _ENERGY_DECIMALS = 5, 6, 5


def pack_oxides(
    candidates: Sequence[Candidate], rows: Iterable[dict[str, Any]], out: Path, *, method: str
) -> dict[str, int]:
    """Write the packed file of the oxides that the journal knows, and return its counts of rows by role.

    Formation energies and hull distances are against the phases of `CHGNET_PROTOTYPES` and these oxides together: the
    potential is the same. What is no perovskite or spinel after its relaxation is a failure.

    Parameters
    ----------
    candidates
        The plan; candidates without a journal row are left out.
    rows
        Journal rows; of several for one candidate the last counts.
    out
        The gzip file to write.
    method
        For the header.
    """
    known = with_rows(candidates, rows)
    entries = [_entry(candidate, row) for candidate, row in known]
    _add_phase_energies(entries)
    counts = dict(sorted(Counter(str(entry["role"]) for entry in entries).items()))
    header = {
        "dataset": OXIDES,
        "version": OXIDES_VERSION,
        "method": method,
        "versions": package_versions(),
        "licence": LICENCE,
        "date": latest_date(known),
        "units": {name: PROPERTIES[name].unit for name in ENERGIES} | {"lattice_constant_angstrom": "angstrom"},
        "counts": counts,
    }
    write_lines(out, [header, *entries])
    return counts


def _entry(candidate: Candidate, row: dict[str, Any]) -> dict[str, Any]:
    result, failure = row.get("result"), row.get("failure")
    crystal, found = candidate.crystal, None
    if result is not None:
        crystal = Crystal.ordered(np.array(result["lattice"]), result["species"], np.array(result["frac_coords"]))
        found = _still(candidate.crystal, match(crystal))
        if found is None:
            message = "the relaxed crystal is not of the prototype that it started from"
            failure = {"stage": "relax", "error_class": "OtherPrototype", "message": message}
    entry: dict[str, Any] = {
        "external_id": candidate.external_id,
        "role": "failed" if found is None else candidate.wanted,
        "formula": str(crystal.to_pymatgen().composition.reduced_formula),
        "lattice": rounded(crystal.lattice.ravel(), _ANGSTROM_DECIMALS + 1),
        "species": list(crystal.species),
        "frac_coords": [rounded(xyz, _COORDINATE_DECIMALS) for xyz in crystal.frac_coords],
        "prototype": candidate.prototype,
        "ions": candidate.substitution,
        **_cell(found),
        "labels": {},
        "failure": None if failure is None else {**failure, "seconds": row["seconds"]},
        "n_evaluation": None if result is None else result["n_evaluation"],
        "seconds": row["seconds"],
    }
    if result is not None and found is not None:
        entry["labels"]["energy_per_atom"] = round(float(result["energy_per_atom"]), _ENERGY_DECIMALS)
    return entry


def _still(start: Crystal, found: PrototypeMatch | None) -> PrototypeMatch | None:
    """Return the match of a relaxed crystal if it has prototype and sites of its start, else None."""
    before = match(start)
    if found is None or before is None:
        return None
    same = (found.prototype, found.a_element) == (before.prototype, before.a_element)
    return found if same else None


def _cell(found: PrototypeMatch | None) -> dict[str, float | None]:
    u = None if found is None else found.oxygen_parameter
    return {
        "lattice_constant_angstrom": None if found is None else round(found.lattice_constant, _ANGSTROM_DECIMALS),
        "oxygen_parameter": None if u is None else round(u, _COORDINATE_DECIMALS),
    }


def _add_phase_energies(entries: list[dict[str, Any]]) -> None:
    relaxed = [entry for entry in entries if entry["labels"]]
    phases = [*relaxed, *_other_phases()]
    compositions = [Counter(entry["species"]) for entry in phases]
    energies = np.array([entry["labels"]["energy_per_atom"] for entry in phases])
    formation, distance = formation_energies(compositions, energies), hull_distances(compositions, energies)
    for entry, f, d in zip(relaxed, formation, distance, strict=False):
        for name, value in (("formation_energy_per_atom", f), ("energy_above_hull", d)):
            if np.isfinite(value):
                entry["labels"][name] = round(float(value), _ENERGY_DECIMALS) + 0.0


def _other_phases() -> list[dict[str, Any]]:
    with gzip.open(CHGNET_PROTOTYPES, "rt", encoding="utf-8") as lines:
        next(lines)
        entries = [json.loads(line) for line in lines]
    return [entry for entry in entries if "energy_per_atom" in entry["labels"]]

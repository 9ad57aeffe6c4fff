"""From the computed densities to the packed table: what the equation of state and the density say, not the grids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from matsift.density.field_statistics import GRID_COLUMNS, grid_statistics
from matsift.density.promolecule import promolecule
from matsift.density.resample import smeared
from matsift.units import PROPERTIES
from matsift_adapters.data import DENSITIES, DENSITIES_VERSION, LICENCE
from matsift_adapters.data.cubic_compounds import cubic_compounds
from matsift_adapters.data.cubic_densities import SMEARING_B_ANGSTROM2, ComputedCompound
from matsift_adapters.data.packing import rounded, write_lines

_LABELS = {"k_vrh": 3, "energy_per_atom": 5}
_SIGNIFICANT = 6


def pack_densities(
    computed: Sequence[ComputedCompound], out: Path, *, method: str, kept: Mapping[str, dict[str, Any]] | None = None
) -> dict[str, int]:
    """Write the packed file of computed compounds, and return its counts of rows by role.

    The same compounds give the same bytes; the densities are read for their statistics.

    Parameters
    ----------
    computed
        In the order of the list.
    out
        The gzip file to write, whole or not at all.
    method
        Of the labels.
    kept
        Rows of an earlier table by material id, which stay unless the compound is among those computed.
    """
    by_id = {**(kept or {}), **{c.compound.material_id: _entry(c) for c in computed}}
    entries = [by_id[c.material_id] for c in cubic_compounds() if c.material_id in by_id]
    counts = dict(sorted(Counter(str(entry["role"]) for entry in entries).items()))
    header = {
        "dataset": DENSITIES,
        "version": DENSITIES_VERSION,
        "method": method,
        "versions": _versions(computed),
        "licence": LICENCE,
        "date": max((str(entry["version"])[:10] for entry in entries), default=""),
        "units": {name: PROPERTIES[name].unit for name in _LABELS} | {"lattice_constant_angstrom": "angstrom"},
        "counts": counts,
    }
    write_lines(out, [header, *entries])
    return counts


def _versions(computed: Sequence[ComputedCompound]) -> dict[str, str]:
    done = next((c for c in computed if c.failure is None), None)
    return {} if done is None else dict(done.row["result"]["detail"]["versions"])


def _entry(computed: ComputedCompound) -> dict[str, Any]:
    compound, crystal, row = computed.compound, computed.crystal, computed.row
    entry: dict[str, Any] = {
        "external_id": f"{compound.prototype}-{'-'.join(compound.elements)}",
        "version": row["at"],
        "role": "labelled" if computed.failure is None else "failed",
        "formula": str(crystal.to_pymatgen().composition.reduced_formula),
        "lattice": rounded(crystal.lattice.ravel(), 6),
        "species": list(crystal.species),
        "frac_coords": [rounded(xyz, 6) for xyz in crystal.frac_coords],
        "prototype": compound.prototype,
        "materials_project": {
            "id": compound.material_id,
            "lattice_constant_angstrom": compound.lattice_constant,
            "k_vrh": compound.k_vrh,
            "g_vrh": compound.g_vrh,
        },
        "labels": {},
        "failure": None,
        "seconds": row["seconds"],
    }
    if computed.failure is not None:
        return entry | {"failure": {"stage": "label", **computed.failure, "seconds": row["seconds"]}}
    result = row["result"]
    detail = result["detail"]
    return entry | {
        "labels": {name: round(float(result[name]), decimals) for name, decimals in _LABELS.items()},
        "lattice_constant_angstrom": round(computed.lattice_constant, 5),
        "k_derivative": round(float(detail["k_derivative"]), 3),
        "residual_mev": round(1000 * float(detail["residual_ev"]), 4),
        "n_electron": round(float(row["n_electron"]["all"]), 7),
        "n_evaluation": detail["n_evaluation"],
        "kpoints": detail["kpoints"],
        "setups": {symbol: setup["fingerprint"] for symbol, setup in detail["setups"].items()},
        "density": _statistics(computed),
        "densities_sha256": row["densities"],
    }


def _statistics(computed: ComputedCompound) -> dict[str, float]:
    """Return what the all-electron density says, smeared, and how far it is from the promolecule."""
    density = smeared(computed.density("all"), SMEARING_B_ANGSTROM2)
    free = promolecule(computed.crystal, density.shape, b_iso=SMEARING_B_ANGSTROM2)
    values = grid_statistics(density, computed.crystal.frac_coords)
    moved = float(np.abs(density.values - free.values).mean()) * density.volume / 2 / computed.crystal.n_site
    named = dict(zip(GRID_COLUMNS, values.tolist(), strict=True)) | {"electrons_moved_per_atom": moved}
    return {name: float(f"{value:.{_SIGNIFICANT}g}") for name, value in named.items()}

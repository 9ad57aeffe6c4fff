"""Promolecules against densities by GPAW: the same compounds, labels, folds and learners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from benchmarks.repro_001.tables import markdown
from benchmarks.repro_003.described import GRID, Described, columns_of, labels
from benchmarks.repro_003.found import Found, Plan
from benchmarks.repro_003.learners import GRID_LEARNERS, TITLES, Learner
from benchmarks.repro_003.rows import PROPERTIES

from matsift.density.conventional import conventional_cell
from matsift.density.field_statistics import GRID_COLUMNS, grid_statistics
from matsift.density.grid import NETWORK_SHAPE, DensityGrid
from matsift.density.promolecule import promolecule
from matsift.density.symmetry_average import orbit_fields
from matsift.learners.comparison import difference
from matsift.learners.repeated_folds import repeated_folds
from matsift_adapters.data.cubic_densities import SMEARING_B_ANGSTROM2, ComputedCompound, computed_compounds

#: Where the lead's run of the density data set lies, and the method of its lines.
FOLDER = Path(".matsift/gpaw_densities")
METHOD = "gpaw-22.8.0-pbe-equation-of-state-471faeb4"

#: Common to rock salt, caesium chloride, zinc blende, fluorite, the Heusler compounds and the cubic elements.
SPACE_GROUP = 215

#: With fewer compounds five folds say nothing.
FEWEST = 50

_NAMES = {"promolecule": "promolecule", "dft": "GPAW"}


def computed(folder: Path = FOLDER, method: str = METHOD) -> tuple[ComputedCompound, ...]:
    """Return the compounds that have a density so far, ordered by the content hash of their crystals."""
    if not folder.is_dir():
        return ()
    finished = [one for one in computed_compounds(folder, method) if one.failure is None]
    return tuple(sorted(finished, key=lambda one: one.crystal.content_hash))


def sides(compounds: Sequence[ComputedCompound]) -> dict[str, Described]:
    """Return "promolecule" and "dft": composition columns are the same, densities and what follows from them not.

    Both are smeared by the same B, so that neither shows its cores more sharply.
    """
    magpie = columns_of([one.crystal for one in compounds], "magpie", n_worker=0)
    cells = [conventional_cell(one.crystal) for one in compounds]
    grids = {
        "promolecule": [promolecule(cell, NETWORK_SHAPE, b_iso=SMEARING_B_ANGSTROM2) for cell in cells],
        "dft": [one.conventional(NETWORK_SHAPE) for one in compounds],
    }
    found = {}
    for name, own in grids.items():
        single = [DensityGrid(np.asarray(grid.values, dtype=np.float32), grid.cell) for grid in own]
        fields = orbit_fields(single, labels(SPACE_GROUP), tolerance=None)
        columns = [grid_statistics(grid, cell.frac_coords) for grid, cell in zip(own, cells, strict=True)]
        values = np.array(columns).reshape(len(own), len(GRID_COLUMNS))
        found[name] = Described({"magpie": magpie, GRID: values}, fields)
    return found


def moduli(compounds: Sequence[ComputedCompound]) -> dict[str, np.ndarray]:
    """Return K and G of the Materials Project, GPa."""
    return {name: np.array([getattr(one.compound, name) for one in compounds]) for name in PROPERTIES}


def plan(compounds: Sequence[ComputedCompound], n_repeat: int) -> Plan:
    """Return the folds; no elements are left out of so few."""
    names = ["-".join((one.compound.prototype, *one.compound.elements)) for one in compounds]
    return Plan(repeated_folds(names, n_repeat=n_repeat, seed=0))


def learners() -> tuple[Learner, ...]:
    """Return the learners that read a density on a grid, whatever its source."""
    return tuple(replace(one, left_out=False) for one in GRID_LEARNERS)


def table(of: dict[str, Found]) -> list[str]:
    """Return R2 and RMSE of both sides, and whether they differ by more than chance."""
    lines = []
    for key in of["dft"].folds[PROPERTIES[0]]:
        cells = []
        for name in PROPERTIES:
            said = {side: of[side].folds[name][key] for side in of}
            for own in said.values():
                metrics = own.metrics()
                cells.append(f"{metrics['r2']:.3f} / {metrics['rmse']:.1f}")
            one = difference(said, "dft", "promolecule")
            cells.append(f"{one.difference:+.1f} ({one.lower:+.1f} to {one.upper:+.1f})")
        lines.append((TITLES[key], *cells))
    header = ("R2 / RMSE, GPa", *(f"{s}: {t}" for s in "KG" for t in (*_NAMES.values(), "difference of RMSE (95 %)")))
    return markdown(header, lines)


def equations_of_state(compounds: Sequence[ComputedCompound]) -> str:
    """Return how far GPAW's bulk moduli are from the labels."""
    ours = np.array([one.row["result"]["k_vrh"] for one in compounds])
    away = ours - moduli(compounds)["k_vrh"]
    return (
        f"Bulk moduli by GPAW's equation of state against the labels, {len(ours)} compounds: median of GPAW - label "
        f"{np.median(away):+.1f} GPa, median of the absolute difference {np.median(np.abs(away)):.1f} GPa, root mean "
        f"square {np.sqrt((away**2).mean()):.1f} GPa."
    )

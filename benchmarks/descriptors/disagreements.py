"""What is behind each difference from matminer: its cells, measured by their volumes, and what it cannot do."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from benchmarks.descriptors.parity import SET_OF, Comparison, group_of
from benchmarks.descriptors.samples import Sample
from pymatgen.analysis.local_env import VoronoiNN

from matsift.crystal import Crystal

VORONOI_CUTOFF = 13.0
_FILLED = 1e-6
_voronoi: Any = VoronoiNN


def described(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Yield a line a structure with a value that differs: where, how much, and whether matminer's cells fill space."""
    for c in comparisons:
        if not len(c.disagreeing):
            yield f"{SET_OF[c.kind]}: no value differs."
            continue
        yield f"{SET_OF[c.kind]}: {len(c.disagreeing)} structures with a value that differs."
        yield ""
        yield "| structure | atoms | columns | groups | largest difference: column, matsift, matminer | its cells |"
        yield "|---|---|---|---|---|---|"
        for i in c.disagreeing:
            differ = np.flatnonzero(c.known[i] & ~c.agrees[i])
            apart = np.abs(c.ours[i] - c.theirs[i])[differ] / np.maximum(np.abs(c.theirs[i, differ]), 1e-2)
            most = differ[np.argmax(np.nan_to_num(apart, nan=np.inf))]
            groups = ", ".join(dict.fromkeys(group_of(c.columns[j]) for j in differ))
            sample = c.samples[i]
            cells = _cells(sample.crystal, c.references[i].cutoff) if c.kind == "structural" else ""
            yield (
                f"| {sample.set_name} {sample.name} | {sample.crystal.n_site} | {len(differ)} | {groups} | "
                f"{c.columns[most]}, {c.ours[i, most]:.6g}, {c.theirs[i, most]:.6g} | {cells} |"
            )


def without_value(comparisons: Sequence[Comparison], samples: Sequence[Sample]) -> Iterator[str]:
    """Yield how many structures matminer has no value for, why, and for how many of them the engine has one."""
    for c in comparisons:
        missing = np.flatnonzero(~c.known.any(axis=1))
        ours = sum(bool(np.isfinite(c.ours[i]).all()) for i in missing)
        yield f"{SET_OF[c.kind]}: matminer has no value for {len(missing)} structures; matsift for {ours} of them."
        for problem, count in Counter(c.references[i].problem for i in missing).most_common():
            yield f"  {count}: {problem}"
        for i, reason in c.failures.items():
            yield f"  matsift has none for {c.samples[i].name}: {reason}"
        if c.kind == "structural":
            larger = sum(r.cutoff > VORONOI_CUTOFF for r in c.references)
            yield f"  Its own cutoff of {VORONOI_CUTOFF:g} angstrom was too small for {larger + len(missing)} of them."
    outside = [s for s in samples if not _is_inside(s.crystal)]
    refused = sum(not _has_cells_as_given(s.crystal) for s in outside)
    yield f"With the coordinates as they are given matminer has no cells for {refused} of {len(samples)} structures;"
    yield f"{len(outside)} have an atom outside the cell. Above, all were wrapped into the cell first."


def _cells(crystal: Crystal, cutoff: float) -> str:
    """Return how much of the crystal's volume the Voronoi cells fill that pymatgen builds for matminer."""
    structure = crystal.to_pymatgen()
    for site in structure:
        site.to_unit_cell(in_place=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cells = _voronoi(cutoff=cutoff or VORONOI_CUTOFF).get_all_voronoi_polyhedra(structure)
    filled = sum(facet["volume"] for cell in cells for facet in cell.values()) / crystal.volume
    return "fill the crystal" if abs(filled - 1) < _FILLED else f"fill {filled:.6f} of the crystal"


def _is_inside(crystal: Crystal) -> bool:
    return bool(((crystal.frac_coords >= 0) & (crystal.frac_coords < 1)).all())


def _has_cells_as_given(crystal: Crystal) -> bool:
    """Return whether pymatgen finds the Voronoi cells with coordinates as they are."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _voronoi(cutoff=VORONOI_CUTOFF).get_all_voronoi_polyhedra(crystal.to_pymatgen())
    except (RuntimeError, ValueError):
        return False
    return True

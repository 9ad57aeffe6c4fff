"""Pictures of a report of charge densities: faces of a few cells, and all crystals by t-SNE."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matsift.density.views import POOL, pooled
from matsift.errors import UserInputError
from matsift.learners.columns import element_statistics
from matsift.learners.embedding import mixing, tsne
from matsift.learners.left_out_elements import ElementSet
from matsift.reports.densities import DensitySlice, Embedded
from matsift.study.density import COMPOSITION_SET, DensitySettings
from matsift.units import property_definition
from matsift_flows.density.grids import Grids
from matsift_flows.snapshots import descriptor_set_ids
from matsift_flows.workspace import Workspace
from matsift_schema.store.datasets import Snapshot
from matsift_schema.store.descriptors import load_matrix
from matsift_schema.store.structures import load_structures

_FEWEST = 12


def slices(workspace: Workspace, settings: DensitySettings, crystals: Snapshot) -> tuple[DensitySlice, ...]:
    """Return the faces of the cells of the crystals with the smallest, the middle and the largest label."""
    if not settings.reads_grids:
        return ()
    order = np.argsort(crystals.values, kind="stable")
    places = list(dict.fromkeys(int(order[i]) for i in (0, len(order) // 2, -1)))
    ids = crystals.structure_ids[places]
    with workspace.sessions.begin() as session:
        table = load_structures(session, ids=ids)
    told = {int(key): i for i, key in enumerate(table.ids)}
    found = []
    for key, grid in zip(ids.tolist(), Grids(workspace, settings, ids), strict=True):
        edges = np.linalg.norm(grid.cell, axis=1)
        found.append(
            DensitySlice(
                table.reduced_formulae[told[key]],
                table.space_group_symbols[told[key]],
                np.asarray(grid.values[:, :, 0], dtype=np.float64),
                (float(edges[0]), float(edges[1])),
                None if settings.kind == "elf" else grid.n_electron,
            )
        )
    return tuple(found)


def embedded(
    workspace: Workspace,
    settings: DensitySettings,
    crystals: Snapshot,
    formulae: Sequence[str],
    left_out: Sequence[ElementSet],
) -> Embedded | None:
    """Return crystals by t-SNE of composition and of pooled density (paper, Fig. 4); None where they are too few."""
    representations = {}
    if COMPOSITION_SET in settings.sets:
        with workspace.sessions.begin() as session:
            X, columns = load_matrix(session, descriptor_set_ids(session, [COMPOSITION_SET]), crystals.structure_ids)
        representations["composition (Magpie)"] = X[:, element_statistics(columns)]
    if settings.reads_grids and settings.points % POOL == 0:
        grids = Grids(workspace, settings, crystals.structure_ids)
        representations["density, pooled"] = np.stack([pooled(grid.values[None])[0] for grid in grids])
    if len(crystals) < _FEWEST or not representations:
        return None
    mixed: dict[str, dict[str, float]] = {}
    for found in left_out:
        try:
            mixed[found.element] = {name: mixing(X, found.test) for name, X in representations.items()}
        except UserInputError:  # too few rows for its neighbours: the picture stands without the number
            continue
    return Embedded(
        pictures={name: tsne(X) for name, X in representations.items()},
        property_name=crystals.property_name,
        unit=property_definition(crystals.property_name).unit,
        values=crystals.values,
        formulae=tuple(formulae),
        mixing=mixed,
    )

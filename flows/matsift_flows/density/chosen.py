"""Which crystals a study of densities learns a property from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.study.density import DensitySettings
from matsift.study.settings import Study
from matsift_flows.snapshots import accepted_labels, reduced_formulae
from matsift_schema.store.fields import load_fields
from matsift_schema.store.labels import LabelColumns
from matsift_schema.store.structures import load_structures


@dataclass(frozen=True, eq=False)
class Chosen:
    """The n crystals to learn a property from, ordered by structure content hash.

    `rows` (n,) are their places in `labels`; `elements` (n,) their element symbols, `compositions` (n,) their reduced
    formulae.
    """

    labels: LabelColumns
    rows: NDArray[np.int64]
    elements: tuple[tuple[str, ...], ...]
    compositions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)


def chosen(session: Session, study: Study, settings: DensitySettings, property_name: str) -> Chosen:
    """Return the crystals with an accepted label, all descriptors and, where a learner reads it, their density."""
    labels, rows = labelled(session, study, settings, property_name)
    if settings.reads_grids and len(rows):
        ids = labels.structure_ids[rows]
        there = load_fields(session, settings.kind, settings.field_method, ids)
        rows = rows[np.isin(ids, there.structure_ids)]
    return Chosen(
        labels,
        rows,
        tuple(labels.elements[i] for i in rows),
        tuple(reduced_formulae(session, labels.structure_ids[rows])),
    )


def labelled(
    session: Session, study: Study, settings: DensitySettings, property_name: str
) -> tuple[LabelColumns, NDArray[np.int64]]:
    """Return the labels of a property and the places of those that crystals of the wanted space groups have."""
    labels, rows = accepted_labels(session, study, property_name)
    table = load_structures(session, ids=labels.structure_ids[rows])
    wanted = table.ids[np.isin(table.space_group_numbers, settings.groups) & table.is_ordered]
    return labels, rows[np.isin(labels.structure_ids[rows], wanted)]

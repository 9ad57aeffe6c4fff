"""What is known of structures from their sources, as arrays for descriptors and criteria."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.study.settings import Study
from matsift_schema.store.labels import label_table

#: Properties that descriptors and criteria read besides the structure itself.
FACTS = ("band_gap", "formation_energy_per_atom", "energy_above_hull", "energy_per_atom")


def known_properties(
    session: Session, study: Study, ids: NDArray[np.int64], names: Sequence[str] = FACTS
) -> dict[str, NDArray[np.float64]]:
    """Return property -> (n,) values that sources state for structures, NaN where none does.

    Of several sources the first by name counts; what an oracle of ours says later does not change a descriptor.
    """
    sources = {f"source:{name}" for name in study.structure_sources}
    labels = label_table(session, names, structure_ids=ids)
    position = {int(key): i for i, key in enumerate(ids)}
    values = {name: np.full(len(ids), np.nan) for name in names}
    for i in reversed(range(len(labels))):
        if labels.origins[i] in sources:
            values[labels.property_names[i]][position[int(labels.structure_ids[i])]] = labels.values[i]
    return values

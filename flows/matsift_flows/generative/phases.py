"""The known phases that generated crystals are compared with: energies of one method, elements among them."""

from __future__ import annotations

import numpy as np

from matsift.generative.formulas import Compositions
from matsift.generative.stability import Phases
from matsift.study.settings import Study
from matsift_flows.workspace import Workspace
from matsift_schema.store.labels import label_table
from matsift_schema.store.structures import load_structures


def known_phases(workspace: Workspace, study: Study, method: str) -> Phases:
    """Return the phases of a study's sources with an energy by a method; what the study made itself is none of them."""
    with workspace.sessions.begin() as session:
        structures = load_structures(session, sources=[source.name for source in study.sources])
        labels = label_table(session, ["energy_per_atom"], methods=[method], structure_ids=structures.ids)
    formula_of = dict(zip(structures.ids.tolist(), structures.reduced_formulae, strict=True))
    energies: dict[int, float] = {}
    for key, value in zip(labels.structure_ids.tolist(), labels.values.tolist(), strict=True):
        if np.isfinite(value):
            energies[key] = min(value, energies.get(key, value))
    amounts = Compositions.from_formulas([formula_of[key] for key in energies]).amounts()
    return Phases([dict(of) for of in amounts], np.array(list(energies.values())))

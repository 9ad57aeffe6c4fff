"""The known phases that generated crystals are compared with: energies of one method, elements among them."""

from __future__ import annotations

import numpy as np

from matsift.candidates.phases import Phases
from matsift.generative.formulas import Compositions
from matsift.study.generative import COMPETITOR
from matsift.study.settings import Study
from matsift_flows.workspace import Workspace
from matsift_schema.store.labels import label_table
from matsift_schema.store.structures import load_structures


def known_phases(workspace: Workspace, study: Study, method: str) -> Phases:
    """Return the phases of a study with an energy by a method: those of its sources, and the salts made to compete."""
    with workspace.sessions.begin() as session:
        structures = load_structures(session, sources=study.structure_sources)
        read = set(load_structures(session, sources=[source.name for source in study.sources]).ids.tolist())
        labels = label_table(session, ["energy_per_atom"], methods=[method], structure_ids=structures.ids)
    rows = zip(structures.ids.tolist(), structures.reduced_formulae, structures.holds, strict=True)
    formula_of = {key: formula for key, formula, holds in rows if key in read or COMPETITOR in holds}
    energies: dict[int, float] = {}
    for key, value in zip(labels.structure_ids.tolist(), labels.values.tolist(), strict=True):
        if np.isfinite(value) and key in formula_of:
            energies[key] = min(value, energies.get(key, value))
    amounts = Compositions.from_formulas([formula_of[key] for key in energies]).amounts()
    return Phases([dict(of) for of in amounts], np.array(list(energies.values())))

"""The rows of a finished study, out of its database: what the trainings and tables of the reproduction work on."""

from __future__ import annotations

import numpy as np
from benchmarks.repro_001.features import SETS, Features
from benchmarks.repro_001.real_data import MODULI, RealSet
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.descriptors.registry import descriptor_set
from matsift.study.settings import Study
from matsift_flows.facts import known_properties
from matsift_flows.snapshots import descriptor_set_ids
from matsift_flows.workspace import Workspace
from matsift_schema.store.descriptors import descriptor_states, load_matrix
from matsift_schema.store.labels import label_table
from matsift_schema.store.structures import load_crystals, load_structures

_FACTS = ("band_gap", "formation_energy_per_atom", "energy_above_hull")
TITLE = "Materials Project: 36,737 crystals, through the database"


def of_database(workspace: Workspace, study: Study) -> tuple[RealSet, Features]:
    """Return the labelled structures of a study and those with its element, with their descriptors."""
    element = study.sampling.element
    with workspace.sessions.begin() as session:
        structures = load_structures(session, sources=[source.name for source in study.sources])
        moduli = _moduli(session, structures.ids)
        wanted = np.array([element in symbols for symbols in structures.elements], dtype=bool)
        wanted |= np.isfinite(moduli["k_vrh"])
        ids = structures.ids[wanted]
        facts = known_properties(session, study, ids, _FACTS)
        crystals = tuple(load_crystals(session, ids))
        features = features_of(session, ids, facts)
    kept = {name: values[wanted] for name, values in moduli.items()}
    return RealSet("mp_36737", TITLE, element, crystals, kept, facts), features


def features_of(session: Session, ids: NDArray[np.int64], facts: dict[str, NDArray[np.float64]]) -> Features:
    """Return the descriptors of structures; the columns of energies are their facts."""
    stored = [name for name in SETS if name != "mp_energy"]
    X, _ = load_matrix(session, descriptor_set_ids(session, stored), ids)
    failed = {name: descriptor_states(session, name, descriptor_set(name).version, ids)[1] for name in stored}
    widths = np.cumsum([len(descriptor_set(name).columns) for name in stored])[:-1]
    blocks = dict(zip(stored, np.split(X, widths, axis=1), strict=True))
    blocks["mp_energy"] = np.column_stack([facts["formation_energy_per_atom"], facts["energy_above_hull"]])
    columns = [(name, column) for name in SETS for column in descriptor_set(name).columns]
    return Features(
        np.hstack([blocks[name] for name in SETS]),
        tuple(column for _, column in columns),
        tuple(name for name, _ in columns),
        failed,
    )


def ids_of_entries(session: Session, source: str) -> dict[str, int]:
    """Return external id -> database id of the structure of each entry that a source states now."""
    query = text("""
        SELECT e.external_id, e.structure_id FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
        WHERE o.name = :source AND e.structure_id IS NOT NULL AND e.withdrawn_at IS NULL
    """)
    return {external_id: int(key) for external_id, key in session.execute(query, {"source": source})}


def _moduli(session: Session, ids: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
    labels = label_table(session, ["k_vrh", "g_vrh"])
    position = {int(key): i for i, key in enumerate(ids)}
    moduli = {name: np.full(len(ids), np.nan) for name in MODULI}
    for i in reversed(range(len(labels))):  # of several labels of one structure the first counts
        if (row := position.get(int(labels.structure_ids[i]))) is not None:
            moduli[labels.property_names[i]][row] = labels.values[i]
    return moduli

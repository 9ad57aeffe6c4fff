"""Bond valences of oxides, relaxations of some of them and barriers of candidates: all made up, to be asked for."""

from __future__ import annotations

import numpy as np
from benchmarks.queries.models import digest
from benchmarks.queries.structures import SEED, STUDY
from benchmarks.queries.study import ELEMENT
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.bond_valence.dataset import SCREENING_FACTORS, STRAINS
from matsift.descriptors.bond_valence import BOND_VALENCE
from matsift.records import LabelRecord
from matsift_flows.workspace import Workspace
from matsift_schema.store import bond_valence as store
from matsift_schema.store import descriptors
from matsift_schema.store.labels import write_labels
from matsift_schema.store.lookups import structure_hashes
from matsift_schema.store.settling import write_result
from matsift_schema.store.structures import load_structures

METHOD = "made-up-force-field"
BARRIERS = "made-up-barriers"
_MOST_OXIDES = 50_000
_MOST_REFERENCES = 2_000
_MOST_WITH_BARRIER = 500


def fill(workspace: Workspace) -> bool:
    """Write what is missing, all or nothing; return whether anything was."""
    with workspace.run("relax", STUDY, {}) as run, workspace.sessions.begin() as session:
        if store.find_variant(session, digest(METHOD)) is not None:
            return False
        run_id = run.id(session)
        oxides = load_structures(session, elements=["O"]).ids[:_MOST_OXIDES]
        candidates = load_structures(session, elements=[ELEMENT]).ids[:_MOST_WITH_BARRIER]
        describe(session, run_id, oxides)
        relax(session, run_id, oxides[:_MOST_REFERENCES])
        for number, key in enumerate(candidates.tolist()):
            barriers = {f"percolation_barrier_{n}d": 0.1 * (n + number % 20) for n in (1, 2, 3)}
            write_result(session, run_id, key, BARRIERS, detail={"dimension": 3, **barriers}, worker="benchmark")
    return True


def describe(session: Session, run_id: int, oxides: NDArray[np.int64]) -> int:
    """Return how many oxides have bond valence descriptors now."""
    set_id = descriptors.ensure_descriptor_set(
        session,
        name=BOND_VALENCE.name,
        version=BOND_VALENCE.version,
        columns=BOND_VALENCE.columns,
        description=BOND_VALENCE.description,
        package_versions={},
    )
    values = np.random.default_rng(SEED).lognormal(-1.5, 0.8, (len(oxides), len(BOND_VALENCE.columns)))
    order = np.argsort(oxides)
    return descriptors.write_descriptors(
        session, run_id, set_id, oxides[order], values=values, seconds=np.zeros(len(oxides))
    )


def relax(session: Session, run_id: int, oxides: NDArray[np.int64]) -> int:
    """Return how many relaxations oxides have now, each with the screening factor where its error is zero."""
    factors = np.random.default_rng(SEED).normal(0.67, 0.02, len(oxides))
    hashes = structure_hashes(session, oxides.tolist())
    labels = [
        (key, LabelRecord("screening_factor", float(factor), METHOD, f"oracle:{METHOD}"), None)
        for key, factor in zip(hashes, factors, strict=True)
    ]
    write_labels(session, run_id, labels)
    samples = [(strain, factor) for strain in STRAINS for factor in SCREENING_FACTORS]
    strains, asked = (np.tile(column, len(oxides)) for column in np.array(samples).T)
    errors = asked - np.repeat(factors, len(samples))
    n, nothing = len(errors), np.full(len(errors), np.nan)
    variant = store.ensure_variant(session, run_id, method=METHOD, settings={}, content_hash=digest(METHOD))
    rows = store.Relaxations(
        structure_ids=np.repeat(oxides, len(samples)),
        prototypes=["perovskite"] * n,
        strains=strains,
        screening_factors=asked,
        lattice_errors=errors,
        lattice_constants=4.0 * (1.0 + errors),
        oxygen_parameters=nothing,
        site_shifts=nothing,
        global_instability_indices=np.abs(errors),
        problems=[None] * n,
    )
    return store.write_relaxations(session, run_id, variant, rows)

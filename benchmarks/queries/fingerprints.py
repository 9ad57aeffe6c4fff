"""Fingerprints of the candidates, which `analysis.similar_to` looks among; all of a million would take half an hour."""

from __future__ import annotations

from benchmarks.queries.structures import STUDY
from benchmarks.queries.study import ELEMENT

from matsift.descriptors.fingerprint import FINGERPRINT
from matsift.descriptors.registry import compute
from matsift_flows.workspace import Workspace
from matsift_schema.store import descriptors as store
from matsift_schema.store.structures import load_crystals, load_structures

_CHUNK = 500


def fill(workspace: Workspace) -> int:
    """Write the fingerprints that candidates lack; return how many were written."""
    with workspace.sessions.begin() as session:
        pool = load_structures(session, elements=[ELEMENT]).ids
        missing = store.missing_descriptors(session, FINGERPRINT.name, FINGERPRINT.version, pool)
    written = 0
    with workspace.run("featurize", STUDY, {"descriptor_sets": [FINGERPRINT.name]}) as run:
        for start in range(0, len(missing), _CHUNK):
            ids = missing[start : start + _CHUNK]
            with workspace.sessions.begin() as session:
                chunk = compute(FINGERPRINT.name, load_crystals(session, ids))
                good = [i for i in range(len(ids)) if i not in chunk.failures]
                set_id = store.ensure_descriptor_set(
                    session,
                    name=FINGERPRINT.name,
                    version=FINGERPRINT.version,
                    columns=FINGERPRINT.columns,
                    description=FINGERPRINT.description,
                    package_versions={},
                )
                written += store.write_descriptors(
                    session,
                    run.id(session),
                    set_id,
                    ids[good],
                    values=chunk.values[good],
                    seconds=chunk.seconds[good],
                )
    return written

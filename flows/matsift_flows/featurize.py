"""Featurization: descriptors that are missing, chunk by chunk in killable processes, written as they come."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from prefect import flow, task
from prefect.cache_policies import NO_CACHE

from matsift.descriptors.batches import compute_many
from matsift.descriptors.registry import descriptor_set, package_versions
from matsift.descriptors.sets import DescriptorChunk
from matsift.records import FailureRecord
from matsift.study.settings import Study
from matsift_flows.facts import known_properties
from matsift_flows.orchestration import invoke
from matsift_flows.progress import Advance
from matsift_flows.workspace import Workspace, digest
from matsift_schema.store import descriptors as store
from matsift_schema.store.failures import write_failures
from matsift_schema.store.lookups import structure_hashes
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.structures import load_crystals, load_structures


@flow(name="featurize", validate_parameters=False)
def featurize(workspace: Workspace, study: Study) -> int:
    """Compute the descriptors that the structures of a study lack; return how many vectors are new."""
    with workspace.sessions.begin() as session:
        wanted = load_structures(session, sources=[source.name for source in study.sources])
        missing = {
            name: store.missing_descriptors(
                session, name, descriptor_set(name).version, wanted.ids, retry_failed=workspace.retry_failed
            )
            for name in study.descriptors.sets
        }
    groups: dict[tuple[int, ...], list[str]] = {}
    for name, ids in missing.items():
        if len(ids):
            groups.setdefault(tuple(int(key) for key in ids), []).append(name)
    of_structures = digest(wanted.hashes)
    return sum(_featurize_group(workspace, study, names, ids, of_structures) for ids, names in groups.items())


def _featurize_group(
    workspace: Workspace, study: Study, names: list[str], ids: tuple[int, ...], of_structures: str
) -> int:
    """Compute several sets for the structures that lack them all, so that each structure is visited once."""
    parameters = {
        "descriptor_sets": {name: descriptor_set(name).version for name in names},
        "structures": of_structures,
        "retry_failed": workspace.retry_failed,
    }
    written = 0
    with (
        workspace.run("featurize", study.name, parameters) as run,
        workspace.reporter.work(f"featurize {' + '.join(names)}", len(ids), "structures") as advance,
    ):
        for start in range(0, len(ids), study.descriptors.chunk * max(workspace.n_worker, 1) * 4):
            part = ids[start : start + study.descriptors.chunk * max(workspace.n_worker, 1) * 4]
            written += invoke(featurize_chunk, workspace, study, run, names, part, advance=advance)
    return written


@task(name="featurize chunk", cache_policy=NO_CACHE)
def featurize_chunk(
    workspace: Workspace, study: Study, run: LazyRun, names: list[str], ids: tuple[int, ...], *, advance: Advance
) -> int:
    """Read a chunk of structures, compute, and write what the workers finish; return how many vectors are new."""
    with workspace.sessions.begin() as session:
        crystals = load_crystals(session, ids)
        hashes = structure_hashes(session, ids)
        facts = known_properties(session, study, np.array(ids))
    written = 0
    for positions, chunks in compute_many(
        names,
        crystals,
        facts,
        n_worker=workspace.n_worker,
        time_limit_s=study.descriptors.time_limit_s,
        chunk_size=min(study.descriptors.chunk, 25),
    ):
        here = np.array(ids)[positions]
        written += _write(workspace, run, here, [hashes[i] for i in positions], chunks)
        advance(len(positions), failed=len({i for chunk in chunks.values() for i in chunk.failures}))
    return written


def _write(
    workspace: Workspace,
    run: LazyRun,
    ids: NDArray[np.int64],
    hashes: list[str],
    chunks: Mapping[str, DescriptorChunk],
) -> int:
    written = 0
    with workspace.sessions.begin() as session:
        for name, chunk in chunks.items():
            about = descriptor_set(name)
            set_id = store.ensure_descriptor_set(
                session,
                name=name,
                version=about.version,
                columns=about.columns,
                description=about.description,
                package_versions=package_versions(),
            )
            good = np.array([i not in chunk.failures for i in range(len(ids))], dtype=bool)
            written += store.write_descriptors(
                session, run.id(session), set_id, ids[good], values=chunk.values[good], seconds=chunk.seconds[good]
            )
            failures = [
                FailureRecord(
                    store.STAGE,
                    hashes[i],
                    error_class,
                    message,
                    float(chunk.seconds[i]),
                    store.failure_detail(name, about.version),
                    hashes[i],
                )
                for i, (error_class, message) in sorted(chunk.failures.items())
            ]
            write_failures(session, run.id(session), failures, retried=workspace.retry_failed)
    return written

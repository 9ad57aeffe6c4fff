"""Featurization: descriptors that are missing, read, computed in killable processes and written chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE
from sqlalchemy.orm import Session

from matsift.descriptors.batches import Piece, compute_stream
from matsift.descriptors.matminer_sets import PREFIX as BY_MATMINER
from matsift.descriptors.mp import MP, MP_ENERGY
from matsift.descriptors.registry import descriptor_set, is_sparse, package_versions
from matsift.descriptors.sets import DescriptorChunk
from matsift.records import FailureRecord
from matsift.study.settings import Study
from matsift_flows.diffraction.profiles import profile
from matsift_flows.facts import known_properties
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.workspace import Workspace
from matsift_schema.store import descriptors as store
from matsift_schema.store.failures import write_failures
from matsift_schema.store.lookups import structure_hashes
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.structures import load_crystals, structure_digest

_READ_FACTS = frozenset({MP.name, MP_ENERGY.name})


@inner_flow("featurize")
def featurize(workspace: Workspace, study: Study) -> int:
    """Compute the descriptors that the structures of a study lack; return how many vectors are new."""
    sources = study.structure_sources
    groups: dict[tuple[str, bytes], tuple[list[str], NDArray[np.int64]]] = {}
    with workspace.sessions.begin() as session:
        for name in (name for name in study.descriptors.computed if not is_sparse(name)):
            version = descriptor_set(name).version
            ids = store.missing_descriptors(
                session, name, version, sources=sources, retry_failed=workspace.retry_failed
            )
            if len(ids):
                groups.setdefault((_visited_with(name), ids.tobytes()), ([], ids))[0].append(name)
        of_structures = structure_digest(session, sources) if groups else ""
    written = sum(_featurize_group(workspace, study, names, ids, of_structures) for names, ids in groups.values())
    if any(map(is_sparse, study.descriptors.computed)):
        written += invoke(profile, workspace, study)
    return written


def _visited_with(name: str) -> str:
    """Return what the sets share that are computed in one visit; what hangs in matminer fails in no other set."""
    return name if name.startswith(BY_MATMINER) else ""


def _featurize_group(
    workspace: Workspace, study: Study, names: list[str], ids: NDArray[np.int64], of_structures: str
) -> int:
    """Compute several sets for the structures that lack them all, so that each structure is visited once."""
    parameters = {
        "descriptor_sets": {name: descriptor_set(name).version for name in names},
        "structures": of_structures,
        "retry_failed": workspace.retry_failed,
    }
    chunk = 1 if _visited_with(names[0]) else study.descriptors.chunk  # the limit holds for each call of a worker
    written, set_ids = 0, dict[str, int]()
    with (
        workspace.run("featurize", study.name, parameters) as run,
        workspace.reporter.work(f"featurize {' + '.join(names)}", len(ids), "structures") as advance,
    ):
        for here, chunks in compute_stream(
            names,
            _pieces(workspace, study, names, ids, min(chunk, -(-len(ids) // workspace.n_at_once))),
            n_worker=workspace.n_worker,
            time_limit_s=study.descriptors.time_limit_s,
        ):
            written += invoke(write_chunk, workspace, run, set_ids, here, chunks)
            advance(len(here), failed=len({i for found in chunks.values() for i in found.failures}))
    return written


def _pieces(
    workspace: Workspace, study: Study, names: Sequence[str], ids: NDArray[np.int64], chunk: int
) -> Iterator[Piece]:
    """Yield the structures as the workers need them, so that few are in memory at a time."""
    for start in range(0, len(ids), chunk):
        here = ids[start : start + chunk]
        with workspace.sessions.begin() as session:
            crystals = load_crystals(session, here)
            facts = None if _READ_FACTS.isdisjoint(names) else known_properties(session, study, here)
        yield here, crystals, facts


@task(name="featurize chunk", cache_policy=NO_CACHE)
def write_chunk(
    workspace: Workspace,
    run: LazyRun,
    set_ids: dict[str, int],
    ids: NDArray[np.int64],
    chunks: Mapping[str, DescriptorChunk],
) -> int:
    """Write what a worker computed for some structures, all sets or nothing; return how many vectors are new.

    `set_ids` remembers the database ids of the sets from one chunk to the next.
    """
    written = 0
    with workspace.sessions.begin() as session:
        for name, chunk in chunks.items():
            about = descriptor_set(name)
            if name not in set_ids:
                set_ids[name] = store.ensure_descriptor_set(
                    session,
                    name=name,
                    version=about.version,
                    columns=about.columns,
                    description=about.description,
                    package_versions=package_versions(),
                )
            good = np.array([i not in chunk.failures for i in range(len(ids))], dtype=bool)
            written += store.write_descriptors(
                session,
                run.id(session),
                set_ids[name],
                ids[good],
                values=chunk.values[good],
                seconds=chunk.seconds[good],
            )
            if chunk.failures:
                failures = _failures(session, name, ids, chunk)
                write_failures(session, run.id(session), failures, retried=workspace.retry_failed)
    return written


def _failures(session: Session, name: str, ids: NDArray[np.int64], chunk: DescriptorChunk) -> list[FailureRecord]:
    failed = sorted(chunk.failures)
    detail = store.failure_detail(name, descriptor_set(name).version)
    return [
        FailureRecord(store.STAGE, subject, *chunk.failures[i], float(chunk.seconds[i]), detail, subject)
        for i, subject in zip(failed, structure_hashes(session, ids[failed].tolist()), strict=True)
    ]

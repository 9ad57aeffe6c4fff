"""Ideal profiles that structures lack: computed in killable processes, kept as their occupied bins."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.descriptors.diffraction import DIFFRACTION
from matsift.descriptors.registry import package_versions, prepare_worker
from matsift.diffraction.chunks import ProfileChunk, profile_chunk
from matsift.records import FailureRecord
from matsift.study.settings import Study
from matsift_flows.diffraction.pool import Work, Worked, worked
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.workspace import Workspace
from matsift_schema.store import descriptors
from matsift_schema.store import diffraction as store
from matsift_schema.store.failures import write_failures
from matsift_schema.store.lookups import structure_hashes
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.structures import structure_digest

_TARGET = f"{profile_chunk.__module__}:{profile_chunk.__name__}"
_PREPARE = f"{prepare_worker.__module__}:{prepare_worker.__name__}"


@inner_flow("profile")
def profile(workspace: Workspace, study: Study) -> int:
    """Compute the ideal profiles that the structures of a study lack; return how many are new."""
    sources = [source.name for source in study.sources]
    with workspace.sessions.begin() as session:
        ids = store.missing_profiles(
            session, DIFFRACTION.name, DIFFRACTION.version, sources=sources, retry_failed=workspace.retry_failed
        )
        of_structures = structure_digest(session, sources) if len(ids) else ""
    if not len(ids):
        return 0
    parameters = {
        "descriptor_sets": {DIFFRACTION.name: DIFFRACTION.version},
        "structures": of_structures,
        "retry_failed": workspace.retry_failed,
    }
    work = Work(_TARGET, study.descriptors.chunk, study.descriptors.time_limit_s, _PREPARE, ((DIFFRACTION.name,),))
    written = 0
    with (
        workspace.run("profile", study.name, parameters) as run,
        workspace.reporter.work("compute diffraction profiles", len(ids), "structures") as advance,
    ):
        for done in worked(workspace, work, ids, lambda crystals: crystals):
            written += invoke(write_chunk, workspace, run, done)
            advance(len(done.ids), failed=len(_failures(done)))
    return written


def profile_set(workspace: Workspace) -> int:
    """Return the id of the descriptor set of profiles, written where it is new."""
    with workspace.sessions.begin() as session:
        return descriptors.ensure_descriptor_set(
            session,
            name=DIFFRACTION.name,
            version=DIFFRACTION.version,
            columns=DIFFRACTION.columns,
            description=DIFFRACTION.description,
            package_versions=package_versions(),
        )


@task(name="profile chunk", cache_policy=NO_CACHE)
def write_chunk(workspace: Workspace, run: LazyRun, done: Worked) -> int:
    """Write the profiles and failures of some structures, all or nothing; return how many profiles are new."""
    set_id, failed = profile_set(workspace), _failures(done)
    detail = descriptors.failure_detail(DIFFRACTION.name, DIFFRACTION.version)
    with workspace.sessions.begin() as session:
        hashes = structure_hashes(session, done.ids.tolist())
        failures = [
            FailureRecord(descriptors.STAGE, hashes[i], *said, detail=detail, structure_hash=hashes[i])
            for i, said in sorted(failed.items())
        ]
        write_failures(session, run.id(session), failures, retried=workspace.retry_failed)
        good = [i for i in range(len(hashes)) if i not in failed]
        if not good:
            return 0
        found: ProfileChunk = done.value
        return store.write_profiles(
            session,
            run.id(session),
            set_id,
            done.ids[good],
            found.profiles.take(good),
            seconds=found.seconds[good],
        )


def _failures(done: Worked) -> Mapping[int, tuple[str, str]]:
    """Return position -> class and sentence of what went wrong; a profile without a line is none."""
    if done.failure is not None:
        return {0: done.failure}
    found: ProfileChunk = done.value
    lengths = found.profiles.offsets[1:] - found.profiles.offsets[:-1]
    empty = {
        i: ("NoReflection", "no reflection lies between 0.1131 and 1.0625 per angstrom")
        for i, length in enumerate(lengths.tolist())
        if not length
    }
    return {**empty, **found.failures}

"""Symmetry: space group, primitive cell and structure type of a study's structures, by spglib in killable processes."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.diffraction.chunks import SymmetryChunk, symmetry_chunk
from matsift.records import FailureRecord, LabelRecord
from matsift.study.diffraction import SYMMETRY_PROPERTIES, DiffractionSettings
from matsift.study.settings import Study
from matsift_flows.diffraction.pool import Work, Worked, worked
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.workspace import Workspace
from matsift_schema.store import symmetry as store
from matsift_schema.store.failures import write_failures
from matsift_schema.store.labels import write_labels
from matsift_schema.store.lookups import structure_hashes
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.structures import structure_digest

_TARGET = f"{symmetry_chunk.__module__}:{symmetry_chunk.__name__}"


@inner_flow("symmetry")
def symmetry(workspace: Workspace, study: Study) -> int:
    """Label the structures of a study with what spglib finds of their symmetry; return how many are new.

    Disordered structures are labelled too: what shares a site is one atom. The labels are space group and volume of
    the primitive cell; the structure type is kept beside them.
    """
    settings = study.diffraction
    if settings is None:
        return 0
    sources = [source.name for source in study.sources]
    with workspace.sessions.begin() as session:
        ids = store.missing_symmetry(session, settings.method, sources=sources, retry_failed=workspace.retry_failed)
        of_structures = structure_digest(session, sources) if len(ids) else ""
    if not len(ids):
        return 0
    parameters = {
        "method": settings.method,
        "origin": settings.origin,
        "structures": of_structures,
        "retry_failed": workspace.retry_failed,
    }
    work = Work(_TARGET, settings.chunk, settings.time_limit_s)
    written = 0
    with (
        workspace.run("symmetry", study.name, parameters) as run,
        workspace.reporter.work("find symmetry", len(ids), "structures") as advance,
    ):
        for done in worked(workspace, work, ids, lambda crystals: (crystals, settings.symprec)):
            written += invoke(write_chunk, workspace, run, settings, done)
            advance(len(done.ids), failed=len(_failures(done)))
    return written


@task(name="symmetry chunk", cache_policy=NO_CACHE)
def write_chunk(workspace: Workspace, run: LazyRun, settings: DiffractionSettings, done: Worked) -> int:
    """Write labels, structure types and failures of some structures, all or nothing; return how many are new."""
    failed = _failures(done)
    with workspace.sessions.begin() as session:
        hashes = structure_hashes(session, done.ids.tolist())
        failures = [
            FailureRecord(store.STAGE, hashes[i], *said, detail=settings.method, structure_hash=hashes[i])
            for i, said in sorted(failed.items())
        ]
        write_failures(session, run.id(session), failures, retried=workspace.retry_failed)
        good = [i for i in range(len(hashes)) if i not in failed]
        if not good:
            return 0
        found: SymmetryChunk = done.value
        columns = (found.space_groups, found.volumes)
        labels = [
            (hashes[i], LabelRecord(name, float(column[i]), settings.method, settings.origin), None)
            for i in good
            for name, column in zip(SYMMETRY_PROPERTIES, columns, strict=True)
        ]
        write_labels(session, run.id(session), labels)
        types = [found.types[i] for i in good]
        return store.write_structure_types(session, run.id(session), settings.method, done.ids[good], types)


def _failures(done: Worked) -> Mapping[int, tuple[str, str]]:
    """Return position -> class and sentence of what went wrong."""
    if done.failure is not None:
        return {0: done.failure}
    found: SymmetryChunk = done.value
    return found.failures

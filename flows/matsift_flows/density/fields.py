"""Promolecule densities that a study's crystals lack: computed in killable processes, kept in the artifact store."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.density.chunks import FieldChunk, promolecule_chunk
from matsift.density.grid import DensityGrid
from matsift.density.promolecule import PROMOLECULE_METHOD
from matsift.records import FailureRecord
from matsift.study.density import DensitySettings
from matsift.study.settings import Study
from matsift_adapters.fields.storage import SUFFIX, dumps
from matsift_flows.density.chosen import labelled
from matsift_flows.diffraction.pool import Work, Worked, worked
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.workspace import Workspace, digest
from matsift_schema.store import fields as store
from matsift_schema.store.failures import write_failures
from matsift_schema.store.lookups import structure_hashes
from matsift_schema.store.runs import LazyRun

_KIND = "promolecule"
_TARGET = f"{promolecule_chunk.__module__}:{promolecule_chunk.__name__}"


@inner_flow("fields")
def fields(workspace: Workspace, study: Study) -> int:
    """Compute the promolecules that the labelled crystals of a study lack; return how many are new.

    A study of imported densities computes none.
    """
    settings = study.density
    if settings is None or settings.kind != _KIND or not settings.reads_grids:
        return 0
    wanted = _wanted(workspace, study, settings)
    with workspace.sessions.begin() as session:
        ids = store.missing_fields(
            session, _KIND, PROMOLECULE_METHOD, structure_ids=wanted, retry_failed=workspace.retry_failed
        )
        of_structures = digest(sorted(structure_hashes(session, wanted.tolist()))) if len(ids) else ""
    if not len(ids):
        return 0
    shape = (settings.points,) * 3
    parameters = {
        "kind": _KIND,
        "method": PROMOLECULE_METHOD,
        "shape": list(shape),
        "structures": of_structures,
        "retry_failed": workspace.retry_failed,
    }
    work = Work(_TARGET, settings.chunk, settings.time_limit_s)
    written = 0
    with (
        workspace.run("fields", study.name, parameters) as run,
        workspace.reporter.work("compute promolecule densities", len(ids), "structures") as advance,
    ):
        for done in worked(workspace, work, ids, lambda crystals: (crystals, shape)):
            written += invoke(write_chunk, workspace, run, done)
            advance(len(done.ids), failed=len(_failures(done)))
    return written


def _wanted(workspace: Workspace, study: Study, settings: DensitySettings) -> NDArray[np.int64]:
    """Return the ids of the crystals that some property is learned from, each once."""
    with workspace.sessions.begin() as session:
        found = [labelled(session, study, settings, name) for name in study.labels.properties]
    return np.unique(np.concatenate([labels.structure_ids[rows] for labels, rows in found]))


@task(name="field chunk", cache_policy=NO_CACHE)
def write_chunk(workspace: Workspace, run: LazyRun, done: Worked) -> int:
    """Store the densities of some structures, write their rows and failures; return how many rows are new."""
    failed = _failures(done)
    found = FieldChunk({}, {}, {}) if done.failure is not None else done.value
    kept = [
        _row(workspace, int(done.ids[place]), grid, found.n_electron[place])
        for place, grid in sorted(found.grids.items())
    ]
    with workspace.sessions.begin() as session:
        hashes = structure_hashes(session, done.ids.tolist())
        detail = store.failure_detail(_KIND, PROMOLECULE_METHOD)
        failures = [
            FailureRecord(store.STAGE, hashes[i], *said, detail=detail, structure_hash=hashes[i])
            for i, said in sorted(failed.items())
        ]
        write_failures(session, run.id(session), failures, retried=workspace.retry_failed)
        return store.write_fields(session, run.id(session), kept)


def _row(workspace: Workspace, structure_id: int, grid: DensityGrid, n_electron: int) -> store.FieldRow:
    artifact = workspace.artifacts.put(dumps(grid), SUFFIX)
    return store.FieldRow(
        structure_id=structure_id,
        kind=_KIND,
        method=PROMOLECULE_METHOD,
        electrons="all",
        shape=grid.shape,
        cell=grid.cell,
        n_electron=grid.n_electron,
        n_electron_expected=n_electron,
        artifact_sha256=artifact.sha256,
        artifact_uri=artifact.uri,
    )


def _failures(done: Worked) -> Mapping[int, tuple[str, str]]:
    """Return position -> class and sentence of what went wrong."""
    if done.failure is not None:
        return {0: done.failure}
    found: FieldChunk = done.value
    return found.failures

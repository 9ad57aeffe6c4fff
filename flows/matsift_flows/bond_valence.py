"""Bond valence: reference oxides strained, relaxed at many screening factors, and labelled, in killable processes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.bond_valence.decorations import STARTING_LATTICE
from matsift.bond_valence.parameters import ion_table_hash
from matsift.bond_valence.references import References, ReferenceWork, label_references
from matsift.crystal import Crystal
from matsift.execution.pools import open_pool
from matsift.records import FailureRecord, LabelRecord
from matsift.study.bond_valence import BondValenceSettings
from matsift.study.settings import Study
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.workspace import Workspace
from matsift_schema.store import bond_valence as store
from matsift_schema.store.failures import write_failures
from matsift_schema.store.labels import write_labels
from matsift_schema.store.lookups import structure_hashes
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.structures import load_crystals, structure_digest

#: Method of a lattice constant that is read off a cubic crystal as it is given.
CUBIC_CELL = "cubic-cell"

_TARGET = f"{label_references.__module__}:{label_references.__name__}"


@inner_flow("relax")
def relax(workspace: Workspace, study: Study) -> int:
    """Relax and label the reference oxides of a study that are not yet; return how many relaxations are new.

    References are the cubic perovskites and normal spinels of its sources, but for cells that are only a place to
    start from. Each gets a label of its screening factor, instability index and lattice constant.
    """
    settings = study.bond_valence
    if settings is None:
        return 0
    sources = [source.name for source in study.sources]
    with workspace.sessions.begin() as session:
        ids = store.missing_relaxations(
            session,
            variant_hash(settings),
            detail=failure_detail(settings),
            strains=settings.strains,
            screening_factors=settings.screening_factors.values,
            sources=sources,
            without_holds=(STARTING_LATTICE,),
            retry_failed=workspace.retry_failed,
        )
        of_structures = structure_digest(session, sources) if len(ids) else ""
    if not len(ids):
        return 0
    parameters = {
        "variant": variant_hash(settings),
        "samples": settings.model_dump(mode="json", include={"prototypes", "strains", "screening_factors"}),
        "structures": of_structures,
        "retry_failed": workspace.retry_failed,
    }
    written = 0
    with (
        workspace.run("relax", study.name, parameters) as run,
        workspace.reporter.work("relax by bond valence", len(ids), "structures") as advance,
    ):
        for here, found in _worked(workspace, settings, ids):
            written += invoke(write_chunk, workspace, run, settings, here, found)
            advance(len(here), failed=len(found.failures))
    return written


def variant_hash(settings: BondValenceSettings) -> str:
    """Return the SHA-256 that names the force field of a study: its variant, its ions, what an index averages over."""
    said = [settings.method, variant_settings(settings)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def variant_settings(settings: BondValenceSettings) -> dict[str, Any]:
    """Return all that a relaxation depends on besides the oxide, as plain JSON."""
    variant = settings.variant()
    filled = {**asdict(variant), "oxygen_radius": variant.anion_radius}
    return {**filled, "gii_scope": settings.gii_scope, "ions": ion_table_hash()}


def failure_detail(settings: BondValenceSettings) -> str:
    """Return the `detail` of what was no reference: a study that only sought perovskites says nothing of spinels."""
    return f"{' + '.join(sorted(settings.prototypes))} {variant_hash(settings)}"


def _worked(
    workspace: Workspace, settings: BondValenceSettings, ids: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], References]]:
    """Yield structures with what came of them; those of a chunk that failed as a whole are tried one by one."""
    work = ReferenceWork(
        settings.prototypes, settings.strains, settings.screening_factors.values, settings.variant(), settings.gii_scope
    )
    size = min(settings.chunk, -(-len(ids) // workspace.n_at_once))
    pieces = [ids[start : start + size] for start in range(0, len(ids), size)]
    with open_pool(_TARGET, n_worker=workspace.n_worker, time_limit_s=settings.time_limit_s) as pool:
        while pieces:
            again: list[NDArray[np.int64]] = []
            for outcome in pool.run(_payloads(workspace, pieces, work)):
                here = pieces[cast("int", outcome.key)]
                if outcome.ok:
                    yield here, outcome.value
                elif len(here) > 1:
                    again += [here[i : i + 1] for i in range(len(here))]
                else:
                    yield here, References.failed(str(outcome.error_class), str(outcome.message))
            pieces = again


def _payloads(
    workspace: Workspace, pieces: Sequence[NDArray[np.int64]], work: ReferenceWork
) -> Iterator[tuple[int, tuple[list[Crystal], ReferenceWork]]]:
    for number, here in enumerate(pieces):
        with workspace.sessions.begin() as session:
            crystals = load_crystals(session, here)
        yield number, (crystals, work)


@task(name="relax chunk", cache_policy=NO_CACHE)
def write_chunk(
    workspace: Workspace, run: LazyRun, settings: BondValenceSettings, ids: NDArray[np.int64], found: References
) -> int:
    """Write the relaxations, labels and failures of some structures, all or nothing; return how many are new."""
    with workspace.sessions.begin() as session:
        hashes = structure_hashes(session, ids.tolist())
        is_reference = set(found.position.tolist())
        about = {True: f"screening_factor {variant_hash(settings)}", False: failure_detail(settings)}
        failures = [
            FailureRecord(store.STAGE, hashes[i], *said, detail=about[i in is_reference], structure_hash=hashes[i])
            for i, said in sorted(found.failures.items())
        ]
        write_failures(session, run.id(session), failures, retried=workspace.retry_failed)
        if not len(found.position):
            return 0
        labels = [(hashes[i], label, None) for i, label in _labels(settings, found)]
        write_labels(session, run.id(session), labels)
        variant = store.ensure_variant(
            session,
            run.id(session),
            method=settings.method,
            settings=variant_settings(settings),
            content_hash=variant_hash(settings),
        )
        return store.write_relaxations(session, run.id(session), variant, _rows(ids, found))


def _labels(settings: BondValenceSettings, found: References) -> Iterator[tuple[int, LabelRecord]]:
    """Yield the position of each reference among the structures, with what is known of it."""
    columns = (
        ("screening_factor", settings.method, found.screening_factor),
        ("global_instability_index", f"bond-valence-sums-{settings.gii_scope}", found.instability_index),
        ("lattice_constant", CUBIC_CELL, found.lattice_constant),
    )
    for name, method, values in columns:
        for i, value in zip(found.position.tolist(), values.tolist(), strict=True):
            if np.isfinite(value):
                yield i, LabelRecord(name, value, method, settings.origin)


def _rows(ids: NDArray[np.int64], found: References) -> store.Relaxations:
    rows = found.rows
    return store.Relaxations(
        structure_ids=ids[found.position[rows.reference]],
        prototypes=[found.prototypes[i] for i in rows.reference],
        strains=rows.strain,
        screening_factors=rows.screening_factor,
        lattice_errors=rows.lattice_error,
        lattice_constants=rows.lattice_constant,
        oxygen_parameters=rows.oxygen_parameter,
        site_shifts=rows.site_shift,
        global_instability_indices=rows.instability_index,
        problems=rows.reason,
    )

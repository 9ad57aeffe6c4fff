"""From database to database: structures out of PostgreSQL, descriptors by the real flow, vectors back."""

from __future__ import annotations

import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import numpy as np
import psutil
from benchmarks.descriptors.variants import variants
from pymatgen.core import Composition
from sqlalchemy import text

from matsift.crystal import Crystal
from matsift.execution.kept import kept_processes
from matsift.structure_facts import StructureFacts
from matsift.study.settings import Study
from matsift_adapters.embedded_postgres import stop
from matsift_adapters.settings import Settings
from matsift_flows import featurize as flow
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store import descriptors as store
from matsift_schema.store.catalogue import SourceFacts, write_source
from matsift_schema.store.structures import write_structures

SETS = ("magpie", "voronoi")
_SLAB = 2000
_STATE = text("""
    INSERT INTO matsift.source_entry (source_id, external_id, version, content_hash, structure_id, licence, run_id)
    SELECT :source_id, s.content_hash, '1', s.content_hash, s.id, 'none', :run_id
    FROM matsift.structure s WHERE s.run_id = :run_id AND s.content_hash = ANY(:hashes)
""")


@dataclass
class Measured:
    """One run of the flow over n structures: seconds are wall-clock in all, CPU by process, and those of its steps."""

    n: int
    n_atom: float
    wall_s: float = 0.0
    worker_cpu_s: float = 0.0
    parent_cpu_s: float = 0.0
    server_cpu_s: float = 0.0
    worker_mib: float = 0.0
    parent_mib: float = 0.0
    steps_s: dict[str, float] = field(default_factory=dict)


def study(name: str) -> Study:
    """Return the study whose structures are those of the source of this name."""
    return Study.model_validate(
        {
            "study": {"name": name, "title": name},
            "sources": [{"kind": "files", "name": name, "path": "."}],
            "labels": {"properties": ["g_vrh"]},
            "descriptors": {"sets": list(SETS)},
            "ranking": {"property": "g_vrh"},
        }
    )


def fill(workspace: Workspace, name: str, templates: Sequence[Crystal], n: int, seed: int) -> float:
    """Write n made-up crystals as a source; return their mean number of atoms."""
    crystals, n_atom = variants(templates, n, seed), 0
    with workspace.run("ingest", name, {}) as run:
        while slab := list(islice(crystals, _SLAB)):
            n_atom += sum(crystal.n_site for crystal in slab)
            with workspace.sessions.begin() as session:
                source_id = write_source(session, SourceFacts(name, "files", "none"))
                write_structures(session, run.id(session), [(crystal, _facts(crystal), ()) for crystal in slab])
                hashes = [crystal.content_hash for crystal in slab]
                session.execute(_STATE, {"source_id": source_id, "run_id": run.id(session), "hashes": hashes})
    return n_atom / n


def measure(workspace: Workspace, name: str, n: int, n_atom: float) -> Measured:
    """Return what the flow `featurize` took for the structures of a source."""
    result = Measured(n, n_atom)
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    parent, server, started = time.process_time(), server_cpu(workspace), time.perf_counter()
    with kept_processes(0), _watched(result), _timed(result.steps_s):  # a process counts when it has ended
        written = flow.featurize.fn(workspace, study(name))
    result.wall_s = time.perf_counter() - started
    if written != n * len(SETS):
        raise SystemExit(f"{written} vectors were written for {n} structures")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    result.worker_cpu_s = now.ru_utime + now.ru_stime - cpu.ru_utime - cpu.ru_stime
    result.parent_cpu_s = time.process_time() - parent
    result.server_cpu_s = server_cpu(workspace) - server
    return result


def run(
    folder: Path, templates: Sequence[Crystal], sizes: Sequence[int], *, n_worker: int, seed: int
) -> Iterator[Measured]:
    """Yield one measurement a size, in a PostgreSQL of its own in the folder."""
    settings = Settings(home=folder, workers=n_worker)
    with open_workspace(settings, Reporter(quiet=True)) as workspace:
        for n in sizes:
            name = f"variants_{n}"
            n_atom = fill(workspace, name, templates, n, seed + n)
            yield measure(workspace, name, n, n_atom)


def remove(folder: Path) -> None:
    """Stop the server of a folder and remove both."""
    stop(Settings(home=folder))
    shutil.rmtree(folder, ignore_errors=True)


def _facts(crystal: Crystal) -> StructureFacts:
    """Return facts without symmetry, whose search would take longer than all that is measured here."""
    composition = Composition("".join(sorted(crystal.species)))
    return StructureFacts(
        formula=composition.formula,
        reduced_formula=composition.reduced_formula,
        anonymous_formula=composition.anonymized_formula,
        chemical_system="-".join(crystal.elements),
        elements=crystal.elements,
        n_site=crystal.n_site,
        n_element=len(crystal.elements),
        volume_angstrom3=crystal.volume,
        density_g_per_cm3=float(composition.weight) / crystal.volume * 1.66053906660,
        is_ordered=True,
        space_group_number=None,
        space_group_symbol=None,
        crystal_system=None,
    )


@contextmanager
def _timed(steps: dict[str, float]) -> Iterator[None]:
    """Add up the seconds that the flow's calls of the store take, by the name of the call."""

    def timed(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                steps[name] = steps.get(name, 0.0) + time.perf_counter() - started

        return wrapped

    with ExitStack() as stack:
        for step, owner, function in (
            ("read", flow, "load_crystals"),
            ("write", flow, "write_chunk"),
            ("list", store, "missing_descriptors"),
        ):
            stack.enter_context(patch.object(owner, function, timed(step, _plain(getattr(owner, function)))))
        yield


def _plain(call: Any) -> Callable[..., Any]:
    """Return the function of a Prefect task, which the flow would call where no Prefect API is configured."""
    return cast("Callable[..., Any]", getattr(call, "fn", call))


@contextmanager
def _watched(result: Measured) -> Iterator[None]:
    """Keep the largest resident memory of this process and of its workers."""
    over = threading.Event()

    def watch() -> None:
        own = psutil.Process()
        while not over.wait(0.25):
            result.parent_mib = max(result.parent_mib, own.memory_info().rss / 2**20)
            for child in own.children():
                try:
                    result.worker_mib = max(result.worker_mib, child.memory_info().rss / 2**20)
                except psutil.Error:
                    continue

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def server_cpu(workspace: Workspace) -> float:
    """Return the CPU seconds of the server and of all its processes so far."""
    with workspace.sessions.begin() as session:
        backend = psutil.Process(int(session.execute(text("SELECT pg_backend_pid()")).scalar_one()))
    postmaster = backend.parent()
    assert postmaster is not None
    while True:
        try:
            times = [process.cpu_times() for process in (postmaster, *postmaster.children())]
        except psutil.NoSuchProcess:  # one ended meanwhile: its time is now among its parent's
            continue
        break
    return float(np.sum([t.user + t.system + t.children_user + t.children_system for t in times]))


def table(runs: Sequence[Measured], per_structure_s: tuple[float, float], n_core: int, n_worker: int) -> Iterator[str]:
    """Yield the lines of the tables of rates, times and memory.

    `per_structure_s` are CPU seconds for the Voronoi cells and for all descriptors, measured on their own; what the
    workers took beyond that is their start and the transport of structures and vectors.
    """
    cells, everything = per_structure_s
    yield (
        "| structures | atoms | wall s | structures/s | structures/s a core | structures a CPU second | "
        "peak MiB a worker | peak MiB parent |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for m in runs:
        cpu = m.worker_cpu_s + m.parent_cpu_s + m.server_cpu_s
        yield (
            f"| {m.n:,} | {m.n_atom:.1f} | {m.wall_s:.1f} | {m.n / m.wall_s:,.0f} | {m.n / m.wall_s / n_core:,.0f} | "
            f"{m.n / cpu:,.0f} | {m.worker_mib:.0f} | {m.parent_mib:.0f} |"
        )
    yield ""
    yield f"{n_worker} workers, parent and server on {n_core} cores. CPU microseconds a structure:"
    yield ""
    yield (
        "| structures | tessellation | features | start of workers, transport | parent | PostgreSQL | "
        "wall: reading | wall: writing |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for m in runs:
        parts = (
            cells,
            everything - cells,
            max(m.worker_cpu_s / m.n - everything, 0.0),
            m.parent_cpu_s / m.n,
            m.server_cpu_s / m.n,
            m.steps_s.get("read", 0.0) / m.n,
            m.steps_s.get("write", 0.0) / m.n,
        )
        yield f"| {m.n:,} | " + " | ".join(f"{1e6 * seconds:.0f}" for seconds in parts) + " |"

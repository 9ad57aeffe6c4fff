"""Computed densities into the database: the table as a source, the grids as artifacts and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.study.settings import Mirror
from matsift_adapters.data import DENSITIES
from matsift_adapters.data.cubic_densities import ComputedCompound, computed_compounds, shipped_rows
from matsift_adapters.data.cubic_packing import pack_densities
from matsift_adapters.fields.storage import SUFFIX, dumps
from matsift_adapters.oracles.registry import oracle
from matsift_adapters.settings import Settings
from matsift_flows.cubic_densities import DENSITY_SETTINGS
from matsift_flows.ingest import ingest
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store import fields as store
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.runs import LazyRun

KIND = "dft_charge"
#: Density that is kept -> how its method ends, and which electrons it holds.
KEPT = {"all": ("all-electron", "all"), "pseudo": ("pseudo", "valence")}

#: Name of the source.
SOURCE = "cubic-densities"

_CHUNK = 20


@dataclass(frozen=True)
class Kept:
    """A packed table, its rows, and how many fields are new in the database."""

    table: Path
    n_row: int
    n_field: int


def keep_densities(
    work_dir: Path, out: Path | None, reporter: Reporter, database: Settings | None, *, extend: bool = False
) -> Kept:
    """Write the table of the densities in a folder, and bring it and the grids into a database if one is given.

    Parameters
    ----------
    work_dir
        Folder of the computation, which may be going on.
    out
        The table; None writes it into the folder.
    reporter
        Shows progress.
    database
        Settings of the database, None for the table alone.
    extend
        Keep the rows of the table that comes with matsift beside those of the folder.
    """
    method = oracle(DENSITY_SETTINGS).method
    computed = computed_compounds(work_dir, method)
    table = out or work_dir / f"{DENSITIES}.jsonl.gz"
    kept = shipped_rows(method) if extend else None
    n_row = sum(pack_densities(computed, table, method=method, kept=kept).values())
    n_field = 0
    if database is not None:
        with open_workspace(database, reporter) as workspace, workspace.alone_on(DENSITIES):
            n_field = invoke(store_densities, workspace, computed, table, method)
    return Kept(table, n_row, n_field)


def density_method(method: str, name: str) -> str:
    """Return the method of a density whose compound's labels have a method: gpaw-...-density-...-all-electron."""
    return f"{method.replace('equation-of-state', 'density')}-{KEPT[name][0]}"


@inner_flow("store-densities")
def store_densities(workspace: Workspace, computed: Sequence[ComputedCompound], table: Path, method: str) -> int:
    """Bring structures, labels and densities of computed compounds into the database; return how many fields are new.

    Parameters
    ----------
    workspace
        Where to.
    computed
        What a folder holds.
    table
        The packed file of the same compounds: a bundled source, failures among its entries.
    method
        Of the labels.
    """
    mirror = Mirror.model_validate(
        {
            "study": {"name": DENSITIES, "title": "Electron densities of cubic compounds", "seed": 0},
            "sources": [{"kind": "bundled", "name": SOURCE, "path": str(table.absolute())}],
        }
    )
    invoke(ingest, workspace, mirror, table.parent)
    done = [c for c in computed if c.failure is None]
    written = 0
    with (
        workspace.run("store-densities", DENSITIES, {"method": method, "table": table.name}) as run,
        workspace.reporter.work("store densities", len(done), "compounds") as advance,
    ):
        for start in range(0, len(done), _CHUNK):
            chunk = done[start : start + _CHUNK]
            written += invoke(store_chunk, workspace, run, chunk, method)
            advance(len(chunk))
    return written


@task(name="store-densities-chunk", cache_policy=NO_CACHE)
def store_chunk(workspace: Workspace, run: LazyRun, chunk: Sequence[ComputedCompound], method: str) -> int:
    """Write the densities of some compounds that the database lacks; return how many."""
    with workspace.sessions.begin() as session:
        ids = structure_ids(session, [c.crystal.content_hash for c in chunk])
        by_id = {ids[c.crystal.content_hash]: c for c in chunk}
        rows = []
        for name in KEPT:
            missing = store.missing_fields(session, KIND, density_method(method, name), structure_ids=list(by_id))
            rows += [_row(workspace, int(key), by_id[int(key)], name, method) for key in missing]
        return store.write_fields(session, run.id(session), rows) if rows else 0


def _row(workspace: Workspace, structure_id: int, computed: ComputedCompound, name: str, method: str) -> store.FieldRow:
    grid = computed.density(name)
    artifact = workspace.artifacts.put(dumps(grid), SUFFIX)
    whole = name == "all"
    return store.FieldRow(
        structure_id=structure_id,
        kind=KIND,
        method=density_method(method, name),
        electrons=KEPT[name][1],
        shape=grid.shape,
        cell=grid.cell,
        n_electron=grid.n_electron,
        artifact_sha256=artifact.sha256,
        artifact_uri=artifact.uri,
        n_electron_expected=float(computed.n_electron) if whole else None,
    )

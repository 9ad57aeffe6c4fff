"""Bulk load: parsed structures into the database, beside bare COPY, ASE's databases and files of pymatgen's JSON."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ase import Atoms
from ase.db import connect
from benchmarks.ingest import samples
from benchmarks.ingest.measuring import Measured, load_line, side_by_side, take
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.records import EntryRecord
from matsift_adapters.embedded_postgres import stop
from matsift_adapters.settings import Settings
from matsift_adapters.sources import Source
from matsift_flows.ingest import CHUNK, write_chunks
from matsift_flows.overlap import chunked
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store import structures as store
from matsift_schema.store.copying import copy_into

OURS, WITH_HASH, COPY = "matsift", "matsift, hashes computed too", "COPY of the same rows into a bare table"
ASE, ASE_SERVER, JSON = "ASE sqlite, one transaction", "ASE PostgreSQL, one transaction", "pymatgen JSON, a file each"
#: The rate, over ASE's into sqlite, that bulk load is to reach.
WANTED = 3.0

_WARM_UP = 50


@dataclass
class Comparison:
    """What each way of keeping the same structures took, round by round."""

    n: int
    rounds: dict[str, list[Measured]] = field(default_factory=dict)

    def ratio(self, way: str) -> float:
        """Return the median over the rounds of a way's rate over that of ASE's sqlite in the same round."""
        return statistics.median(a.rate / b.rate for a, b in zip(self.rounds[way], self.rounds[ASE], strict=True))

    def cpu_ratio(self, way: str) -> float:
        """Return the same for structures a second of CPU."""
        return statistics.median(
            a.cpu_rate / b.cpu_rate for a, b in zip(self.rounds[way], self.rounds[ASE], strict=True)
        )


def section(options: argparse.Namespace) -> list[str]:
    """Return the lines on bulk load."""
    folder = options.home / "load"
    settings = Settings(home=folder, workers=options.workers)
    shutil.rmtree(folder, ignore_errors=True)
    entries = samples.parsed(options.limit or samples.N_CIF, options.workers)
    before = load_line()
    try:
        with open_workspace(settings, Reporter(quiet=True)) as workspace:
            comparison = compare(workspace, entries, options.rounds, folder)
    finally:
        stop(settings)
        shutil.rmtree(folder, ignore_errors=True)
    cores = f"Two busy processes do {side_by_side():.2f} times the work of one here: loading takes two, ASE takes one."
    return ["## Bulk load", "", f"Before: {before} After: {load_line()} {cores}", "", *table(comparison)]


def compare(workspace: Workspace, entries: Sequence[EntryRecord], n_round: int, folder: Path) -> Comparison:
    """Return what every way took, in turn, in each round; each round has structures of its own.

    A small round before them all, which does not count, does what each way does once in a process.
    """
    comparison = Comparison(len(entries))
    for _, work in _ways(workspace, entries[:_WARM_UP], n_round, folder):
        work()
    for number in range(n_round):
        for way, work in _ways(workspace, entries, number, folder):
            took = take(len(entries), work, workspace)
            comparison.rounds.setdefault(way, []).append(took)
    return comparison


def table(comparison: Comparison) -> list[str]:
    """Return the table of the rates, and what became of the wanted one."""
    lines = [
        f"{comparison.n:,} parsed structures, each way in turn, medians of {len(comparison.rounds[ASE])} rounds.",
        "",
        "| way | structures/s | over ASE sqlite | CPU microseconds here | in the server | over ASE sqlite, by CPU |",
        "|---|---|---|---|---|---|",
    ]
    for way, rounds in comparison.rounds.items():
        rate = statistics.median(m.rate for m in rounds)
        own = 1e6 * statistics.median(m.own_cpu_s for m in rounds) / comparison.n
        server = 1e6 * statistics.median(m.server_cpu_s for m in rounds) / comparison.n
        lines.append(
            f"| {way} | {rate:,.0f} | {comparison.ratio(way):.1f} | {own:.0f} | {server:.0f} | "
            f"{comparison.cpu_ratio(way):.1f} |"
        )
    reached = comparison.ratio(OURS)
    word = "reached" if reached >= WANTED else "not reached"
    return [*lines, "", f"Wanted: {WANTED:g} times ASE's sqlite. {word.capitalize()}: {reached:.1f} times.", ""]


def write(workspace: Workspace, entries: Sequence[EntryRecord], name: str) -> None:
    """Write parsed entries as the flow does: packed, looked up, written and committed chunk by chunk."""
    source = Source(name, "files", "1", "MIT", "", "0" * 64, lambda _: iter(()))
    with workspace.run("ingest", None, {"source": name}) as run:
        chunks = chunked(entries, n_item=CHUNK, seconds=60.0)
        list(write_chunks(workspace, run, source, chunks, lambda *_, **__: None))


def _ways(
    workspace: Workspace, entries: Sequence[EntryRecord], number: int, folder: Path
) -> list[tuple[str, Callable[[], object]]]:
    """Return what is to be timed, with all that it works on."""
    one, other = samples.once_more(entries, 2 * number), samples.once_more(entries, 2 * number + 1)
    atoms = [_atoms(entry) for entry in one]
    pymatgen = [entry.crystal.to_pymatgen() for entry in one if entry.crystal]
    database = folder / f"ase_{number}.db"
    ways: list[tuple[str, Callable[[], object]]] = [
        (OURS, partial(write, workspace, one, f"load_{number}")),
        (ASE, partial(_write_ase, str(database), one, atoms)),
        (WITH_HASH, partial(write, workspace, samples.without_hashes(other), f"load_{number}_with_hash")),
        (COPY, partial(_copy_bare, workspace, one)),
        (JSON, partial(_write_json, folder / f"json_{number}", pymatgen)),
    ]
    if find_spec("ase_db_backends") is not None:  # ASE's own PostgreSQL, a package of its own; LGPL
        ways.insert(2, (ASE_SERVER, partial(_write_ase, _fresh_database(workspace, f"ase_{number}"), one, atoms)))
    return ways


def _atoms(entry: EntryRecord) -> Atoms:
    assert entry.crystal is not None
    return Atoms(
        entry.crystal.species, scaled_positions=entry.crystal.frac_coords, cell=entry.crystal.lattice, pbc=True
    )


def _write_ase(address: str, entries: Sequence[EntryRecord], atoms: Sequence[Atoms]) -> None:
    """Write structures with their id and space group."""
    with connect(address) as database:
        for entry, one in zip(entries, atoms, strict=True):
            assert entry.facts is not None
            number = entry.facts.space_group_number or 0
            database.write(one, entry=f"mp_36737/{entry.external_id}", space_group=number)


def _write_json(folder: Path, structures: Sequence[object]) -> None:
    folder.mkdir(parents=True)
    for i, structure in enumerate(structures):
        (folder / f"{i}.json").write_text(json.dumps(structure.as_dict()))  # type: ignore[attr-defined]  # a Structure


def _copy_bare(workspace: Workspace, entries: Sequence[EntryRecord]) -> None:
    """Append rows of structures to a table without keys, indexes and constraints, in one transaction."""
    rows = [(e.crystal, e.facts, e.holds) for e in entries if e.crystal and e.facts]
    with workspace.sessions.begin() as session:
        bare_table(session)
        packed = store.packed_rows(rows, 1, datetime.now(UTC))
        copy_into(session, "bare", store.COLUMNS, packed)


def bare_table(session: Session) -> None:
    """Make an empty table of the columns of structures that are written."""
    session.execute(text("DROP TABLE IF EXISTS matsift.bare"))
    listed = ", ".join(store.COLUMNS)
    session.execute(text(f"CREATE TABLE matsift.bare AS SELECT {listed} FROM matsift.structure WITH NO DATA"))


def _fresh_database(workspace: Workspace, name: str) -> str:
    """Return the address of a new database on the same server, as psycopg2 reads it."""
    with workspace.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    address = workspace.engine.url.set(database=name, drivername="postgresql")
    return address.render_as_string(hide_password=False)

"""From an archive of CIFs to rows in the database by the real flow: how long, and what each stage takes of it."""

from __future__ import annotations

import argparse
import io
import pickle  # what the pipes between our own processes do is timed; nothing is stored
import shutil
import tarfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from benchmarks.ingest import load, samples
from benchmarks.ingest.measuring import Measured, load_line, measured

from matsift.crystal import Crystal
from matsift.formulae import formulae
from matsift.records import EntryRecord
from matsift.screening.structure_quality import structure_holds
from matsift.structure_facts import describe, space_group
from matsift.study.settings import Mirror
from matsift_adapters.embedded_postgres import stop
from matsift_adapters.settings import Settings
from matsift_adapters.sources.archives import RawMember
from matsift_adapters.sources.cif import from_cif
from matsift_adapters.sources.parsing import Member, parse_member, prepare_worker
from matsift_flows import ingest as flow
from matsift_flows.progress import Reporter
from matsift_flows.workspace import Workspace, open_workspace
from matsift_schema.store.counts import row_counts
from matsift_schema.store.syncs import SyncCounts

T = TypeVar("T")

#: Seconds that all 36,737 CIFs are to take at most, on two cores.
WANTED_S = 240.0
_NAME = "mp_36737"


@dataclass
class Result:
    """Three readings of one archive: everything is new, nothing changed, one file changed."""

    first: Measured
    again: Measured
    changed: Measured
    counts: tuple[SyncCounts, SyncCounts, SyncCounts]
    rows_added_again: int
    stages_us: dict[str, float] = field(default_factory=dict)


def section(options: argparse.Namespace) -> list[str]:
    """Return the lines on CIFs to rows."""
    folder = options.home / "end_to_end"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    settings = Settings(home=folder / "home", workers=options.workers)
    before = load_line()
    try:
        with open_workspace(settings, Reporter(quiet=True)) as workspace:
            result = run(workspace, folder, options.limit)
            result.stages_us = stages(workspace, options.structures, options.limit)
    finally:
        stop(settings)
        shutil.rmtree(folder, ignore_errors=True)
    told = f"{options.workers} workers. Before: {before} After: {load_line()}"
    return ["## From CIFs to rows", "", told, "", *table(result, options.workers)]


def run(workspace: Workspace, folder: Path, limit: int | None) -> Result:
    """Return what three readings of the archive, or of its first members, take."""
    path = samples.archive() if limit is None else pack(folder / "first.tar.gz", samples.members(limit))
    first, counts = sync(workspace, path)
    before = sum(row_counts_of(workspace).values())
    again, counts_again = sync(workspace, path)
    added = sum(row_counts_of(workspace).values()) - before
    changed, counts_changed = sync(workspace, pack(folder / "changed.tar.gz", _one_changed(samples.members(limit))))
    return Result(first, again, changed, (counts, counts_again, counts_changed), added)


def sync(workspace: Workspace, path: Path) -> tuple[Measured, SyncCounts]:
    """Return what the flow `ingest` took for an archive, and what it counted."""
    source = samples.source_settings(path, _NAME)
    mirror = Mirror.model_validate({"study": {"name": _NAME, "title": _NAME}, "sources": [source.model_dump()]})
    with measured(0, workspace) as result:
        counts = flow.ingest.fn(workspace, mirror, path.parent)[_NAME]
    result.n = counts.n_entry
    return result, counts


def pack(path: Path, files: Iterable[RawMember]) -> Path:
    """Return the path of an archive of files."""
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for file in files:
            info = tarfile.TarInfo(file.name)
            info.size = len(file.content)
            archive.addfile(info, io.BytesIO(file.content))
    return path


def row_counts_of(workspace: Workspace) -> dict[str, int]:
    """Return table -> rows."""
    with workspace.sessions() as session:
        return row_counts(session)


def stages(workspace: Workspace, n: int, limit: int | None = None) -> dict[str, float]:
    """Return stage -> CPU microseconds a structure, each on its own, one after the other.

    All files are read; the rest is timed on n of them, evenly spread, since large cells stand together. The server's
    own CPU counts under ``PostgreSQL``, what this process takes to write under ``write``.
    """
    prepare_worker()
    started = time.process_time()
    everything = list(samples.members(limit))
    reading_s = time.process_time() - started
    files = everything[:: max(len(everything) // n, 1)][:n]
    n = len(files)
    spent = {"read, unpack": 1e6 * reading_s / len(everything)}

    def timed(stage: str, work: Callable[[], T]) -> T:
        started = time.process_time()
        value = work()
        spent[stage] = spent.get(stage, 0.0) + 1e6 * (time.process_time() - started) / n
        return value

    texts = [file.content.decode() for file in files]
    _ = from_cif(texts[0])
    crystals = timed("parse", lambda: _crystals(texts))
    bare = [replace(crystal) for crystal in crystals]
    timed("symmetry", lambda: [space_group(crystal) for crystal in crystals])
    timed("formulae", lambda: [formulae(dict.fromkeys(crystal.elements, 1.0)) for crystal in crystals])
    facts = [describe(crystal) for crystal in crystals]
    timed("check", lambda: [_checked(c, f.density_g_per_cm3) for c, f in zip(crystals, facts, strict=True)])
    timed("hash", lambda: [crystal.content_hash for crystal in bare])
    outcomes = [parse_member(Member(file.name, "cif", file.content)) for file in files]
    timed("between processes", lambda: [pickle.loads(pickle.dumps(outcome)) for outcome in outcomes])
    entries = [
        EntryRecord(f"s-{i}", crystal, "1", "MIT", payload={"file": file.name}, facts=fact)
        for i, (crystal, file, fact) in enumerate(zip(bare, files, facts, strict=True))
    ]
    with measured(n, workspace) as writing:
        load.write(workspace, entries, "stages")
    spent["write"], spent["PostgreSQL"] = (1e6 * s / n for s in (writing.own_cpu_s, writing.server_cpu_s))
    return spent


def _crystals(texts: Sequence[str]) -> list[Crystal]:
    return [parsed.crystal for text in texts for parsed in from_cif(text)[:1] if parsed.crystal is not None]


def _checked(crystal: Crystal, density: float) -> object:
    crystal.check()
    return structure_holds(crystal, density)


def _one_changed(files: Iterable[RawMember]) -> Iterable[RawMember]:
    """Yield the files, the first with a larger cell."""
    for i, file in enumerate(files):
        yield (
            replace(file, content=file.content.replace(b"_cell_length_a   ", b"_cell_length_a   1")) if i == 0 else file
        )


def table(result: Result, n_worker: int) -> list[str]:
    """Return the lines of the result."""
    first = result.first
    lines = [
        "| reading | files | wall s | files/s | CPU s: workers | this process | PostgreSQL | what came of it |",
        "|---|---|---|---|---|---|---|---|",
    ]
    named = zip(
        ("everything is new", "the same again", "one file changed"),
        (result.first, result.again, result.changed),
        result.counts,
        strict=True,
    )
    for name, m, c in named:
        told = f"{c.new} new, {c.changed} changed, {c.unchanged} unchanged, {c.failed} without a structure"
        lines.append(
            f"| {name} | {m.n:,} | {m.wall_s:.1f} | {m.rate:,.0f} | {m.worker_cpu_s:.1f} | {m.own_cpu_s:.1f} | "
            f"{m.server_cpu_s:.1f} | {told} |"
        )
    lines += ["", f"The second reading added {result.rows_added_again} rows.", ""]
    if first.n == samples.N_CIF:
        word = "reached" if first.wall_s < WANTED_S else "not reached"
        cpu_s = first.worker_cpu_s + first.own_cpu_s + first.server_cpu_s
        lines += [f"Wanted: all in less than {WANTED_S:.0f} s. {word.capitalize()}: {first.wall_s:.0f} s.", ""]
        lines += [f"It is {cpu_s:.0f} s of CPU in all, {cpu_s / n_worker:.0f} s over {n_worker} cores of its own.", ""]
    return [*lines, *_shares(result, n_worker)]


def _shares(result: Result, n_worker: int) -> list[str]:
    """Return the table of the stages; what no stage explains is the start of workers and waiting for one another."""
    stages_us, first = result.stages_us, result.first
    everything = 1e6 * (first.worker_cpu_s + first.own_cpu_s + first.server_cpu_s) / max(first.n, 1)
    spent = {**stages_us, "start of workers, the rest": max(everything - sum(stages_us.values()), 0.0)}
    whole = sum(spent.values())
    return [
        f"CPU microseconds a structure, of each stage on its own ({n_worker} workers share parse to hash):",
        "",
        "| " + " | ".join(spent) + " | all |",
        "|---" * (len(spent) + 1) + "|",
        "| " + " | ".join(f"{us:.0f} ({us / whole:.0%})" for us in spent.values()) + f" | {whole:.0f} |",
        "",
    ]

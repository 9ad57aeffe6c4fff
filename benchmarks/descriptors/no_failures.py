"""Every structure in the folder of published data: how many have both vectors, and why the others have none."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.repro_001.real_data import data_folder
from pymatgen.core import Structure

from matsift.crystal import Crystal
from matsift.descriptors.registry import compute_chunk
from matsift.errors import BadStructureError
from matsift.execution.killable import KillablePool
from matsift_adapters.sources.archives import walk
from matsift_adapters.sources.formats import format_of
from matsift_adapters.sources.parsing import Member, parse_member

_BATCH = 100
_LIMIT_S = 600.0
_SETS = ("magpie", "voronoi")
_ZIP_IN_TAR = ("structures/obelix_li_conductors.tar.gz", "data/downloads/all_cifs.zip")
_ARCHIVES = (
    "structures/mp_36737/cif_36737.tar.gz",
    "structures/cod_inorganic_326.tar.gz",
    "structures/jarvis_poscars_200.tar.gz",
    _ZIP_IN_TAR[0],
    *(f"bad_cifs/{name}.tar.gz" for name in ("cod_tools_inputs", "codtools_codcif_inputs", "gemmi_test_cifs")),
)
_CIF_TABLES = ("structures/perov_5/val.csv.gz", "structures/perov_5/test.csv.gz")
_JSON_TABLES = (
    "elastic/elastic_tensor_2015.json.gz",
    "elastic/elastic_tensors_100.json.gz",
    "elastic/mp_binary_pbe_elasticity_2025.json.gz",
    "elastic/outliers_40.json.gz",
)


@dataclass
class Tally:
    """Counts of one file: its structures, those not readable as a structure, those disordered, and the failures."""

    structures: int = 0
    unreadable: int = 0
    disordered: int = 0
    with_vectors: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add the counts of a part of the same file."""
        self.structures += other.structures
        self.unreadable += other.unreadable
        self.disordered += other.disordered
        self.with_vectors += other.with_vectors
        self.failures += other.failures


def table(limit: int | None, n_worker: int) -> list[str]:
    """Return the Markdown table over all files, and the reason of each ordered structure without vectors."""
    rows = ["| file | structures | not readable | disordered | ordered, with both vectors | ordered, without |"]
    rows.append("| --- | --- | --- | --- | --- | --- |")
    reasons: list[str] = []
    for name in (*_ARCHIVES, *_CIF_TABLES, *_JSON_TABLES):
        tally = _tally(name, limit, n_worker)
        rows.append(
            f"| {name} | {tally.structures} | {tally.unreadable} | {tally.disordered} | {tally.with_vectors} | "
            f"{len(tally.failures)} |"
        )
        counted = Counter(reason for _, reason in tally.failures)
        for reason, count in counted.items():
            first = next(who for who, why in tally.failures if why == reason)
            reasons.append(f"- {name}: {count} ({first}): {reason}")
        print(f"  {rows[-1]}", file=sys.stderr)
    return [*rows, "", *reasons, ""]


def check(items: list[tuple[str, Any]]) -> Tally:
    """Return the counts of some (name, content) of one file; runs in a worker."""
    tally, names, crystals = Tally(structures=len(items)), [], []
    for name, content in items:
        crystal = _crystal(name, content)
        if crystal is None:
            tally.unreadable += 1
        elif not crystal.is_ordered:
            tally.disordered += 1
        else:
            names.append(name)
            crystals.append(crystal)
    chunks = compute_chunk((_SETS, crystals, None))
    for i, name in enumerate(names):
        reason = next((chunk.failures[i][1] for chunk in chunks.values() if i in chunk.failures), None)
        if reason is None and not all(np.isfinite(chunk.values[i]).all() for chunk in chunks.values()):
            columns = sum(int(np.isnan(chunk.values[i]).sum()) for chunk in chunks.values())
            reason = f"{columns} columns are unknown"
        if reason is None:
            tally.with_vectors += 1
        else:
            tally.failures.append((name, reason))
    return tally


def _crystal(name: str, content: Any) -> Crystal | None:
    if isinstance(content, dict):
        try:
            return Crystal.from_pymatgen(Structure.from_dict(content))
        except BadStructureError:
            return None
    found = parse_member(Member(name, format_of(name) or "cif", content, max_site=10_000))
    return found[0].crystal if found else None


def _tally(name: str, limit: int | None, n_worker: int) -> Tally:
    items = islice(_items(name), limit)
    tally = Tally()
    batches = iter(lambda: list(islice(items, _BATCH)), [])
    with KillablePool(f"{check.__module__}:check", n_worker=n_worker, time_limit_s=_LIMIT_S) as pool:
        for outcome in pool.run(enumerate(batches)):
            if not outcome.ok:
                sys.exit(f"{name}: {outcome.error_class}: {outcome.message}")
            tally.add(outcome.value)
    return tally


def _items(name: str) -> Iterator[tuple[str, Any]]:
    path = data_folder() / name
    if name == _ZIP_IN_TAR[0]:
        with tarfile.open(path) as outer, zipfile.ZipFile(io.BytesIO(_member(outer, _ZIP_IN_TAR[1]))) as inner:
            yield from (
                (info.filename, inner.read(info)) for info in inner.infolist() if info.filename.endswith(".cif")
            )
    elif name in _ARCHIVES:
        for member in walk(path, lambda inner: format_of(inner) is not None or "poscars" in name):
            yield member.name, member.content
    elif name in _CIF_TABLES:
        with gzip.open(path, "rt") as lines:
            for row in csv.DictReader(lines):
                yield f"{row['material_id']}.cif", row["cif"].encode()
    else:
        yield from _of_json(path)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    assert stream is not None  # a regular file
    return stream.read()


def _of_json(path: Path) -> Iterator[tuple[str, Any]]:
    document = json.load(io.BytesIO(gzip.decompress(path.read_bytes())))
    if isinstance(document, dict) and "columns" in document:
        place = document["columns"].index("structure")
        for number, row in enumerate(document["data"]):
            yield f"row {number}", row[place]
    else:
        for number, found in enumerate(_dictionaries(document)):
            yield f"structure {number}", found


def _dictionaries(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every pymatgen structure in a JSON document, however deep."""
    if isinstance(node, dict):
        if "lattice" in node and "sites" in node:
            yield node
        else:
            for child in node.values():
                yield from _dictionaries(child)
    elif isinstance(node, list):
        for child in node:
            yield from _dictionaries(child)

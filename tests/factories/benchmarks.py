"""Files in the format of matminer's data sets, small."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.factories.crystals import many

from matsift.crystal import Crystal
from matsift_adapters.sources import benchmark_sets


def write_benchmark(path: Path, crystals: Sequence[Crystal | None], columns: Mapping[str, Sequence[Any]]) -> str:
    """Return the SHA-256 of a file with a structure and further cells a row; None gives a structure without sites."""
    empty = {"@module": "pymatgen.core.structure", "@class": "Structure", "lattice": {}, "sites": []}
    structures = [empty if crystal is None else crystal.to_pymatgen().as_dict() for crystal in crystals]
    table = {
        "index": list(range(len(crystals))),
        "columns": ["structure", *columns],
        "data": [list(cells) for cells in zip(structures, *columns.values(), strict=True)],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(table).encode(), mtime=0))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pin_small_kvrh(patch: pytest.MonkeyPatch, n: int = 20) -> None:
    """Let matbench_log_kvrh have n rows, so that a small file is a whole one."""
    said = {**benchmark_sets._metadata()}
    said["matbench_log_kvrh"] = {**said["matbench_log_kvrh"], "num_entries": n}
    patch.setattr(benchmark_sets, "_metadata", lambda: said)


def small_kvrh(path: Path, n: int = 20, **changes: Any) -> str:
    """Return the SHA-256 of a small matbench_log_kvrh: rock salts with log10(K) of 1.00, 1.01, ..."""
    crystals: list[Crystal | None] = [*many(n)]
    logs: list[Any] = [round(1.0 + 0.01 * i, 2) for i in range(n)]
    for i in changes.get("without_structure", ()):
        crystals[i] = None
    for i in changes.get("without_label", ()):
        logs[i] = float("nan")
    return write_benchmark(path, crystals, {"log10(K_VRH)": logs})

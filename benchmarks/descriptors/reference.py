"""matminer's own values, computed once and kept: hours of work that a killed run goes on with."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from benchmarks.descriptors.samples import Sample
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors.composition import MAGPIE
from matsift.descriptors.matminer_reference import CUTOFFS_ANGSTROM, reference_magpie, reference_structural
from matsift.errors import DescriptorError
from matsift.execution.killable import TIME_LIMIT_EXCEEDED, KillablePool

TIME_LIMIT_S = 120.0
KINDS = ("magpie", "structural")
_FILE = "matminer.jsonl"
_Key = tuple[str, str, str]


@dataclass(frozen=True, eq=False)
class Reference:
    """What matminer gave for one structure: values by column, or why there are none.

    `cutoff` is that of its Voronoi cells in angstrom (0 for compositions), `seconds` are CPU seconds, or wall-clock
    seconds where it gave no value.
    """

    kind: str
    values: dict[str, float]
    problem: str
    cutoff: float
    seconds: float


def compute(payload: tuple[str, Crystal]) -> tuple[dict[str, float], float, float]:
    """Return (values by column, cutoff, CPU seconds): what a worker does with (kind, crystal)."""
    kind, crystal = payload
    started = time.process_time()
    if kind == "magpie":
        named = dict(zip(MAGPIE.columns, reference_magpie(crystal).tolist(), strict=True))
        return named, 0.0, time.process_time() - started
    for cutoff in CUTOFFS_ANGSTROM:
        try:
            named = reference_structural(crystal, (cutoff,))
        except DescriptorError:
            if cutoff == CUTOFFS_ANGSTROM[-1]:
                raise
            continue
        return named, cutoff, time.process_time() - started
    raise AssertionError("there is a cutoff")


def prepare() -> None:
    """Let matminer load its tables before the first structure is timed."""
    salt = Crystal.ordered(4.0 * np.eye(3), ["Cs", "Cl"], np.array([[0.0, 0, 0], [0.5, 0.5, 0.5]]))
    for kind in KINDS:
        compute((kind, salt))


def fill(
    samples: Sequence[Sample],
    folder: Path,
    n_worker: int,
    *,
    time_limit_s: float = TIME_LIMIT_S,
    again: bool = False,
) -> None:
    """Compute what the cache lacks, in the order of the samples, and append each answer as it comes.

    With `again` also what took longer than the limit before, which a busy machine may have been at fault for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _mend(folder / _FILE)
    known = {
        key for key, found in load(folder).items() if not (again and found.problem.startswith(TIME_LIMIT_EXCEEDED))
    }
    items = [
        (key, (kind, sample.crystal))
        for sample in samples
        for kind in KINDS
        if (key := (kind, sample.set_name, sample.name)) not in known
    ]
    with (
        (folder / _FILE).open("a") as file,
        KillablePool(
            f"{__name__}:compute", n_worker=n_worker, time_limit_s=time_limit_s, initializer=f"{__name__}:prepare"
        ) as pool,
    ):
        for done, outcome in enumerate(pool.run(items), start=1):
            values, cutoff, seconds = outcome.value if outcome.ok else ({}, 0.0, outcome.seconds)
            problem = "" if outcome.ok else f"{outcome.error_class}: {outcome.message}"
            key = cast("_Key", outcome.key)
            _append(file, key, Reference(key[0], values, problem, cutoff, seconds))
            if done % 100 == 0:
                print(f"matminer: {done} of {len(items)}", flush=True)


def load(folder: Path) -> dict[_Key, Reference]:
    """Return what the cache holds by (kind, set, name)."""
    return dict(_lines(folder))


def vector(reference: Reference, columns: Iterable[str]) -> NDArray[np.float64]:
    """Return matminer's values of some columns, NaN where there are none."""
    return np.array([reference.values.get(name, np.nan) for name in columns])


def _mend(file: Path) -> None:
    """Cut off the half line that a kill left at the end."""
    if file.exists():
        with file.open("r+b") as stream:
            stream.truncate(stream.read().rfind(b"\n") + 1)


def _append(file: Any, key: _Key, reference: Reference) -> None:
    row = {
        "key": key,
        "columns": list(reference.values),
        "values": [None if np.isnan(value) else value for value in reference.values.values()],
        "problem": reference.problem,
        "cutoff": reference.cutoff,
        "seconds": round(reference.seconds, 4),
    }
    file.write(json.dumps(row) + "\n")
    file.flush()


def _lines(folder: Path) -> Iterator[tuple[_Key, Reference]]:
    """Yield the answers in the file; the end of a line that a kill cut off is not one."""
    file = folder / _FILE
    if not file.exists():
        return
    for line in file.read_text().splitlines(keepends=True):
        if not line.endswith("\n"):
            continue
        row = json.loads(line)
        values = [np.nan if value is None else value for value in row["values"]]
        named = dict(zip(row["columns"], values, strict=True))
        kind, set_name, name = row["key"]
        yield (kind, set_name, name), Reference(kind, named, row["problem"], row["cutoff"], row["seconds"])

"""The flow behind `matsift dataset build`: candidates, labels by CHGNet, one packed file. Resumable at any moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matsift.candidates.plan import Candidate
from matsift.elasticity.moduli import to_upper_triangle
from matsift.execution.killable import KillablePool, Outcome
from matsift_adapters.data import DATASET
from matsift_adapters.data.journal import Journal, read_journal
from matsift_flows.dataset_recipes import recipe
from matsift_flows.orchestration import inner_flow, invoke

from prefect import task  # isort: skip  after orchestration, which sets Prefect's environment
from prefect.cache_policies import NO_CACHE  # isort: skip

#: Wall-clock limit of one candidate; on an idle core the slowest take about a minute.
SECONDS_A_CANDIDATE = 300.0

_CHUNK = 200
_TARGET = "matsift_adapters.oracles.chgnet:label"
_INITIALIZER = "matsift_adapters.oracles.chgnet:initialize_worker"

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class DatasetSummary:
    """What a build did (`n_computed_now`), what is left to do, and the rows of the packed file by role."""

    n_candidate: int
    n_computed_now: int
    n_left: int
    counts: dict[str, int]
    out: Path
    seconds: float


def build_dataset(
    work_dir: Path,
    out: Path,
    *,
    dataset: str = DATASET,
    seed: int,
    n_worker: int,
    limit: int | None,
    progress: Progress | None = None,
) -> DatasetSummary:
    """Return the summary of a build: compute the candidates that the journal lacks, then pack what there is.

    Parameters
    ----------
    work_dir
        Folder of the journal; the same folder and seed continue an earlier build.
    out
        The packed file, written whole or not at all.
    dataset
        Which of the data sets that matsift computes itself.
    seed
        Seed of the candidate list.
    n_worker
        Labelling processes, one thread each.
    limit
        Only this many candidates of the list, from its start; None for all.
    progress
        Called after each candidate with done, total, failed, rate_per_s and remaining_s.
    """
    started = time.monotonic()
    how = recipe(dataset)
    candidates = how.plan(seed)[:limit]
    journal = work_dir / how.journal
    missing = missing_candidates(candidates, journal)
    if missing:
        report = _Report(len(candidates), len(missing), progress)
        invoke(label_candidates, missing, journal, how.method, n_worker, report)
    left = len(missing_candidates(candidates, journal))
    counts = how.pack(candidates, read_journal(journal), out, seed)
    seconds = time.monotonic() - started
    return DatasetSummary(len(candidates), len(missing) - left, left, counts, out, seconds)


def missing_candidates(candidates: Sequence[Candidate], journal: Path) -> list[Candidate]:
    """Return the candidates that have no line in a journal, in their order."""
    done = {(row["start_hash"], row["what"]) for row in read_journal(journal)}
    return [c for c in candidates if (c.crystal.content_hash, c.what) not in done]


@inner_flow("label-candidates")
def label_candidates(
    candidates: Sequence[Candidate], journal: Path, method: str, n_worker: int, report: Callable[[Outcome], None]
) -> None:
    """Compute candidates, a task a chunk."""
    for start in range(0, len(candidates), _CHUNK):
        invoke(label_chunk, candidates[start : start + _CHUNK], journal, method, n_worker, report)


@task(name="label-candidate-chunk", cache_policy=NO_CACHE)
def label_chunk(
    chunk: Sequence[Candidate], journal: Path, method: str, n_worker: int, report: Callable[[Outcome], None]
) -> None:
    """Compute a chunk of candidates in worker processes, and append each to the journal as soon as it is done."""
    by_id = {c.external_id: c for c in chunk}
    pool = KillablePool(_TARGET, n_worker=n_worker, time_limit_s=SECONDS_A_CANDIDATE, initializer=_INITIALIZER)
    with pool, Journal(journal) as lines:
        for outcome in pool.run((c.external_id, (c.what, c.crystal)) for c in chunk):
            lines.append(_journal_row(by_id[str(outcome.key)], method, outcome))
            report(outcome)


def _journal_row(candidate: Candidate, method: str, outcome: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {
        "start_hash": candidate.crystal.content_hash,
        "what": candidate.what,
        "prototype": candidate.prototype,
        "substitution": candidate.substitution,
        "method": method,
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(outcome.seconds, 2),
    }
    if not outcome.ok:
        return {**row, "failure": _failure(candidate, outcome)}
    value = dict(outcome.value)
    relaxed = value.pop("relaxed")
    tensor = value.pop("tensor_gpa", None)
    value["tensor_gpa"] = None if tensor is None else to_upper_triangle(tensor)
    value["lattice"] = [float(v) for v in relaxed.lattice.ravel()]
    value["species"] = list(relaxed.species)
    value["frac_coords"] = [[float(v) for v in xyz] for xyz in relaxed.frac_coords]
    return {**row, "result": value}


def _failure(candidate: Candidate, outcome: Outcome) -> dict[str, str]:
    message = str(outcome.message)
    stage = "label" if candidate.what == "elasticity" and "strained" in message else "relax"
    return {"stage": stage, "error_class": str(outcome.error_class), "message": message}


class _Report:
    """Counts outcomes and passes progress on."""

    def __init__(self, total: int, missing: int, progress: Progress | None) -> None:
        self.total, self.done, self.failed, self.now = total, total - missing, 0, 0
        self.progress, self.started = progress, time.monotonic()

    def __call__(self, outcome: Outcome) -> None:
        self.done += 1
        self.now += 1
        self.failed += not outcome.ok
        if self.progress is None:
            return
        rate = self.now / max(time.monotonic() - self.started, 1e-9)
        self.progress(
            {
                "done": self.done,
                "total": self.total,
                "failed": self.failed,
                "rate_per_s": rate,
                "remaining_s": (self.total - self.done) / rate,
            }
        )

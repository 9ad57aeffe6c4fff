"""The flow behind `matsift dataset build`: candidates, labels by CHGNet, one packed file. Resumable at any moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import flow, task

from matsift.candidates.plan import Candidate, plan_candidates
from matsift.elasticity.moduli import to_upper_triangle
from matsift.execution.killable import KillablePool, Outcome
from matsift_adapters.data.journal import Journal, read_journal
from matsift_adapters.data.packing import pack
from matsift_adapters.oracles.chgnet import METHOD

JOURNAL_NAME = "journal.jsonl"
SECONDS_A_CANDIDATE = 180.0

_CHUNK = 200
_TARGET = "matsift_adapters.oracles.chgnet:label"
_INITIALIZER = "matsift_adapters.oracles.chgnet:initialize_worker"
_STAGES = {"elasticity": "label", "energy": "relax"}

Progress = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class DatasetSummary:
    """What a build did and what the packed file holds."""

    n_candidate: int
    n_computed_now: int
    n_left: int
    counts: dict[str, int]
    out: Path
    seconds: float


def build_dataset(
    work_dir: Path, out: Path, *, seed: int, n_worker: int, limit: int | None, progress: Progress | None = None
) -> DatasetSummary:
    """Return the summary of a build: compute the candidates that the journal lacks, then pack what there is.

    Parameters
    ----------
    work_dir
        Folder of the journal; the same folder and seed continue an earlier build.
    out
        The packed file, written whole or not at all.
    seed
        Seed of the candidate list.
    n_worker
        Labelling processes, one thread each.
    limit
        Only this many candidates of the list, from its start; None for all.
    progress
        Called after each candidate with done, total, failed, rate_per_s, remaining_s.
    """
    started = time.monotonic()
    candidates = plan_candidates(seed)[:limit]
    journal_path = work_dir / JOURNAL_NAME
    done = {(row["start_hash"], row["what"]) for row in read_journal(journal_path)}
    missing = [c for c in candidates if (c.crystal.content_hash, c.what) not in done]
    run_flow = flow(name="dataset-build", log_prints=False)(_compute)
    if missing:
        run_flow(missing, journal_path, n_worker, len(candidates), progress)
    counts = pack(candidates, read_journal(journal_path), out, seed=seed, method=METHOD)
    return DatasetSummary(
        len(candidates), len(missing), len(candidates) - sum(counts.values()), counts, out, time.monotonic() - started
    )


def _compute(
    missing: list[Candidate], journal_path: Path, n_worker: int, total: int, progress: Progress | None
) -> None:
    compute_chunk = task(name="label-chunk")(label_chunk)
    report = _Report(total, total - len(missing), progress)
    for start in range(0, len(missing), _CHUNK):
        compute_chunk(missing[start : start + _CHUNK], journal_path, n_worker, report)


def label_chunk(
    chunk: Sequence[Candidate], journal_path: Path, n_worker: int, report: Callable[[Outcome], None] | None = None
) -> None:
    """Compute a chunk of candidates in worker processes and append each to the journal as it is done."""
    by_key = {c.external_id: c for c in chunk}
    pool = KillablePool(_TARGET, n_worker=n_worker, time_limit_s=SECONDS_A_CANDIDATE, initializer=_INITIALIZER)
    with pool, Journal(journal_path) as journal:
        for outcome in pool.run((c.external_id, (c.what, c.crystal)) for c in chunk):
            journal.append(_journal_row(by_key[str(outcome.key)], outcome))
            if report is not None:
                report(outcome)


def _journal_row(candidate: Candidate, outcome: Outcome) -> dict[str, Any]:
    row: dict[str, Any] = {
        "start_hash": candidate.crystal.content_hash,
        "what": candidate.what,
        "prototype": candidate.prototype,
        "substitution": candidate.substitution,
        "method": METHOD,
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(outcome.seconds, 2),
    }
    if not outcome.ok:
        stage = "relax" if "relax" in str(outcome.message) else _STAGES[candidate.what]
        return {**row, "failure": {"stage": stage, "error_class": outcome.error_class, "message": outcome.message}}
    value = dict(outcome.value)
    relaxed = value.pop("relaxed")
    tensor = value.pop("tensor_gpa", None)
    value["tensor_gpa"] = None if tensor is None else to_upper_triangle(tensor)
    value["lattice"] = [float(v) for v in relaxed.lattice.ravel()]
    value["species"] = list(relaxed.species)
    value["frac_coords"] = [[float(v) for v in xyz] for xyz in relaxed.frac_coords]
    return {**row, "result": value}


class _Report:
    """Counts outcomes and passes progress on."""

    def __init__(self, total: int, done: int, progress: Progress | None) -> None:
        self.total, self.done, self.failed, self.now = total, done, 0, 0
        self.progress, self.started = progress, time.monotonic()

    def __call__(self, outcome: Outcome) -> None:
        self.done += 1
        self.now += 1
        self.failed += not outcome.ok
        rate = self.now / max(time.monotonic() - self.started, 1e-9)
        if self.progress is not None:
            left = (self.total - self.done) / rate
            self.progress(
                {
                    "done": self.done,
                    "total": self.total,
                    "failed": self.failed,
                    "rate_per_s": rate,
                    "remaining_s": left,
                }
            )

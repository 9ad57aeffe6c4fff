"""Trainings one by one: a learner, a modulus and the rows that test; what a worker process does with them."""

from __future__ import annotations

import hashlib
import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.repro_003.described import Described
from benchmarks.repro_003.learners import BY_KEY, Learner
from numpy.typing import NDArray

from matsift.learners import registry
from matsift.learners.columns import element_statistics

_TELL_EVERY = 20


@dataclass(frozen=True)
class Job:
    """One training: the rows of `test` (a name of the task's tests) are asked about, all others are learned from."""

    learner: str
    property_name: str
    test: str

    @property
    def seed(self) -> int:
        """Of all that is random; the same for all learners, as a fusion needs it."""
        return int(hashlib.sha256(f"{self.property_name} {self.test}".encode()).hexdigest()[:8], 16)

    def __str__(self) -> str:
        """Return its name."""
        return f"{self.learner}, {self.property_name}, {self.test}"


@dataclass(frozen=True, eq=False)
class Task:
    """Inputs and labels of n rows, and the tests by name, (n,) masks; `home` keeps what trainings leave.

    `epochs` is how many a network is trained at most.
    """

    home: Path
    data: Described
    moduli: dict[str, NDArray[np.float64]]
    tests: dict[str, NDArray[np.bool_]]
    epochs: int

    @cached_property
    def digest(self) -> str:
        """Twelve characters that tell rows, labels and densities from others."""
        digest = hashlib.sha256()
        for values in (*self.data.columns.values(), self.data.fields.values, *self.moduli.values()):
            digest.update(np.ascontiguousarray(values).tobytes() + b"|")
        return digest.hexdigest()[:12]

    def key(self, job: Job) -> str:
        """Return the name of a result with all that it depends on besides rows and densities."""
        rows = hashlib.sha256(self.tests[job.test].tobytes()).hexdigest()[:8]
        return f"{job} ({rows}) by {BY_KEY[job.learner].mark(self.epochs)}"


Result = dict[str, Any]


def run_all(task: Task, jobs: Sequence[Job], n_worker: int) -> Iterator[tuple[Job, Result]]:
    """Yield the result of each job as processes finish them; 0 stays in this one. Fusions come after their branches."""
    for part in ([j for j in jobs if not BY_KEY[j.learner].branches], [j for j in jobs if BY_KEY[j.learner].branches]):
        if n_worker and part:
            with get_context("spawn").Pool(n_worker, _start, (task,)) as pool:
                yield from pool.imap_unordered(_run, part)
        else:
            yield from ((job, result_of(task, job)) for job in part)


def result_of(task: Task, job: Job) -> Result:
    """Return what a learner says of the test rows, with what it cost."""
    begin, cpu = time.perf_counter(), time.process_time()
    learner = BY_KEY[job.learner]
    mean, spread, more = (_of_bar if learner.bar else _of_network)(task, job, learner)
    return {
        "mean": _short(mean),
        "spread": _short(spread),
        "seconds": round(time.perf_counter() - begin, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "peak_gib": round(_peak_gib(), 3),
        **more,
    }


_Said = tuple[NDArray[np.float64], NDArray[np.float64], Result]
_HELD: list[Task] = []


def _start(task: Task) -> None:
    _HELD[:] = [task]


def _run(job: Job) -> tuple[Job, Result]:
    return job, result_of(_HELD[0], job)


def _of_bar(task: Task, job: Job, learner: Learner) -> _Said:
    bar, test, y = learner.bar, task.tests[job.test], task.moduli[job.property_name]
    assert bar is not None
    X, names = task.data.table(bar.descriptor_sets)
    columns = bar.columns(names)
    X, names = X[:, columns], tuple(names[i] for i in columns)
    model = registry.fit(
        bar.learner, X[~test], y[~test], settings=bar.settings, seed=job.seed, feature_names=names, n_worker=1
    )
    said = model.predict(X[test])
    return said.mean, said.spread, {}


def _of_network(task: Task, job: Job, learner: Learner) -> _Said:
    import torch  # noqa: PLC0415  bars need not wait for it

    from matsift.density.fit import EpochReport, fit, load  # noqa: PLC0415
    from matsift.density.inputs import NetworkInputs  # noqa: PLC0415

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    test, y = task.tests[job.test], task.moduli[job.property_name]
    X, names = task.data.table(("magpie",))
    inputs = NetworkInputs(X[:, element_statistics(names)], task.data.fields)
    reports = list[EpochReport]()

    def on_epoch(report: EpochReport) -> None:
        reports.append(report)
        if report.epoch % _TELL_EVERY == 0:
            print(f"  {job}: {report}", file=sys.stderr, flush=True)

    branches = [Job(key, job.property_name, job.test) for key in learner.branches]
    place = model_path(task, job)
    trained = fit(
        learner.kind,
        inputs.take(~test),
        y[~test],
        settings=learner.filled(task.epochs),
        seed=job.seed,
        checkpoint_dir=place.with_suffix(""),
        on_epoch=on_epoch,
        branches={
            BY_KEY[b.learner].kind: load(BY_KEY[b.learner].kind, model_path(task, b).read_bytes()) for b in branches
        },
    )
    said = trained.predict(inputs.take(test))
    _keep(place, trained.dump())
    total = sum(report.seconds for report in reports)
    return (
        said.mean,
        said.spread,
        {
            "epochs": max((report.epoch for report in reports), default=0),
            "samples_per_second": round(float(np.mean([r.samples_per_second for r in reports] or [0.0])), 1),
            "waiting": round(sum(r.waiting * r.seconds for r in reports) / total, 4) if total else 0.0,
        },
    )


def model_path(task: Task, job: Job) -> Path:
    """Return where a trained network lies; beside it, without the ending, its checkpoints while it is trained."""
    name = hashlib.sha256(f"{task.digest} {task.key(job)}".encode()).hexdigest()[:16]
    return task.home / "networks" / f"{name}.zip"


def _keep(place: Path, model: bytes) -> None:
    part = place.with_suffix(".part")
    part.write_bytes(model)
    part.replace(place)
    for checkpoint in place.with_suffix("").glob("*"):
        checkpoint.unlink()
    place.with_suffix("").rmdir()


def _short(values: Iterable[float]) -> list[float]:
    return [float(f"{value:.7g}") for value in values]


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

"""One training as a worker process is handed it: a learner on descriptors or on densities, and what it then says."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.density.field_folder import read_field_folder
from matsift.density.inputs import NetworkInputs
from matsift.density.settings import NETWORK_KINDS
from matsift.learners import registry
from matsift.learners.prediction import Prediction


@dataclass(frozen=True, eq=False)
class TrainingJob:
    """What to train on which of n rows.

    Parameters
    ----------
    kind, settings, seed
        Of the learner.
    y, roles
        (n,) labels, and "train", "validation" or "test".
    columns, X
        (c,) names and (n, c) values of descriptors; of networks the 132 composition features, or none.
    fields, field_rows
        Folder of densities, and (n,) which of them are the rows'; None for learners that read none.
    checkpoints
        Folder that a network's training is gone on from.
    branches
        Kind -> stored network, for the fusion.
    """

    kind: str
    settings: Mapping[str, Any]
    seed: int
    y: NDArray[np.float64]
    roles: NDArray[np.str_]
    columns: tuple[str, ...]
    X: NDArray[np.float64] | None = None
    fields: Path | None = None
    field_rows: NDArray[np.int64] | None = None
    checkpoints: Path | None = None
    branches: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class TrainedJob:
    """A stored model, and what it says of the validation rows (`seen`) and of the test rows (`said`).

    `importances` (c,) are shares of the gain, None where the learner has no such notion; `progress` tells how a
    network's training went, in words.
    """

    model: bytes
    seen: Prediction
    said: Prediction
    importances: NDArray[np.float64] | None
    seconds: float
    progress: str = ""


def run_job(job: TrainingJob) -> TrainedJob:
    """Return the trained model and its predictions; the target of the worker processes.

    Raises
    ------
    UserInputError
        If the settings are wrong or the rows cannot be learned from.
    """
    started = time.perf_counter()
    if job.kind in NETWORK_KINDS:
        return _network(job, started)
    assert job.X is not None
    rows = {role: job.X[job.roles == role] for role in ("train", "validation", "test")}
    model = registry.fit(
        job.kind,
        rows["train"],
        job.y[job.roles == "train"],
        settings=job.settings,
        seed=job.seed,
        feature_names=job.columns,
    )
    seen, said = model.predict(rows["validation"]), model.predict(rows["test"])
    return TrainedJob(model.dump(), seen, said, model.importances(), time.perf_counter() - started)


def _network(job: TrainingJob, started: float) -> TrainedJob:
    from matsift.density import fit as networks  # noqa: PLC0415  PyTorch takes seconds, which other learners need not

    source = None if job.fields is None else read_field_folder(job.fields)
    magpie, rows = job.X, job.field_rows
    if source is not None and rows is not None and magpie is not None:
        whole = np.full((len(source), magpie.shape[1]), np.nan)
        whole[rows] = magpie
        magpie = whole
    inputs = NetworkInputs(magpie, source, rows if source is not None else None)
    reports = list[networks.EpochReport]()
    trained = networks.fit(
        job.kind,
        inputs.take(job.roles == "train"),
        job.y[job.roles == "train"],
        settings=job.settings,
        seed=job.seed,
        checkpoint_dir=job.checkpoints,
        on_epoch=reports.append,
        branches={kind: networks.load(kind, data) for kind, data in job.branches.items()},
    )
    seen, said = (trained.predict(inputs.take(job.roles == role)) for role in ("validation", "test"))
    return TrainedJob(trained.dump(), seen, said, None, time.perf_counter() - started, _told(reports))


def _told(reports: list[Any]) -> str:
    if not reports:
        return ""
    seconds = sum(report.seconds for report in reports)
    waiting = sum(report.seconds * report.waiting for report in reports) / seconds if seconds else 0.0
    return (
        f"{len(reports)} epochs, loss {reports[-1].loss:.3f}, "
        f"{np.mean([report.samples_per_second for report in reports]):.0f} samples/s, {waiting:.0%} of it waiting"
    )

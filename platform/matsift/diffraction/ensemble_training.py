"""Training of the members of an ensemble in processes of one thread each, two at a time on two cores.

One thread a network wastes nothing on waiting, and keeps the result of a seed the same however many run beside it. A
process works for some seconds and reports; what it has done is in the member's checkpoint, so that any process, of this
run or of a later one, goes on from there.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from matsift.diffraction.devices import chosen_device
from matsift.diffraction.ensemble import SpaceGroupEnsemble, VolumeScale, Weights
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.training import Augment, EpochReport, Training, TrainingSettings
from matsift.errors import MatsiftError, UserInputError
from matsift.execution.in_process import InProcessPool
from matsift.execution.killable import KillablePool

#: Seeds of the six members of the paper.
SEEDS = (1, 2, 3, 4, 5, 6)
#: Seconds that a process works before it reports.
_SLICE_S = 5.0
_TIME_LIMIT_S = 24 * 3600.0


@dataclass(frozen=True, eq=False)
class TrainingItems:
    """What all members of an ensemble learn from.

    Parameters
    ----------
    profiles
        n ideal profiles.
    space_groups
        (n,) numbers of space groups.
    volumes
        (n,) volumes of primitive cells, angstrom3, for SpgVolNet; None for SpgNet.
    """

    profiles: SparseProfiles
    space_groups: NDArray[np.int64]
    volumes: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class _Job:
    """What a process needs to train any member."""

    profiles: SparseProfiles
    classes: NDArray[np.int64]
    z: NDArray[np.float64] | None
    settings: TrainingSettings
    n_class: int
    folder: Path
    augment: Augment | None


@dataclass
class _Process:
    """The member that this process has in hand."""

    job: _Job
    seed: int | None = None
    training: Training | None = None


_process: list[_Process] = []


def prepare(job: _Job) -> None:
    """Take the job in a worker process."""
    torch.set_num_threads(1)
    _process[:] = [_Process(job)]


def work(payload: tuple[int, int]) -> tuple[int, list[EpochReport], Weights | None]:
    """Train a member for some seconds; return its seed, the reports, and the weights once it is trained.

    `payload` is the seed and the number of epochs that are done; a process that stopped elsewhere reads the checkpoint.
    """
    (state,), (seed, n_done) = _process, payload
    job, training = state.job, state.training
    if training is None or state.seed != seed or training.n_done != n_done:
        training = Training(
            job.profiles,
            job.classes,
            job.z,
            job.settings,
            seed,
            n_class=job.n_class,
            checkpoint_dir=job.folder,
            augment=job.augment,
        )
        state.seed, state.training = seed, training
    reports: list[EpochReport] = []
    begin = time.monotonic()
    while training.n_done < job.settings.epochs and time.monotonic() - begin < _SLICE_S:
        reports.append(training.epoch())
    return seed, reports, training.weights() if training.n_done == job.settings.epochs else None


def train_ensemble(
    items: TrainingItems,
    settings: TrainingSettings,
    *,
    seeds: Sequence[int] = SEEDS,
    groups: Sequence[int] | None = None,
    checkpoint_dir: Path | None = None,
    augment: Augment | None = None,
    on_epoch: Callable[[EpochReport], None] | None = None,
    n_process: int | None = None,
) -> SpaceGroupEnsemble:
    """Return the members of several seeds, trained on the same items, as an ensemble that is not calibrated yet.

    Parameters
    ----------
    groups
        The classes; by default the space groups of the items in ascending order.
    checkpoint_dir
        As `train_member`; by default a folder that is gone afterwards.
    augment
        As `train_member`; it must be possible to pickle it, and its ``repr`` must say all its settings.
    on_epoch
        Called here after each epoch of a member; what it raises ends the training.
    n_process
        By default one a core, and one on a GPU; 0 trains in this process, with the threads that torch has here.

    Raises
    ------
    UserInputError
        If an item has another group than `groups`, volumes are not above 0, and as `train_member`.
    MatsiftError
        If a process of the training died.
    """
    named = tuple(sorted({int(group) for group in items.space_groups}) if groups is None else groups)
    scale = None if items.volumes is None else _scale(items.volumes)
    shape = settings.shape(len(named), volume=scale is not None)
    empty = SpaceGroupEnsemble(shape, named, (), (), settings.plain(), scale)
    classes = empty.classes_of(items.space_groups)
    if (classes < 0).any():
        unknown = int(items.space_groups[classes < 0][0])
        raise UserInputError(f"an item has space group {unknown}, which is not among the {len(named)} to train")
    z = None if scale is None else scale.z(items.volumes)  # type: ignore[arg-type]  # a scale needs volumes
    with tempfile.TemporaryDirectory(prefix="matsift_networks_") as scratch:
        job = _Job(items.profiles, classes, z, settings, len(named), checkpoint_dir or Path(scratch), augment)
        members = _trained(job, seeds, n_process, on_epoch)
    trained = tuple(members[seed] for seed in seeds)
    return SpaceGroupEnsemble(shape, named, trained, tuple(seeds), settings.plain(), scale)


def _scale(volumes: ArrayLike) -> VolumeScale:
    values = np.asarray(volumes, dtype=np.float64)
    if not (np.isfinite(values) & (values > 0)).all():
        raise UserInputError("volumes of primitive cells are above 0; leave other items out")
    return VolumeScale.of(values)


def _trained(
    job: _Job, seeds: Sequence[int], n_process: int | None, on_epoch: Callable[[EpochReport], None] | None
) -> dict[int, Weights]:
    """Return the weights by seed; as many members at a time as there are processes."""
    if len(set(seeds)) < len(seeds) or not seeds:
        raise UserInputError(f"an ensemble needs different seeds, not {', '.join(map(str, seeds)) or 'none'}")
    Training(job.profiles, job.classes, job.z, job.settings, seeds[0], n_class=job.n_class)  # refuses before a process
    waiting, members = list(seeds)[::-1], dict[int, Weights]()
    with _pool(job, len(seeds) if n_process is None else min(n_process, len(seeds))) as pool:
        for _ in range(min(len(seeds), pool.n_worker if isinstance(pool, KillablePool) else 1)):
            seed = waiting.pop()
            pool.submit(seed, (seed, 0))
        while pool.n_pending:
            outcome = pool.next_outcome()
            if not outcome.ok:
                raise MatsiftError(f"training of the network with seed {outcome.key} failed: {outcome.message}")
            seed, reports, weights = outcome.value
            if weights is None:
                pool.submit(seed, (seed, reports[-1].epoch))
            else:
                members[seed] = weights
                if waiting:
                    pool.submit(waiting[-1], (waiting.pop(), 0))
            if on_epoch:
                for report in reports:
                    on_epoch(report)
    return members


def _pool(job: _Job, n_process: int) -> KillablePool | InProcessPool:
    if n_process == 0:
        _process[:] = [_Process(job)]
        return InProcessPool(work)
    on_gpu = chosen_device(job.settings.device).type == "cuda"
    return KillablePool(
        f"{__name__}:work",
        n_worker=1 if on_gpu else min(n_process, os.cpu_count() or 1),
        time_limit_s=_TIME_LIMIT_S,
        initializer=f"{__name__}:prepare",
        init_args=(job,),
    )

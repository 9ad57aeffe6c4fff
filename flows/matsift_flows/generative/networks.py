"""The generators of a study: networks that are missing are trained in processes, resumed where they stand."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.errors import UserInputError
from matsift.execution.killable import KillablePool
from matsift.generative.gan_settings import GanSettings
from matsift.generative.training_job import GeneratorJob, Kind, TrainedGenerator, run_job
from matsift.study.generative import GenerativeSettings
from matsift.study.settings import Study
from matsift_flows.generative.known import StudyFormulas
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.workspace import Workspace, code_version
from matsift_schema.store import generation as store
from matsift_schema.store.runs import LazyRun

#: Folder of the states of trainings that are not done, under the workspace's home.
PLACE = "generators"

_TARGET = f"{run_job.__module__}:{run_job.__name__}"
_TIME_LIMIT_S = 24 * 3600.0


@dataclass(frozen=True)
class WantedGenerator:
    """A network that a study asks for."""

    kind: Kind
    settings: Mapping[str, Any]
    seed: int
    formulas: StudyFormulas

    @property
    def content_hash(self) -> str:
        """The identity of the generator version."""
        said = [self.kind, dict(self.settings), self.seed, self.formulas.learned_hash]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class StoredGenerator:
    """A network that is stored."""

    id: int
    record: store.GeneratorRecord


@inner_flow("train generators")
def generators(
    workspace: Workspace, study: Study, settings: GenerativeSettings, formulas: StudyFormulas
) -> dict[Kind, StoredGenerator]:
    """Return the networks of a study by kind; those that are missing are trained.

    Raises
    ------
    UserInputError
        If a training fails.
    """
    wanted = _wanted(study, settings, formulas)
    with workspace.sessions.begin() as session:
        missing = [one for one in wanted if store.find_generator(session, one.content_hash) is None]
    if missing:
        _train(workspace, study, missing)
    found: dict[Kind, StoredGenerator] = {}
    with workspace.sessions.begin() as session:
        for one in wanted:
            stored = store.find_generator(session, one.content_hash)
            assert stored is not None
            found[one.kind] = StoredGenerator(*stored)
    for one in wanted:
        shutil.rmtree(_checkpoints(workspace, one), ignore_errors=True)
    return found


def _wanted(study: Study, settings: GenerativeSettings, formulas: StudyFormulas) -> list[WantedGenerator]:
    wanted = []
    if settings.searches:
        about = settings.autoencoder
        said = {
            "width": about.width,
            "epochs": about.epochs,
            "batch": about.batch,
            "learning_rate": about.learning_rate,
            "schedule": about.schedule,
            "informed_start": about.informed_start,
            "validation_fraction": about.held_out,
            "device": about.device,
        }
        wanted.append(WantedGenerator("composition_autoencoder", said, study.study.seed, formulas))
    if settings.sampling.samples:
        net = settings.gan
        gan = GanSettings(
            architecture=net.architecture,
            width=net.width,
            epochs=net.epochs,
            batch=net.batch,
            critic_steps=net.critic_steps,
            generator_rate=net.learning_rate,
            critic_rate=net.learning_rate,
            penalty=net.penalty,
            reward=net.reward,
            average=net.average,
            device=net.device,
        )
        wanted.append(WantedGenerator("composition_gan", gan.as_dict(), study.study.seed, formulas))
    return wanted


def _train(workspace: Workspace, study: Study, missing: Sequence[WantedGenerator]) -> None:
    n_worker = 1 if _uses_gpu(missing) else workspace.n_worker
    with (
        workspace.reporter.work("train generators", len(missing), "networks") as advance,
        KillablePool(_TARGET, n_worker=n_worker, time_limit_s=_TIME_LIMIT_S) as pool,
    ):
        for outcome in pool.run((i, _job(workspace, one)) for i, one in enumerate(missing)):
            assert isinstance(outcome.key, int)
            one = missing[outcome.key]
            if not outcome.ok:
                raise UserInputError(f"the training of a {one.kind} failed: {outcome.message}")
            parameters = {"generator": one.content_hash}
            with workspace.run("generate", study.name, parameters) as run:
                invoke(write_one, workspace, run, one, outcome.value)
            scores = ", ".join(f"{name} {value:g}" for name, value in outcome.value.scores.items())
            workspace.reporter.say(f"  {one.kind}: {len(one.formulas.learned)} formulas, {scores}")
            advance(1)


@task(name="write generator", cache_policy=NO_CACHE)
def write_one(workspace: Workspace, run: LazyRun, wanted: WantedGenerator, trained: TrainedGenerator) -> int:
    """Write a trained network, all or nothing; return its id."""
    artifact = workspace.artifacts.put(trained.content, ".model")
    record = store.GeneratorRecord(
        content_hash=wanted.content_hash,
        kind=wanted.kind,
        settings=wanted.settings,
        seed=wanted.seed,
        formulas_hash=wanted.formulas.learned_hash,
        n_formula=len(wanted.formulas.learned),
        code_version=code_version(),
        scores=trained.scores,
        artifact_sha256=artifact.sha256,
        artifact_uri=artifact.uri,
    )
    with workspace.sessions.begin() as session:
        return store.write_generator(session, run.id(session), record)


def _job(workspace: Workspace, wanted: WantedGenerator) -> GeneratorJob:
    folder = _checkpoints(workspace, wanted)
    folder.mkdir(parents=True, exist_ok=True)
    return GeneratorJob(wanted.kind, dict(wanted.settings), wanted.seed, wanted.formulas.learned, folder)


def _checkpoints(workspace: Workspace, wanted: WantedGenerator) -> Path:
    return Path(workspace.settings.home) / PLACE / wanted.content_hash


def _uses_gpu(wanted: Sequence[WantedGenerator]) -> bool:
    """Return whether some network would train on a GPU, which two processes had better not share."""
    if {one.settings["device"] for one in wanted} <= {"cpu"}:
        return False
    import torch  # noqa: PLC0415  seconds, which only networks need

    return bool(torch.cuda.is_available())

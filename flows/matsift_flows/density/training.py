"""Training of the learners of a study of densities: those that are missing, in processes, resumed where they stand."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.density.training_job import TrainedJob, TrainingJob, run_job
from matsift.descriptors.registry import descriptor_set
from matsift.errors import UserInputError
from matsift.execution.killable import KillablePool, Outcome
from matsift.learners.calibration import ConformalCalibration
from matsift.learners.registry import target_scale
from matsift.learners.training import interval_metrics, with_intervals
from matsift.reports.notation import quantity
from matsift.study.density import DensitySettings
from matsift.study.settings import Study
from matsift.units import property_definition
from matsift_flows.density.grids import PLACE, GridFolder, grid_folder
from matsift_flows.density.snapshots import held_out
from matsift_flows.density.wanted import WantedLearner, wanted_learners
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.snapshots import descriptor_set_ids
from matsift_flows.workspace import Workspace, code_version
from matsift_schema.store import models as store
from matsift_schema.store.descriptors import load_matrix
from matsift_schema.store.runs import LazyRun

_TARGET = f"{run_job.__module__}:{run_job.__name__}"
_TIME_LIMIT_S = 24 * 3600.0


@dataclass(frozen=True)
class StudyLearner:
    """A stored model of a study, and what was asked for."""

    id: int
    wanted: WantedLearner


@inner_flow("train")
def train_learners(workspace: Workspace, study: Study) -> list[StudyLearner]:
    """Train what a study of densities asks for and is not there yet, and return all of it in the order of the file.

    A network whose training was interrupted goes on from its last epoch.

    Raises
    ------
    UserInputError
        If there are too few crystals, or a training fails.
    """
    settings = study.density
    if settings is None:
        return []
    wanted = [
        model
        for name in study.labels.properties
        for model in wanted_learners(settings, held_out(workspace, study, settings, name), name, study.study.seed)
    ]
    with workspace.sessions.begin() as session:
        found = {model.content_hash: store.find_model(session, model.content_hash) for model in wanted}
    for content_hash in (name for name, stored in found.items() if stored is not None):  # killed when just stored
        shutil.rmtree(workspace.settings.home / PLACE / content_hash, ignore_errors=True)
    missing = {model.content_hash: model for model in wanted if found[model.content_hash] is None}
    if missing:
        found |= _trained(workspace, study, settings, list(missing.values()))
    return [StudyLearner(key, model) for model in wanted if (key := found[model.content_hash]) is not None]


def _trained(
    workspace: Workspace, study: Study, settings: DensitySettings, missing: Sequence[WantedLearner]
) -> dict[str, int | None]:
    """Return content hash -> id of what was trained: networks that a fusion joins before it."""
    found: dict[str, int | None] = {}
    first = [model for model in missing if not model.branches]
    then = [model for model in missing if model.branches]
    with ExitStack() as open_until_done:
        grids = None
        if any(model.learner.reads_grids for model in missing):
            ids = np.unique(np.concatenate([model.held.snapshot.structure_ids for model in missing]))
            grids = open_until_done.enter_context(grid_folder(workspace, study.name, settings, ids))
        advance = open_until_done.enter_context(workspace.reporter.work("train", len(missing), "models"))
        for wave in filter(None, (first, then)):
            for model, outcome in _outcomes(workspace, wave, grids):
                if not outcome.ok:
                    raise UserInputError(f"{model.name}: the training failed: {outcome.message}")
                found[model.content_hash] = _kept(workspace, study, model, outcome.value)
                advance(1)
    return found


def _outcomes(
    workspace: Workspace, wave: Sequence[WantedLearner], grids: GridFolder | None
) -> Iterator[tuple[WantedLearner, Outcome]]:
    on_gpu = _uses_gpu(wave)
    with KillablePool(_TARGET, n_worker=1 if on_gpu else workspace.n_worker, time_limit_s=_TIME_LIMIT_S) as pool:
        jobs = ((number, _job(workspace, model, grids)) for number, model in enumerate(wave))
        for outcome in pool.run(jobs):
            assert isinstance(outcome.key, int)
            yield wave[outcome.key], outcome


def _uses_gpu(wave: Sequence[WantedLearner]) -> bool:
    """Return whether some network would train on a GPU, which two processes had better not share."""
    devices = {model.filled["device"] for model in wave if model.learner.is_network}
    if devices <= {"cpu"}:
        return False
    import torch  # noqa: PLC0415  seconds, which only networks need

    return bool(torch.cuda.is_available())


def _job(workspace: Workspace, model: WantedLearner, grids: GridFolder | None) -> TrainingJob:
    snapshot = model.held.snapshot
    X, columns = None, list[str]()
    with workspace.sessions.begin() as session:
        if model.sets:
            set_ids = descriptor_set_ids(session, model.sets)
            X, columns = load_matrix(session, set_ids, snapshot.structure_ids)
        stored = [store.find_model(session, branch.content_hash) for branch in model.branches]
        branches = {
            branch.learner.kind: store.load_model(session, key).artifact_sha256
            for branch, key in zip(model.branches, stored, strict=True)
            if key is not None
        }
    kept = model.columns(columns)
    reads = grids is not None and model.learner.reads_grids
    return TrainingJob(
        kind=model.learner.kind,
        settings=model.filled,
        seed=model.seed,
        y=snapshot.values,
        roles=snapshot.roles,
        columns=tuple(columns[i] for i in kept),
        X=None if X is None else X[:, kept],
        fields=grids.path if grids is not None and reads else None,
        field_rows=grids.rows(snapshot.structure_ids) if grids is not None and reads else None,
        checkpoints=_checkpoints(workspace, model) if model.learner.is_network else None,
        branches={kind: workspace.artifacts.get(sha) for kind, sha in branches.items()},
    )


def _checkpoints(workspace: Workspace, model: WantedLearner) -> Path:
    folder = workspace.settings.home / PLACE / model.content_hash
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _kept(workspace: Workspace, study: Study, model: WantedLearner, trained: TrainedJob) -> int:
    parameters = {"model": model.content_hash, "property": model.property_name}
    with workspace.run("train", study.name, parameters) as run:
        return invoke(write_one, workspace, run, model, trained)


@task(name="train learner", cache_policy=NO_CACHE)
def write_one(workspace: Workspace, run: LazyRun, model: WantedLearner, trained: TrainedJob) -> int:
    """Calibrate and evaluate a trained model and write all that is said of it, all or nothing; return its id."""
    snapshot, name = model.held.snapshot, model.property_name
    validation, test = (np.flatnonzero(snapshot.roles == role) for role in ("validation", "test"))
    calibration = ConformalCalibration.of(
        snapshot.values[validation], trained.seen, model.settings.coverage, target_scale(model.filled)
    )
    said = with_intervals(trained.said, calibration, property_name=name)
    n_row, metrics = interval_metrics(snapshot.values[test], said, np.ones(len(test), dtype=bool))
    artifact = workspace.artifacts.put(trained.model, ".model")
    with workspace.sessions.begin() as session:
        run_id = run.id(session)
        set_ids = descriptor_set_ids(session, model.sets)
        _, columns = load_matrix(session, set_ids, snapshot.structure_ids[:1]) if set_ids else (None, [])
        kept = model.columns(columns)
        model_id = store.write_model(
            session,
            run_id,
            store.ModelRecord(
                content_hash=model.content_hash,
                learner=model.learner.kind,
                purpose=model.purpose,
                settings=model.said,
                seed=model.seed,
                snapshot_id=snapshot.id,
                property_name=name,
                column_names=model.column_names(columns),
                calibration=calibration.to_json(),
                artifact_sha256=artifact.sha256,
                artifact_uri=artifact.uri,
                code_version=code_version(),
                descriptor_set_ids=set_ids,
            ),
        )
        store.write_evaluations(session, run_id, model_id, subset="test", metrics=metrics, n_row=n_row)
        store.write_held_out(
            session,
            run_id,
            model_id,
            label_ids=snapshot.label_ids[test],
            mean=said.prediction.mean,
            spread=said.prediction.spread,
            lower=said.lower,
            upper=said.upper,
        )
        if trained.importances is not None:
            of_set = [key for key, own in zip(set_ids, model.sets, strict=True) for _ in descriptor_set(own).columns]
            store.write_importances(
                session,
                run_id,
                model_id,
                columns=[columns[i] for i in kept],
                gain_fractions=trained.importances,
                set_ids=[of_set[i] for i in kept],
            )
    shutil.rmtree(workspace.settings.home / PLACE / model.content_hash, ignore_errors=True)
    _tell(workspace, model, trained, metrics, n_row)
    return model_id


def _tell(
    workspace: Workspace, model: WantedLearner, trained: TrainedJob, metrics: Mapping[str, float], n_row: int
) -> None:
    unit = property_definition(model.property_name).unit
    progress = f" ({trained.progress})" if trained.progress else ""
    workspace.reporter.say(
        f"  {model.name}: R2 {metrics.get('r2', np.nan):.3f}, RMSE {quantity(metrics.get('rmse'), unit)} {unit} on "
        f"{n_row} held-out crystals, {trained.seconds:.1f} s{progress}"
    )

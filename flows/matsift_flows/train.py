"""Training: model versions that are missing, each with calibration, evaluation, held-out predictions and artifact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.descriptors.registry import descriptor_set
from matsift.errors import UserInputError
from matsift.learners.training import ModelSpecification, TrainedModel
from matsift.learners.training import train as train_arrays
from matsift.reports.notation import quantity
from matsift.study.settings import Study
from matsift.units import property_definition
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.snapshots import base_snapshot, descriptor_set_ids
from matsift_flows.workspace import Workspace, code_version
from matsift_schema.store import models as store
from matsift_schema.store.datasets import Snapshot
from matsift_schema.store.descriptors import load_matrix
from matsift_schema.store.runs import LazyRun

Role = Literal["ensemble", "baseline", "ablation", "sampling"]


@dataclass(frozen=True)
class WantedModel:
    """A model that a study asks for: what to train, on which snapshot, what for.

    `role` is what a report compares: ensemble, baseline, ablation or sampling; `name` is how it calls it.
    """

    role: Role
    name: str
    specification: ModelSpecification
    snapshot: Snapshot

    @property
    def purpose(self) -> store.Purpose:
        """What the database calls it: only an ensemble of the study's own strategy predicts."""
        return "baseline" if self.role == "sampling" else self.role

    @property
    def content_hash(self) -> str:
        """The identity of the model version."""
        return self.specification.content_hash(self.snapshot.content_hash)


@dataclass(frozen=True)
class StudyModel:
    """A model version that a study asked for, under the name that a report gives it."""

    id: int
    wanted: WantedModel


@inner_flow("train")
def train(workspace: Workspace, study: Study) -> list[StudyModel]:
    """Train what a study asks for before any acquisition and is not there yet.

    That is the ensemble, the baselines, the ablations and the compared sampling strategies, for each property.

    Raises
    ------
    UserInputError
        If there are too few labels, or the study learns space groups or compares learners on densities.
    """
    if study.diffraction is not None:
        raise UserInputError(
            f"the study {study.name} has no candidates to predict: its networks say space groups of patterns; "
            "give `matsift identify` a pattern"
        )
    if study.density is not None:
        raise UserInputError(
            f"the study {study.name} has no candidates to predict: it compares learners on crystals with labels; "
            "see its report"
        )
    wanted = [model for name in study.labels.properties for model in _wanted(workspace, study, name)]
    ids = train_models(workspace, study, wanted, title="train and evaluate")
    return [StudyModel(key, model) for model, key in zip(wanted, ids, strict=True)]


def ensemble(study: Study, property_name: str, sets: Sequence[str] | None = None) -> ModelSpecification:
    """Return the specification of a study's own learner, on all its descriptor sets or on some."""
    return _specification(study, property_name, study.learner.kind, study.learner.settings, sets)


def train_models(workspace: Workspace, study: Study, wanted: Sequence[WantedModel], *, title: str) -> list[int]:
    """Return the ids of model versions, training those that are missing."""
    with workspace.sessions.begin() as session:
        known = {model.content_hash: store.find_model(session, model.content_hash) for model in wanted}
    missing = {m.content_hash: m for m in wanted if known[m.content_hash] is None}
    if missing:
        with workspace.reporter.work(title, len(missing), "models") as advance:
            for content_hash, model in missing.items():
                parameters = {"model": content_hash, "property": model.specification.property_name}
                with workspace.run("train", study.name, parameters) as run:
                    known[content_hash] = invoke(train_one, workspace, study, run, model)
                advance(1)
    return [key for model in wanted if (key := known[model.content_hash]) is not None]


@task(name="train model", cache_policy=NO_CACHE)
def train_one(workspace: Workspace, study: Study, run: LazyRun, wanted: WantedModel) -> int:
    """Train one model version and write all that is said of it, all or nothing; return its id."""
    specification, snapshot = wanted.specification, wanted.snapshot
    names = [name for name, _ in specification.descriptor_sets]
    with workspace.sessions.begin() as session:
        set_ids = descriptor_set_ids(session, names)
        X, columns = load_matrix(session, set_ids, snapshot.structure_ids)
    element = study.sampling.contrast
    with_element = np.array([element in elements for elements in snapshot.elements], dtype=bool)
    trained = train_arrays(
        specification,
        X,
        snapshot.values,
        snapshot.roles,
        columns,
        subsets={} if element is None else {f"test:{element}": with_element},
        n_worker=workspace.n_worker,
    )
    artifact = workspace.artifacts.put(trained.model.dump(), ".model")
    with workspace.sessions.begin() as session:
        run_id = run.id(session)
        model_id = store.write_model(
            session,
            run_id,
            store.ModelRecord(
                content_hash=wanted.content_hash,
                learner=specification.learner,
                purpose=wanted.purpose,
                settings=specification.filled_settings(),
                seed=specification.seed,
                snapshot_id=snapshot.id,
                property_name=specification.property_name,
                column_names=columns,
                calibration=trained.calibration.to_json(),
                artifact_sha256=artifact.sha256,
                artifact_uri=artifact.uri,
                code_version=code_version(),
                descriptor_set_ids=set_ids,
            ),
        )
        for subset, (n_row, metrics) in trained.metrics.items():
            store.write_evaluations(session, run_id, model_id, subset=subset, metrics=metrics, n_row=n_row)
        store.write_held_out(
            session,
            run_id,
            model_id,
            label_ids=snapshot.label_ids[trained.test_rows],
            mean=trained.test.prediction.mean,
            spread=trained.test.prediction.spread,
            lower=trained.test.lower,
            upper=trained.test.upper,
        )
        if (shares := trained.model.importances()) is not None:
            of_column = [key for key, name in zip(set_ids, names, strict=True) for _ in descriptor_set(name).columns]
            store.write_importances(
                session, run_id, model_id, columns=columns, gain_fractions=shares, set_ids=of_column
            )
    _tell(workspace, wanted, trained)
    return model_id


def _wanted(workspace: Workspace, study: Study, property_name: str) -> Iterator[WantedModel]:
    snapshot = base_snapshot(workspace, study, property_name, study.sampling.strategy)
    own = ensemble(study, property_name)
    yield WantedModel("ensemble", "All", own, snapshot)
    for kind in study.learner.baselines:
        yield WantedModel("baseline", kind, _specification(study, property_name, kind, {}, None), snapshot)
    for name, sets in study.learner.ablation.items():
        if tuple(sets) != study.descriptors.sets:
            yield WantedModel("ablation", name, ensemble(study, property_name, sets), snapshot)
    for strategy in study.sampling.compare:
        if strategy != study.sampling.strategy:
            yield WantedModel("sampling", strategy, own, base_snapshot(workspace, study, property_name, strategy))


def _specification(
    study: Study, property_name: str, kind: str, settings: dict[str, object], sets: Sequence[str] | None
) -> ModelSpecification:
    names = study.descriptors.sets if sets is None else tuple(sets)
    return ModelSpecification(
        property_name=property_name,
        learner=kind,
        settings=settings,
        seed=study.study.seed,
        coverage=study.learner.coverage,
        descriptor_sets=tuple((name, descriptor_set(name).version) for name in names),
    )


def _tell(workspace: Workspace, wanted: WantedModel, trained: TrainedModel) -> None:
    n_row, metrics = trained.metrics.get("test", (0, {}))
    about = wanted.specification
    sets = " + ".join(name for name, _ in about.descriptor_sets)
    unit = property_definition(about.property_name).unit
    mae = f"{quantity(metrics.get('mae'), unit)} {'' if unit == '1' else unit}".strip()
    workspace.reporter.say(
        f"  {about.property_name} {about.learner} on {sets}, {wanted.snapshot.strategy}: "
        f"R2 {metrics.get('r2', np.nan):.3f}, MAE {mae} on {n_row} test labels"
    )

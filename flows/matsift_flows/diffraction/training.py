"""Training of the networks of a study: ensembles that are missing, resumed where they stand, calibrated, evaluated."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect import task
from prefect.cache_policies import NO_CACHE

from matsift.descriptors.diffraction import DIFFRACTION
from matsift.diffraction.assessment import Assessment, Items, assess, check_calibration
from matsift.diffraction.ensemble import SpaceGroupEnsemble
from matsift.diffraction.ensemble_training import TrainingItems, train_ensemble
from matsift.diffraction.made_up import Wanted, made_up
from matsift.diffraction.measured_like import MeasuredLike
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.together import Evidence
from matsift.diffraction.training import EpochReport, TrainingSettings
from matsift.study.diffraction import DiffractionSettings, NetworkSettings
from matsift.study.settings import Study
from matsift_flows.diffraction.datasets import CALIBRATE, PROPERTY, TEST, TRAIN, snapshots
from matsift_flows.diffraction.searching import weighed
from matsift_flows.orchestration import inner_flow, invoke
from matsift_flows.progress import LINE_EVERY_S
from matsift_flows.workspace import Workspace, code_version
from matsift_schema.store import models as store
from matsift_schema.store.datasets import Snapshot
from matsift_schema.store.descriptors import find_descriptor_set
from matsift_schema.store.diffraction import load_profiles
from matsift_schema.store.labels import property_values
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.space_groups import HeldOutGroups, write_held_out_groups
from matsift_schema.store.structures import load_crystals

#: Where networks in training are kept, in the home folder; gone when they are stored.
CHECKPOINTS = "training"


@dataclass(frozen=True)
class WantedEnsemble:
    """An ensemble that a study asks for; the first one identifies patterns."""

    settings: DiffractionSettings
    network: NetworkSettings
    snapshot: Snapshot
    seed: int
    is_first: bool

    @property
    def measured_like(self) -> bool:
        """Whether it learns from profiles as they would be measured."""
        own = self.network.measured_like
        return self.settings.augmentation.measured_like if own is None else own

    @property
    def said(self) -> dict[str, Any]:
        """All settings that decide what the networks say."""
        training = self.settings.training.model_dump(mode="json", exclude={"device"})
        augmentation = self.settings.augmentation.model_dump(mode="json")
        return {
            **training,
            "members": self.network.members,
            "volume": self.network.kind == "spg_vol_net",
            "range": self.network.range,
            "split": self.network.split,
            "augmentation": {**augmentation, "measured_like": self.measured_like},
            "coverage": self.settings.coverage,
            "groups": self.snapshot.settings["groups"],
        }

    @property
    def content_hash(self) -> str:
        """The identity of the model version."""
        parts = [self.snapshot.content_hash, self.network.kind, self.said, self.seed, DIFFRACTION.version]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def purpose(self) -> store.Purpose:
        """What the database calls it: only the first one is asked."""
        return "ensemble" if self.is_first else "ablation"


@dataclass(frozen=True)
class StudyNetwork:
    """A stored ensemble of a study, and what its file calls it."""

    id: int
    wanted: WantedEnsemble

    @property
    def name(self) -> str:
        """What the report calls it."""
        return self.wanted.network.name


@inner_flow("train")
def train_networks(workspace: Workspace, study: Study) -> list[StudyNetwork]:
    """Train the ensembles of a study that are missing, and return them all in the order of the file.

    A training that was interrupted goes on from its last epoch.

    Raises
    ------
    UserInputError
        If there are too few crystals to learn from, to test or to calibrate by.
    """
    settings = study.diffraction
    if settings is None:
        return []
    found = []
    drawn = snapshots(workspace, study, settings)
    for number, (network, snapshot) in enumerate(zip(settings.networks, drawn, strict=True)):
        wanted = WantedEnsemble(settings, network, snapshot, study.study.seed, is_first=number == 0)
        with workspace.sessions.begin() as session:
            known = store.find_model(session, wanted.content_hash)
        if known is None:
            parameters = {"model": wanted.content_hash, "property": PROPERTY}
            with workspace.run("train", study.name, parameters) as run:
                known = invoke(train_one, workspace, run, wanted)
        found.append(StudyNetwork(known, wanted))
    return found


@task(name="train ensemble", cache_policy=NO_CACHE)
def train_one(workspace: Workspace, run: LazyRun, wanted: WantedEnsemble) -> int:
    """Train, calibrate and evaluate an ensemble and write all that is said of it, all or nothing; return its id."""
    training, test, calibration = (_items(workspace, wanted.snapshot, role) for role in (TRAIN, TEST, CALIBRATE))
    check_calibration(len(calibration), wanted.settings.coverage)
    items = _with_made_up(workspace, wanted, training, test, calibration)
    folder = workspace.settings.home / CHECKPOINTS / wanted.content_hash
    ensemble = _calibrated(wanted, _trained(workspace, wanted, items, folder), calibration)
    assessed = assess(ensemble, items, test, subset=wanted.network.split)
    evidence = None
    if wanted.is_first:
        coverage = wanted.settings.coverage
        evidence = weighed(workspace, wanted.snapshot, CALIBRATE, ensemble, coverage, wanted.seed)
    model_id = _write(workspace, run, wanted, ensemble, evidence, assessed, len(test))
    shutil.rmtree(folder, ignore_errors=True)
    _tell(workspace, wanted, assessed, len(test))
    return model_id


def _items(workspace: Workspace, snapshot: Snapshot, role: str) -> Items:
    """Return the rows of a snapshot that have a role."""
    rows = np.flatnonzero(snapshot.roles == role)
    ids = snapshot.structure_ids[rows]
    with workspace.sessions.begin() as session:
        set_id = find_descriptor_set(session, DIFFRACTION.name, DIFFRACTION.version)
        assert set_id is not None
        stored = load_profiles(session, set_id, ids)
        volumes = property_values(session, "primitive_cell_volume", ids, methods=sorted(set(snapshot.methods)))
    place = {int(key): i for i, key in enumerate(stored.structure_ids)}
    profiles = stored.profiles.take(np.array([place[key] for key in ids.tolist()], dtype=np.int64))
    return Items(profiles, snapshot.values[rows].astype(np.int64), volumes, snapshot.folds[rows])


def _with_made_up(
    workspace: Workspace, wanted: WantedEnsemble, training: Items, test: Items, calibration: Items
) -> Items:
    """Return the training items and what is made up besides."""
    settings = wanted.settings.augmentation
    kinds = Wanted(settings.isotypic_up_to, settings.volume_spread, settings.swap_share, settings.synthetic)
    if not kinds.isotypic_up_to and not kinds.synthetic:
        return training
    snapshot = wanted.snapshot
    with workspace.sessions.begin() as session:
        crystals = load_crystals(session, snapshot.structure_ids[snapshot.roles == TRAIN])
    made = made_up(
        crystals,
        training.space_groups,
        training.volumes,
        SparseProfiles.concatenate([test.profiles, calibration.profiles]),
        np.concatenate([test.space_groups, calibration.space_groups]),
        kinds,
        wanted.seed,
    )
    workspace.reporter.say(f"  {wanted.network.name}: {len(made)} crystals are made up to learn from")
    return replace(
        training,
        profiles=SparseProfiles.concatenate([training.profiles, made.profiles]),
        space_groups=np.concatenate([training.space_groups, made.space_groups]),
        volumes=np.concatenate([training.volumes, made.volumes]),
        folds=np.concatenate([training.folds, np.full(len(made), -1)]),
    )


def _trained(workspace: Workspace, wanted: WantedEnsemble, items: Items, folder: Path) -> SpaceGroupEnsemble:

    volumes = items.volumes if wanted.network.kind == "spg_vol_net" else None
    members, epochs = wanted.network.members, wanted.settings.training.epochs
    folder.mkdir(parents=True, exist_ok=True)
    with workspace.reporter.work(f"train {wanted.network.name}", members * epochs, "epochs") as advance:
        return train_ensemble(
            TrainingItems(items.profiles, items.space_groups, volumes),
            TrainingSettings(**wanted.settings.training.model_dump()),
            seeds=[wanted.seed * 1000 + number for number in range(1, members + 1)],
            groups=wanted.snapshot.settings["groups"],
            checkpoint_dir=folder,
            augment=MeasuredLike() if wanted.measured_like else None,
            on_epoch=_teller(workspace, advance),
            n_process=workspace.n_worker,
        )


def _teller(workspace: Workspace, advance: Callable[[int], None]) -> Callable[[EpochReport], None]:
    """Return what counts an epoch, and now and then tells its loss and rate."""
    last, counted = time.monotonic(), dict[int, int]()

    def tell(report: EpochReport) -> None:
        nonlocal last
        advance(report.epoch - counted.get(report.seed, 0))  # what an earlier run has done counts too
        counted[report.seed] = report.epoch
        is_end = report.epoch == report.n_epoch
        if is_end or time.monotonic() - last >= LINE_EVERY_S:
            last = time.monotonic()
            workspace.reporter.say(f"    {report}")

    return tell


def _calibrated(wanted: WantedEnsemble, ensemble: SpaceGroupEnsemble, items: Items) -> SpaceGroupEnsemble:
    """Return the ensemble, calibrated by profiles of the kind that it learned from."""
    profiles = items.profiles
    if wanted.measured_like:
        profiles = MeasuredLike()(profiles, np.random.default_rng(wanted.seed))
    classes = ensemble.classes_of(items.space_groups)
    return ensemble.calibrated(profiles, classes, items.volumes, coverage=wanted.settings.coverage)


def _write(
    workspace: Workspace,
    run: LazyRun,
    wanted: WantedEnsemble,
    ensemble: SpaceGroupEnsemble,
    evidence: Evidence | None,
    assessed: Assessment,
    n_test: int,
) -> int:
    artifact = workspace.artifacts.put(ensemble.dump(), ".model")
    snapshot = wanted.snapshot
    with workspace.sessions.begin() as session:
        run_id = run.id(session)
        set_id = find_descriptor_set(session, DIFFRACTION.name, DIFFRACTION.version)
        assert set_id is not None
        model_id = store.write_model(
            session,
            run_id,
            store.ModelRecord(
                content_hash=wanted.content_hash,
                learner=ensemble.learner,
                purpose=wanted.purpose,
                settings=wanted.said,
                seed=wanted.seed,
                snapshot_id=snapshot.id,
                property_name=PROPERTY,
                column_names=DIFFRACTION.columns,
                calibration=_calibration(ensemble, evidence),
                artifact_sha256=artifact.sha256,
                artifact_uri=artifact.uri,
                code_version=code_version(),
                descriptor_set_ids=[set_id],
            ),
        )
        n_set = len(set(snapshot.folds[snapshot.folds > 0].tolist())) or 1
        for subset, metrics in assessed.metrics.items():
            n_row = n_test // n_set if subset.startswith("validation_") and subset != "validation_sets" else n_test
            store.write_evaluations(session, run_id, model_id, subset=subset, metrics=metrics, n_row=n_row)
        write_held_out_groups(session, run_id, model_id, _rows(snapshot.label_ids[snapshot.roles == TEST], assessed))
    return model_id


def _calibration(ensemble: SpaceGroupEnsemble, evidence: Evidence | None) -> Mapping[str, Any]:
    assert ensemble.certainty is not None
    quartiles, scale = ensemble.volume_ratio_quartiles, ensemble.volume
    return {
        **ensemble.certainty.plain(),
        "volume_ratio_quartiles": None if quartiles is None else list(quartiles),
        "log_volume_mean": None if scale is None else scale.mean,
        "log_volume_sigma": None if scale is None else scale.sigma,
        "evidence": None if evidence is None else evidence.plain(),
    }


def _rows(label_ids: NDArray[np.int64], assessed: Assessment) -> HeldOutGroups:
    return HeldOutGroups(
        label_ids=label_ids,
        predicted=assessed.predicted,
        probability=assessed.probability,
        true_probability=assessed.true_probability,
        true_rank=assessed.true_rank,
        member_predicted=assessed.member_predicted,
        member_probabilities=assessed.member_probabilities,
        in_set=assessed.in_set,
        set_size=assessed.set_size,
        relation=assessed.relations,
        volume=assessed.volumes,
    )


def _tell(workspace: Workspace, wanted: WantedEnsemble, assessed: Assessment, n_test: int) -> None:
    metrics = next(iter(assessed.metrics.values()))
    volume = metrics.get("volume_absolute_error_median")
    about = "" if volume is None else f", median error of the volume {volume:.1%}"
    workspace.reporter.say(
        f"  {wanted.network.name}: {n_test} held-out crystals, macro recall {metrics['recall']:.3f} (nearest profile "
        f"{metrics['nearest_recall']:.3f}), precision {metrics['precision']:.3f}{about}"
    )

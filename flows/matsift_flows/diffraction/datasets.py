"""Which crystals a network learns from and which are held out: the snapshots of a study of space groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.descriptors.diffraction import DIFFRACTION
from matsift.diffraction.leakage import leak_pairs
from matsift.diffraction.sets import DiffractionSets, SetSettings, draw_sets
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.structure_type import TypeSplitSettings, split_by_type
from matsift.errors import UserInputError
from matsift.learners.snapshot import snapshot_hash
from matsift.screening.quality import rule_set_hash
from matsift.study.diffraction import DiffractionSettings, NetworkSettings
from matsift.study.settings import Study
from matsift_flows.workspace import Workspace
from matsift_schema.store.datasets import Snapshot, find_snapshot, load_snapshot, write_snapshot
from matsift_schema.store.descriptors import find_descriptor_set
from matsift_schema.store.diffraction import load_profiles
from matsift_schema.store.labels import label_table
from matsift_schema.store.structures import load_structures
from matsift_schema.store.symmetry import atoms_per_volume, structure_types

PROPERTY = "space_group_number"
TRAIN, CALIBRATE, TEST = "train", "validation", "test"


@dataclass(frozen=True, eq=False)
class Crystals:
    """The n crystals that a study may learn from, ordered by structure content hash, all (n,)."""

    label_ids: NDArray[np.int64]
    structure_ids: NDArray[np.int64]
    structure_hashes: tuple[str, ...]
    space_groups: NDArray[np.int64]
    log_volumes: NDArray[np.float64]
    log_densities: NDArray[np.float64]
    types: tuple[str, ...]
    profiles: SparseProfiles

    def __len__(self) -> int:
        return len(self.label_ids)


@dataclass(frozen=True, eq=False)
class Drawn:
    """Roles (n,), empty where a crystal has none, and the number of the validation set, -1 for none."""

    roles: NDArray[np.str_]
    folds: NDArray[np.int64]


def snapshots(workspace: Workspace, study: Study, settings: DiffractionSettings) -> list[Snapshot]:
    """Return the snapshot that each network of a study learns from, written where it is new.

    Raises
    ------
    UserInputError
        If too few crystals, or space groups with enough of them, are there.
    """
    with workspace.sessions.begin() as session:
        crystals = _crystals(session, study, settings)
    if not len(crystals):
        raise UserInputError(
            "there is no crystal to learn from: none has a space group, a primitive cell and a profile, comes from a "
            "source of the study and passes its rules; see TABLE analysis.failure in `matsift db shell`"
        )
    pairs = leak_pairs(crystals.profiles, crystals.space_groups)
    sets = draw_sets(
        crystals.space_groups,
        crystals.log_volumes,
        crystals.log_densities,
        pairs,
        SetSettings(**settings.set_options(study.study.seed)),
    )
    return [_snapshot(workspace, study, settings, network, crystals, sets, pairs) for network in settings.networks]


def _snapshot(
    workspace: Workspace,
    study: Study,
    settings: DiffractionSettings,
    network: NetworkSettings,
    crystals: Crystals,
    sets: DiffractionSets,
    pairs: NDArray[np.int64],
) -> Snapshot:
    if network.split == "structure_type":
        drawn = _by_type(study, settings, network, crystals, sets, pairs)
    else:
        drawn = _by_sets(settings, network, sets)
    rows = np.flatnonzero(drawn.roles != "")
    content = [
        (
            crystals.structure_hashes[i],
            float(crystals.space_groups[i]),
            settings.method,
            settings.origin,
            f"{drawn.roles[i]} {drawn.folds[i]}",
        )
        for i in rows
    ]
    key = snapshot_hash(PROPERTY, content)
    with workspace.sessions.begin() as session:
        found = find_snapshot(session, key)
    if found is None:
        with (
            workspace.run("snapshot", study.name, {"property": PROPERTY, "snapshot": key}) as run,
            workspace.sessions.begin() as session,
        ):
            found = write_snapshot(
                session,
                run.id(session),
                key,
                property_name=PROPERTY,
                strategy="structure_type" if network.split == "structure_type" else "diffraction",
                settings=_said(study, settings, network, sets),
                seed=study.study.seed,
                label_ids=crystals.label_ids[rows],
                roles=drawn.roles[rows],
                folds=[None if fold < 0 else int(fold) for fold in drawn.folds[rows]],
            )
        _tell(workspace, network, crystals, drawn, len(sets.groups))
    with workspace.sessions.begin() as session:
        return load_snapshot(session, found)


def _by_sets(settings: DiffractionSettings, network: NetworkSettings, sets: DiffractionSets) -> Drawn:
    """Return roles by the paper: the first sets test, the others calibrate, what is left of the range trains."""
    roles = np.full(len(sets.classes), "", dtype="<U10")
    roles[sets.in_range[network.range] & (sets.validation == 0)] = TRAIN
    tests = (sets.validation > 0) & (sets.validation <= settings.validation_sets)
    roles[tests] = TEST
    roles[sets.validation > settings.validation_sets] = CALIBRATE
    return Drawn(roles, np.where(tests, sets.validation, -1))


def _by_type(
    study: Study,
    settings: DiffractionSettings,
    network: NetworkSettings,
    crystals: Crystals,
    sets: DiffractionSets,
    pairs: NDArray[np.int64],
) -> Drawn:
    """Return roles that leave whole structure types out of training; every other held-out item calibrates.

    What has a look-alike among the held-out items does not train either.
    """
    n_item = 2 * settings.items * settings.validation_sets
    split = split_by_type(sets.classes, crystals.types, TypeSplitSettings(n_item=n_item, seed=study.study.seed))
    if not len(split.classes):
        raise UserInputError(
            f"no space group has {n_item} crystals of structure types that can be left out of training; lower "
            "diffraction.items or validation_sets, or leave out the network with split = 'structure_type'"
        )
    looks_alike = np.zeros(len(crystals), dtype=bool)
    for one, other in ((0, 1), (1, 0)):
        looks_alike[pairs[split.is_test[pairs[:, one]], other]] = True
    roles = np.full(len(crystals), "", dtype="<U10")
    roles[split.is_training & sets.in_range[network.range] & ~looks_alike] = TRAIN
    for number in split.classes.tolist():
        rows = np.flatnonzero(split.is_test & (sets.classes == number))
        roles[rows[::2]], roles[rows[1::2]] = TEST, CALIBRATE
    return Drawn(roles, np.full(len(crystals), -1))


def _said(
    study: Study, settings: DiffractionSettings, network: NetworkSettings, sets: DiffractionSets
) -> dict[str, Any]:
    return {
        "range": network.range,
        "groups": sets.groups.tolist(),
        "sets": settings.set_options(study.study.seed),
        "validation_sets": settings.validation_sets,
        "leakage_window": 5,
        "mean_log_volume": sets.mean_u,
        "sigma_log_volume": sets.sigma_u,
        "mean_log_density": sets.mean_eta,
        "sigma_log_density": sets.sigma_eta,
        "symprec": settings.symprec,
        "rule_set": rule_set_hash(study.labels.rules),
        "descriptor_sets": [DIFFRACTION.name],
    }


def _crystals(session: Session, study: Study, settings: DiffractionSettings) -> Crystals:
    """Return the accepted crystals of a study that have a space group, a volume, a type and a profile."""
    labels = label_table(session, [PROPERTY], rule_set=rule_set_hash(study.labels.rules), methods=[settings.method])
    volumes = label_table(session, ["primitive_cell_volume"], methods=[settings.method])
    volume_of = {
        int(key): float(value)
        for key, value, origin in zip(volumes.structure_ids, volumes.values, volumes.origins, strict=True)
        if origin == settings.origin
    }
    stated = load_structures(session, sources=[source.name for source in study.sources]).ids
    set_id = find_descriptor_set(session, DIFFRACTION.name, DIFFRACTION.version)
    stored = None if set_id is None else load_profiles(session, set_id, stated)
    place = {} if stored is None else {int(key): i for i, key in enumerate(stored.structure_ids)}
    type_of = dict(zip(stated.tolist(), structure_types(session, settings.method, stated), strict=True))
    rows = [
        i
        for i, key in enumerate(labels.structure_ids.tolist())
        if labels.origins[i] == settings.origin
        and labels.verdicts[i] == "accepted"
        and key in place
        and key in volume_of
        and type_of.get(key) is not None
    ]
    ids = labels.structure_ids[rows]
    empty = SparseProfiles.from_lists([], [])
    return Crystals(
        labels.label_ids[rows],
        ids,
        tuple(labels.structure_hashes[i] for i in rows),
        labels.values[rows].astype(np.int64),
        np.log(np.array([volume_of[key] for key in ids.tolist()])),
        np.log(atoms_per_volume(session, ids)),
        tuple(str(type_of[key]) for key in ids.tolist()),
        empty if stored is None else stored.profiles.take([place[key] for key in ids.tolist()] or np.zeros(0, int)),
    )


def _tell(workspace: Workspace, network: NetworkSettings, crystals: Crystals, drawn: Drawn, n_group: int) -> None:
    counts = [int((drawn.roles == role).sum()) for role in (TRAIN, TEST, CALIBRATE)]
    workspace.reporter.say(
        f"  {network.name}: of {len(crystals)} crystals, {counts[0]} in {n_group} space groups train, "
        f"{counts[1]} test, {counts[2]} calibrate"
    )

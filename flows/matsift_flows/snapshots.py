"""Dataset snapshots of a study: the accepted labels of its sources with their roles, and those grown by a campaign."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.acquisition.held_back import hold_back
from matsift.descriptors.registry import descriptor_set
from matsift.errors import UserInputError
from matsift.learners.snapshot import snapshot_hash
from matsift.learners.splits import Strategy, assign_roles, roles_of_fold
from matsift.screening.quality import rule_set_hash
from matsift.study.settings import Study
from matsift_flows.workspace import Workspace
from matsift_schema.store.datasets import Snapshot, find_snapshot, load_snapshot, write_snapshot
from matsift_schema.store.descriptors import find_descriptor_set, has_descriptors
from matsift_schema.store.folds import STRATEGY, folded_labels
from matsift_schema.store.labels import LabelColumns, label_table
from matsift_schema.store.structures import load_structures


def descriptor_set_ids(session: Session, names: Sequence[str]) -> list[int]:
    """Return the database ids of descriptor sets in their current version.

    Raises
    ------
    UserInputError
        If nothing was computed in one of them yet.
    """
    ids = {name: find_descriptor_set(session, name, descriptor_set(name).version) for name in names}
    for name, key in ids.items():
        if key is None:
            raise UserInputError(f"no structure has {name} descriptors yet; run `matsift featurize` or `matsift run`")
    return [key for key in ids.values() if key is not None]


def base_snapshot(
    workspace: Workspace, study: Study, property_name: str, strategy: Strategy | Literal["official_fold"]
) -> Snapshot:
    """Return the snapshot that a study starts from: one accepted label a structure that has all descriptors.

    Labels that our own oracles added later do not belong to it, so the same sources give the same snapshot. Nor do
    those that a replay holds back.

    Raises
    ------
    UserInputError
        If there are too few labels.
    """
    with workspace.sessions.begin() as session:
        labels, rows = accepted_labels(session, study, property_name)
        rows = rows[~np.isin(labels.structure_ids[rows], list(held_back_structures(session, study)))]
        fold_of = _official_folds(session, study, property_name) if strategy == STRATEGY else {}
        compositions = reduced_formulae(session, labels.structure_ids[rows])
    if not len(rows):
        raise UserInputError(
            f"there is no label of {property_name} to learn from: of {len(labels)} labels none comes from a source of "
            "the study, passes its rules and has all descriptors; check labels.methods and the sources' labels in the "
            "study, and TABLE analysis.failure in `matsift db shell`"
        )
    sampling = study.sampling
    settings = {
        "element": sampling.element,
        "test_fraction": sampling.test_fraction,
        "validation_fraction": sampling.validation_fraction,
        "threshold": sampling.thresholds.get(property_name) if strategy == "model_3" else None,
        "rule_set": rule_set_hash(study.labels.rules),
        "descriptor_sets": list(study.descriptors.sets),
    }
    if strategy == STRATEGY:
        folds = np.array([fold_of.get(int(key), -1) for key in labels.label_ids[rows]], dtype=np.int64)
        roles = roles_of_fold(
            folds, sampling.fold, validation_fraction=sampling.validation_fraction, seed=study.study.seed
        )
        settings |= {"fold": sampling.fold}
    else:
        roles = assign_roles(
            strategy,
            labels.values[rows],
            np.array([sampling.element in labels.elements[i] for i in rows], dtype=bool),
            test_fraction=sampling.test_fraction,
            validation_fraction=sampling.validation_fraction,
            threshold=sampling.thresholds.get(property_name),
            seed=study.study.seed,
            groups=compositions,
        )
    return store_snapshot(workspace, study, property_name, strategy, settings, labels, rows, roles)


def reduced_formulae(session: Session, structure_ids: NDArray[np.int64]) -> list[str]:
    """Return the reduced formula of each structure, in the order of the ids."""
    table = load_structures(session, ids=structure_ids)
    of = dict(zip(table.ids.tolist(), table.reduced_formulae, strict=True))
    return [of[key] for key in structure_ids.tolist()]


def held_back_structures(session: Session, study: Study) -> set[int]:
    """Return the ids of the labelled structures that play candidates in a replay; none unless the study says so.

    They are chosen among those whose labels of all properties of the study a model may learn from.
    """
    wanted = study.campaign.held_back
    if wanted is None:
        return set()
    elements: dict[str, tuple[int, tuple[str, ...]]] = {}
    common: set[str] | None = None
    for property_name in study.labels.properties:
        labels, rows = accepted_labels(session, study, property_name)
        found = {labels.structure_hashes[i]: (int(labels.structure_ids[i]), labels.elements[i]) for i in rows}
        common = set(found) if common is None else common & set(found)
        elements |= found
    hashes = sorted(common or ())
    chosen = hold_back([elements[key][1] for key in hashes], first=wanted.elements, size=wanted.size, seed=wanted.seed)
    return {elements[key][0] for key, is_held in zip(hashes, chosen, strict=True) if is_held}


def _official_folds(session: Session, study: Study, property_name: str) -> dict[int, int]:
    """Return label id -> fold in which a benchmark of the study tests it."""
    return {
        row.label_id: row.fold
        for source in study.sources
        for row in folded_labels(session, source.name).get(property_name, ())
    }


def grown_snapshot(workspace: Workspace, study: Study, base: Snapshot, new_label_ids: Sequence[int]) -> Snapshot:
    """Return the snapshot of the rows of `base` with their roles, and further labels that train."""
    if not new_label_ids:
        return base
    with workspace.sessions.begin() as session:
        labels = label_table(session, [base.property_name])
    position = {int(key): i for i, key in enumerate(labels.label_ids)}
    role = dict(zip((int(key) for key in base.label_ids), base.roles, strict=True))
    role.update({int(key): np.str_("train") for key in new_label_ids})
    rows = np.sort(np.array([position[key] for key in role], dtype=np.int64))
    roles = np.array([role[int(labels.label_ids[i])] for i in rows])
    settings = {**base.settings, "grown_from": base.content_hash}
    return store_snapshot(workspace, study, base.property_name, base.strategy, settings, labels, rows, roles)


def accepted_labels(session: Session, study: Study, property_name: str) -> tuple[LabelColumns, NDArray[np.int64]]:
    """Return the labels of a property, and the positions of those that a model may learn from.

    What a source has withdrawn, or states of another structure by now, is none of them.
    """
    labels = label_table(
        session, [property_name], rule_set=rule_set_hash(study.labels.rules), methods=study.labels.methods
    )
    sources = [source.name for source in study.sources]
    is_stated = np.isin(labels.structure_ids, load_structures(session, sources=sources).ids)
    there = is_stated & has_descriptors(
        session, descriptor_set_ids(session, study.descriptors.sets), labels.structure_ids
    )
    first: dict[str, int] = {}
    for i in range(len(labels)):
        if labels.verdicts[i] == "accepted" and labels.origins[i] in study.label_origins and there[i]:
            first.setdefault(labels.structure_hashes[i], i)
    return labels, np.array(list(first.values()), dtype=np.int64)


def store_snapshot(
    workspace: Workspace,
    study: Study,
    property_name: str,
    strategy: str,
    settings: dict[str, object],
    labels: LabelColumns,
    rows: NDArray[np.int64],
    roles: NDArray[np.str_],
    folds: NDArray[np.int64] | None = None,
) -> Snapshot:
    """Return the snapshot of some rows of a table of labels with their roles, written where it is new."""
    content = [
        (labels.structure_hashes[i], float(labels.values[i]), labels.methods[i], labels.origins[i], str(role))
        for i, role in zip(rows, roles, strict=True)
    ]
    key = snapshot_hash(property_name, content)
    with workspace.sessions.begin() as session:
        found = find_snapshot(session, key)
    if found is None:
        parameters = {"property": property_name, "snapshot": key}
        with workspace.run("snapshot", study.name, parameters) as run, workspace.sessions.begin() as session:
            found = write_snapshot(
                session,
                run.id(session),
                key,
                property_name=property_name,
                strategy=strategy,
                settings=settings,
                seed=study.study.seed,
                label_ids=labels.label_ids[rows],
                roles=roles,
                folds=None if folds is None else folds.tolist(),
            )
    with workspace.sessions.begin() as session:
        return load_snapshot(session, found)

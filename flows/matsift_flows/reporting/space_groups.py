"""The whole report of a study of space groups, read from the database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.diffraction.group_relations import Relation
from matsift.reports.data import FailureCount, SummaryNumber
from matsift.reports.group_scores import METRICS, group_scores
from matsift.reports.notation import number, percent
from matsift.reports.patterns import PatternAnswer
from matsift.reports.space_groups import GroupCount, GroupScore, HeldOutGroups, SpaceGroupReport
from matsift.study.settings import Study
from matsift_flows.reporting.footer import footer_of_models
from matsift_flows.workspace import Workspace
from matsift_schema.store.datasets import Snapshot, load_snapshot
from matsift_schema.store.failures import failure_counts
from matsift_schema.store.models import load_evaluations, load_model
from matsift_schema.store.space_groups import HeldOutTruth, load_held_out_groups

_SETS = ("diffraction",)
_COVERAGE = 0.9


def gather_space_groups(
    workspace: Workspace, study: Study, networks: Mapping[int, str], answers: Sequence[PatternAnswer]
) -> SpaceGroupReport:
    """Return the report of a study on what the database holds now.

    Parameters
    ----------
    workspace, study
        Where, and of which study.
    networks
        Ensemble -> what the study calls it, the one that patterns are asked of first.
    answers
        Patterns to show with what was said of them.
    """
    with workspace.sessions.begin() as session:
        model_ids = list(networks)
        snapshots = [load_snapshot(session, load_model(session, key).snapshot_id) for key in model_ids]
        truths = [load_held_out_groups(session, key) for key in model_ids]
        held = [_held(m, s, t) for m, s, t in zip(networks.values(), snapshots, truths, strict=True)]
        nearest = _nearest(session, model_ids)
        judged = [
            score
            for key, shown, truth in zip(model_ids, held, truths, strict=True)
            for score in _scores(shown, truth, nearest.get((key, shown.subset)))
        ]
        return SpaceGroupReport(
            study=study.name,
            title=study.study.title,
            generated_at=datetime.now(UTC),
            provenance=footer_of_models(session, study, model_ids, _SETS),
            paper=study.study.paper,
            coverage=_COVERAGE if study.diffraction is None else study.diffraction.coverage,
            summary=_summary(snapshots, held),
            answers=tuple(answers),
            held_out=tuple(held),
            scores=tuple(judged),
            counts=_counts(snapshots[0]) if snapshots else (),
            failures=_failures(session),
        )


def subset(snapshot: Snapshot) -> str:
    """Return what the held-out rows of a snapshot are called: validation, or by which rule they were split."""
    return "validation" if snapshot.strategy == "diffraction" else snapshot.strategy


def _scores(shown: HeldOutGroups, truth: HeldOutTruth, nearest: Mapping[str, float] | None) -> tuple[GroupScore, ...]:
    rows = _tested(truth)
    return group_scores(
        shown.model,
        shown.subset,
        true=shown.true,
        predicted=shown.predicted,
        member_predicted=truth.said.member_predicted[rows],
        folds=truth.folds[rows],
        nearest=nearest,
    )


def _nearest(session: Session, model_ids: Sequence[int]) -> dict[tuple[int, str], dict[str, float]]:
    """Return (model, subset) -> metric -> that of the nearest neighbour on bins."""
    found: dict[tuple[int, str], dict[str, float]] = {}
    for said in load_evaluations(session, model_ids):
        metric = said.metric.removeprefix("nearest_")
        if metric != said.metric and metric in METRICS:
            found.setdefault((said.model_version_id, said.subset), {})[metric] = said.value
    return found


def _tested(truth: HeldOutTruth) -> NDArray[np.int64]:
    return np.flatnonzero(np.array(truth.roles) == "test")


def _held(model: str, snapshot: Snapshot, truth: HeldOutTruth) -> HeldOutGroups:
    rows = _tested(truth)
    said = truth.said
    return HeldOutGroups(
        model=model,
        subset=subset(snapshot),
        true=truth.truth[rows],
        predicted=said.predicted[rows],
        relations=tuple(cast("Relation", said.relation[row] or "unrelated") for row in rows),
        probability=said.probability[rows],
        in_set=said.in_set[rows],
        set_size=said.set_size[rows],
        volume=truth.true_volume[rows],
        predicted_volume=said.volume[rows, 0],
    )


def _counts(snapshot: Snapshot) -> tuple[GroupCount, ...]:
    counted = Counter(zip(snapshot.values.astype(int).tolist(), snapshot.roles.tolist(), strict=True))
    groups = sorted({group for group, _ in counted})
    return tuple(
        GroupCount(group, *(counted[group, role] for role in ("train", "validation", "test"))) for group in groups
    )


def _summary(snapshots: Sequence[Snapshot], held: Sequence[HeldOutGroups]) -> tuple[SummaryNumber, ...]:
    if not snapshots:
        return ()
    roles = Counter(snapshots[0].roles.tolist())
    n_group = len(set(snapshots[0].values.tolist()))
    learned = f"{number(roles['validation'], 0)} calibrate, {number(roles['test'], 0)} held out"
    tiles = [SummaryNumber(f"structures learned from, {n_group} groups", number(roles["train"], 0), learned)]
    for shown in held:
        where = "structure types never learned from" if shown.subset == "structure_type" else "validation sets"
        if len(shown):
            right = percent(float(shown.is_right.mean()), 1)
            tiles.append(SummaryNumber("space group right", right, f"{shown.model}, {where}"))
    with_volume = next((shown for shown in held if shown.volume_error.size), None)
    if with_volume is not None:
        errors = np.abs(with_volume.volume_error)
        note = f"median of |V′/V − 1|, {with_volume.model}"
        tiles.append(SummaryNumber("cell volume off by", percent(float(np.median(errors)), 1), note))
    return tuple(tiles)


def _failures(session: Session) -> tuple[FailureCount, ...]:
    found = failure_counts(session)
    return tuple(FailureCount(f.stage, f.error_class, f.count, f.example) for f in found)

"""Where the numbers of a report come from: sources, snapshots, models, descriptor sets, runs, packages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

from sqlalchemy.orm import Session

from matsift.descriptors.registry import descriptor_set
from matsift.reports.data import DescriptorSetRow, ModelRow, Provenance, SnapshotRow
from matsift.study.settings import Study
from matsift_flows.new_oxide import FLOW as ANSWERS
from matsift_flows.train import StudyModel
from matsift_flows.workspace import code_version, environment_hash
from matsift_schema.store.datasets import Snapshot, load_snapshot
from matsift_schema.store.models import load_model
from matsift_schema.store.provenance import source_versions, study_runs

_PACKAGES = ("chgnet", "lightgbm", "matminer", "numpy", "pymatgen", "scikit-learn", "scipy", "spglib", "torch")


def footer(session: Session, study: Study, trained: Sequence[StudyModel], final: Mapping[str, int]) -> Provenance:
    """Return the provenance of a report.

    Parameters
    ----------
    session, study
        Where, and of which study.
    trained
        The models that were trained before any acquisition.
    final
        Property -> id of the model whose predictions are ranked.
    """
    models, snapshots = [], {}
    for model_id in final.values():
        row, snapshot = _model(session, model_id, "behind the ranking")
        models.append(row)
        snapshots[snapshot.content_hash] = snapshot
    for wanted in (model.wanted for model in trained):
        snapshots[wanted.snapshot.content_hash] = wanted.snapshot
        models.append(
            ModelRow(
                wanted.content_hash,
                wanted.specification.learner,
                "before the campaigns" if wanted.role == "ensemble" else f"{wanted.role}: {wanted.name}",
                wanted.specification.property_name,
                wanted.specification.seed,
                wanted.snapshot.content_hash,
            )
        )
    return _provenance(session, study, models, list(snapshots.values()), study.descriptors.sets)


def footer_of_models(session: Session, study: Study, model_ids: Sequence[int], sets: Sequence[str]) -> Provenance:
    """Return the provenance of a report that rests on these models and descriptor sets alone."""
    models, snapshots = [], {}
    for model_id in model_ids:
        row, snapshot = _model(session, model_id, "judged on what it has not learned from")
        models.append(row)
        snapshots[snapshot.content_hash] = snapshot
    return _provenance(session, study, models, list(snapshots.values()), sets)


def _provenance(
    session: Session,
    study: Study,
    models: Sequence[ModelRow],
    snapshots: Sequence[Snapshot],
    set_names: Sequence[str],
) -> Provenance:
    sets = [descriptor_set(name) for name in set_names]
    return Provenance(
        code_version=code_version(),
        dataset_version="; ".join(source_versions(session, [source.name for source in study.sources])),
        environment_hash=environment_hash(),
        runs=tuple(study_runs(session, study.name, without=("report", "identify", ANSWERS))),
        snapshots=tuple(SnapshotRow(s.content_hash, s.property_name, s.strategy, len(s)) for s in snapshots),
        models=tuple({model.content_hash: model for model in models}.values()),
        descriptor_sets=tuple(DescriptorSetRow(s.name, s.version, len(s.columns)) for s in sets),
        packages={name: version(name) for name in _PACKAGES},
    )


def _model(session: Session, model_id: int, purpose: str) -> tuple[ModelRow, Snapshot]:
    record = load_model(session, model_id)
    snapshot = load_snapshot(session, record.snapshot_id)
    row = ModelRow(
        record.content_hash, record.learner, purpose, record.property_name, record.seed, snapshot.content_hash
    )
    return row, snapshot

"""Derivation: lattice constant and instability index of oxides from the screening factors that a model predicts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.bond_valence.derived import LATTICE, Derived, Values
from matsift.bond_valence.ion_pairs import IonPair
from matsift.crystal import Crystal
from matsift.descriptors.oxide_pair import pair_of
from matsift.errors import DescriptorError, UserInputError
from matsift.learners.evaluation import regression_metrics
from matsift.learners.training import FEWEST_ROWS_TO_EVALUATE
from matsift.records import FailureRecord
from matsift.study.settings import Study
from matsift_flows.derived_models import (
    SCREENING_FACTOR,
    DerivedModel,
    ForceField,
    derived_hash,
    read_derived,
    record_of,
)
from matsift_flows.orchestration import inner_flow
from matsift_flows.train import StudyModel
from matsift_flows.workspace import Workspace, code_version, digest
from matsift_schema.store import models as store
from matsift_schema.store.failures import failed_structures, write_failures
from matsift_schema.store.labels import label_table
from matsift_schema.store.lookups import structure_hashes, structure_ids
from matsift_schema.store.predictions import load_predictions, structures_without_prediction, write_predictions
from matsift_schema.store.structures import load_crystals

#: Stage of a failure to derive.
STAGE = "predict"
#: Structures in one transaction.
CHUNK = 2000

#: Mean of abs(predicted - true) / true over held-out references, without unit: the lattice error of the literature.
RELATIVE_ERROR = "mean_relative_error"


@inner_flow("derive")
def derive(workspace: Workspace, study: Study, trained: Sequence[StudyModel]) -> list[DerivedModel]:
    """Return the derived models of a study, written with their held-out predictions where they are not there yet.

    One a derived property of the study, resting on the ensemble that predicts the screening factor.
    """
    if study.bond_valence is None or not study.derived_properties:
        return []
    force_field = ForceField(study.bond_valence.variant(), study.bond_valence.gii_scope)
    parent = next(
        model
        for model in trained
        if model.wanted.role == "ensemble" and model.wanted.specification.property_name == SCREENING_FACTOR
    )
    hashes = {name: derived_hash(parent.wanted.content_hash, name, force_field) for name in study.derived_properties}
    with workspace.sessions.begin() as session:
        known = {name: store.find_model(session, key) for name, key in hashes.items()}
    missing = [name for name, key in known.items() if key is None]
    if missing:
        parameters = {"screening_factor_model": parent.wanted.content_hash, "models": [hashes[n] for n in missing]}
        with (
            workspace.run("derive", study.name, parameters) as run,
            workspace.sessions.begin() as session,
        ):
            for name, key in _write_models(session, run.id(session), study, parent.id, force_field, missing).items():
                known[name] = key
                _tell(workspace, session, name, key)
    with workspace.sessions.begin() as session:
        return [read_derived(session, key) for key in known.values() if key is not None]


@inner_flow("predict derived")
def predict_derived(
    workspace: Workspace,
    study: Study,
    models: Sequence[DerivedModel],
    ids: Sequence[int] | NDArray[np.int64],
) -> int:
    """Derive what follows from the screening factors of structures; return how many predictions are new.

    A structure without a predicted screening factor is passed over; one that has no lattice becomes a failure.
    """
    if not models or not len(ids):
        return 0
    parent_id, force_field = models[0].parent_id, models[0].force_field
    with workspace.sessions.begin() as session:
        missing = np.unique(np.concatenate([structures_without_prediction(session, model.id, ids) for model in models]))
        if not workspace.retry_failed:
            missing = missing[~np.isin(missing, list(failed_structures(session, STAGE, failure_detail(models[0]))))]
        said = load_predictions(session, parent_id, missing)
        wanted = structure_hashes(session, [int(key) for key in ids]) if len(said) else []
    if not len(said):
        return 0
    written = 0
    parameters = {"models": [model.content_hash for model in models], "structures": digest(wanted)}
    with workspace.run("predict", study.name, parameters) as run:
        for start in range(0, len(said), CHUNK):
            part = slice(start, start + CHUNK)
            with workspace.sessions.begin() as session:
                pairs, reasons = pairs_of(load_crystals(session, said.structure_ids[part]))
            good = np.array([reason is None for reason in reasons], dtype=bool)
            values = Values(*(column[part][good] for column in (said.mean, said.spread, said.lower, said.upper)))
            found = force_field.derive(pairs, values)
            with workspace.sessions.begin() as session:
                here = said.structure_ids[part][good]
                for model in models:
                    written += write_derived(session, run.id(session), model, here, found, float(said.coverage[0]))
                told = iter(found.reason)
                why = [next(told) if reason is None else reason for reason in reasons]
                failures = _failures(said.structure_hashes[part], why, failure_detail(models[0]))
                write_failures(session, run.id(session), failures, retried=workspace.retry_failed)
    return written


def write_derived(
    session: Session, run_id: int, model: DerivedModel, ids: NDArray[np.int64], found: Derived, coverage: float
) -> int:
    """Write what a derived model says of structures, those that have a lattice; return how many are new."""
    values = found.of[model.property_name]
    there = np.array([reason is None for reason in found.reason], dtype=bool)
    return write_predictions(
        session,
        run_id,
        model.id,
        structure_ids=ids[there],
        mean=values.mean[there],
        spread=values.spread[there],
        lower=values.lower[there],
        upper=values.upper[there],
        coverage=coverage,
    )


def pairs_of(crystals: Sequence[Crystal]) -> tuple[list[IonPair], list[str | None]]:
    """Return the ion pairs of those crystals that have one, and for each crystal why it has none, or None."""
    pairs: list[IonPair] = []
    reasons: list[str | None] = []
    for crystal in crystals:
        try:
            pairs.append(pair_of(crystal))
        except (UserInputError, DescriptorError) as error:
            reasons.append(str(error))
        else:
            reasons.append(None)
    return pairs, reasons


def _write_models(
    session: Session, run_id: int, study: Study, parent_id: int, force_field: ForceField, names: Sequence[str]
) -> dict[str, int]:
    """Write derived models with what they say of the labels that the model behind them was not trained on."""
    parent = store.load_model(session, parent_id)
    held = store.load_held_out(session, parent_id)
    by_hash = structure_ids(session, held.structure_hashes)
    ids = np.array([by_hash[key] for key in held.structure_hashes], dtype=np.int64)
    pairs, reasons = pairs_of(load_crystals(session, ids))
    good = np.array([reason is None for reason in reasons], dtype=bool)
    found = force_field.derive(
        pairs, Values(*(column[good] for column in (held.mean, held.spread, held.lower, held.upper)))
    )
    written = {}
    for name in names:
        model_id = store.write_model(session, run_id, record_of(parent, name, force_field, code_version()))
        _write_held_out(session, run_id, study, model_id, name, ids[good], found)
        written[name] = model_id
    return written


def _write_held_out(
    session: Session,
    run_id: int,
    study: Study,
    model_id: int,
    name: str,
    ids: NDArray[np.int64],
    found: Derived,
) -> None:
    """Write what is derived of held-out references beside their labels, and how good that is."""
    labels = label_table(session, [name], structure_ids=ids)
    place = {
        int(key): i
        for i, (key, origin) in enumerate(zip(labels.structure_ids, labels.origins, strict=True))
        if origin in study.label_origins
    }
    rows = [i for i, key in enumerate(ids.tolist()) if key in place and found.reason[i] is None]
    at = [place[int(ids[i])] for i in rows]
    mean, spread, lower, upper = (
        column[rows]
        for column in (found.of[name].mean, found.of[name].spread, found.of[name].lower, found.of[name].upper)
    )
    store.write_held_out(
        session,
        run_id,
        model_id,
        label_ids=labels.label_ids[at],
        mean=mean,
        spread=spread,
        lower=lower,
        upper=upper,
    )
    if len(rows) >= FEWEST_ROWS_TO_EVALUATE:
        truth = labels.values[at]
        metrics = regression_metrics(truth, mean, spread=spread, lower=lower, upper=upper)
        if name == LATTICE:
            metrics[RELATIVE_ERROR] = float(np.mean(np.abs(mean - truth) / truth))
        store.write_evaluations(session, run_id, model_id, subset="test", metrics=metrics, n_row=len(rows))


def failure_detail(model: DerivedModel) -> str:
    """Return the `detail` of a failure to derive: another model may predict another screening factor."""
    return f"{LATTICE} {model.parent_hash}"


def _failures(hashes: Sequence[str], reasons: Sequence[str | None], detail: str) -> list[FailureRecord]:
    return [
        FailureRecord(STAGE, key, DescriptorError.__name__, reason, detail=detail, structure_hash=key)
        for key, reason in zip(hashes, reasons, strict=True)
        if reason is not None
    ]


def _tell(workspace: Workspace, session: Session, name: str, model_id: int) -> None:
    test = {e.metric: e.value for e in store.load_evaluations(session, [model_id]) if e.subset == "test"}
    if RELATIVE_ERROR in test:
        workspace.reporter.say(
            f"  {name} at the predicted screening factor: mean relative error {100 * test[RELATIVE_ERROR]:.1f} %, "
            f"interval coverage {100 * test['interval_coverage']:.0f} % on held-out references"
        )

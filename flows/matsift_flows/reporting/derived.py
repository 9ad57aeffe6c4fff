"""What the report says of derived models: how good the lattices of held-out references are, and how they became so."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sqlalchemy.orm import Session

from matsift.bond_valence.derived import LATTICE
from matsift.reports.bond_valence import LatticeErrors
from matsift.reports.data import EvaluationRow, Parity, SummaryNumber
from matsift.reports.notation import percent
from matsift.study.settings import Study
from matsift.units import property_definition
from matsift_flows.derived_models import DerivedModel
from matsift_schema.store.models import load_evaluations, load_held_out, load_model


def parities(session: Session, models: Sequence[DerivedModel]) -> tuple[Parity, ...]:
    """Return true and derived values of the references that the model behind was not trained on."""
    found = []
    for model in models:
        held, unit = load_held_out(session, model.id), property_definition(model.property_name).unit
        found.append(
            Parity(
                model.property_name, unit, "held-out references", held.truth, held.mean, held.spread, paper_figure=""
            )
        )
    return tuple(found)


def evaluations(session: Session, models: Sequence[DerivedModel]) -> tuple[EvaluationRow, ...]:
    """Return a row for each derived model and subset."""
    rows = []
    for model in models:
        learner = load_model(session, model.id).learner
        metrics: dict[str, dict[str, float]] = {}
        n_row: dict[str, int] = {}
        for said in load_evaluations(session, [model.id]):
            metrics.setdefault(said.subset, {})[said.metric] = said.value
            n_row[said.subset] = said.n_row
        rows += [
            EvaluationRow(
                learner,
                model.property_name,
                property_definition(model.property_name).unit,
                subset,
                n_row[subset],
                **{name: values.get(name) for name in _METRICS},
            )
            for subset, values in metrics.items()
        ]
    return tuple(rows)


def lattice_errors(session: Session, study: Study, models: Sequence[DerivedModel]) -> LatticeErrors | None:
    """Return the relative lattice errors of held-out references before and after relaxation; None without any."""
    lattice = next((model for model in models if model.property_name == LATTICE), None)
    if lattice is None or study.bond_valence is None:
        return None
    held = load_held_out(session, lattice.id)
    if not len(held):
        return None
    return LatticeErrors(study.bond_valence.strains, np.asarray(held.mean / held.truth - 1.0, dtype=np.float64))


def summary(errors: LatticeErrors | None) -> SummaryNumber:
    """Return the headline number of a study of lattices."""
    if errors is None:
        return SummaryNumber("lattice error", "–", "no held-out reference")
    start = percent(float(np.abs(errors.before).mean()))
    note = f"mean of {errors.after.size} held-out references, relaxed from {start}"
    return SummaryNumber("lattice error", percent(float(np.abs(errors.after).mean()), 1), note)


_METRICS = ("r2", "mae", "rmse", "interval_coverage", "mean_interval_width", "spread_error_spearman")

"""What the report says of models: evaluation, ablation, sampling strategies, importances, parity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from sqlalchemy.orm import Session

from matsift.descriptors.registry import descriptor_set
from matsift.reports.comparisons import AblationRow, ImportanceRow, SamplingRow
from matsift.reports.data import (
    Distribution,
    EvaluationRow,
    Parity,
)
from matsift.study.settings import Study
from matsift.units import property_definition
from matsift_flows.train import Role, StudyModel
from matsift_schema.store.models import load_evaluations, load_held_out, load_importances

#: Columns in the importance plot, as in the paper.
TOP_COLUMNS = 25

#: Model id -> subset -> (rows, metric -> value).
Metrics = Mapping[int, Mapping[str, tuple[int, Mapping[str, float]]]]


def load_metrics(session: Session, models: Sequence[StudyModel]) -> Metrics:
    """Return all evaluations of models."""
    found: dict[int, dict[str, tuple[int, dict[str, float]]]] = {model.id: {} for model in models}
    for row in load_evaluations(session, [model.id for model in models]):
        found[row.model_version_id].setdefault(row.subset, (row.n_row, {}))[1][row.metric] = row.value
    return found


def evaluations(models: Sequence[StudyModel], metrics: Metrics) -> tuple[EvaluationRow, ...]:
    """Return a row for the ensemble and each baseline, on every subset."""
    rows = []
    for model in _of_role(models, "ensemble", "baseline"):
        for subset, (n_row, values) in metrics[model.id].items():
            rows.append(
                EvaluationRow(
                    model=model.wanted.specification.learner,
                    property_name=_property(model),
                    unit=_unit(model),
                    subset=subset,
                    n_row=n_row,
                    r2=values.get("r2"),
                    mae=values.get("mae"),
                    rmse=values.get("rmse"),
                    interval_coverage=values.get("interval_coverage"),
                    mean_interval_width=values.get("mean_interval_width"),
                    spread_error_spearman=values.get("spread_error_spearman"),
                )
            )
    return tuple(rows)


def ablation(models: Sequence[StudyModel], metrics: Metrics) -> tuple[AblationRow, ...]:
    """Return a row for each combination of descriptor sets, all of them first (paper, Fig. 3a)."""
    rows = []
    for model in _of_role(models, "ensemble", "ablation"):
        n_test, values = metrics[model.id].get("test", (0, {}))
        if "r2" in values:
            sets = model.wanted.specification.descriptor_sets
            n_column = sum(len(descriptor_set(name).columns) for name, _ in sets)
            rows.append(
                AblationRow(
                    model.wanted.name, _property(model), _unit(model), n_column, values["r2"], values["mae"], n_test
                )
            )
    return tuple(rows)


def sampling(study: Study, models: Sequence[StudyModel], metrics: Metrics) -> tuple[SamplingRow, ...]:
    """Return a row for each sampling strategy and subset of the test rows (paper, Fig. 4); empty with only one."""
    compared = _of_role(models, "ensemble", "sampling")
    if not study.sampling.compare:
        return ()
    element = study.sampling.element
    names = {"test": "all", f"test:{element}": f"with {element}"}
    rows = []
    for model in sorted(compared, key=lambda m: m.wanted.snapshot.strategy):
        for subset, (n_test, values) in metrics[model.id].items():
            if "r2" in values:
                rows.append(
                    SamplingRow(
                        strategy=model.wanted.snapshot.strategy.replace("_", " ").capitalize(),
                        property_name=_property(model),
                        unit=_unit(model),
                        subset=names[subset],
                        n_train=int((model.wanted.snapshot.roles == "train").sum()),
                        n_test=n_test,
                        r2=values["r2"],
                        mae=values["mae"],
                        mean_spread=values.get("mean_spread"),
                    )
                )
    return tuple(rows)


def importances(session: Session, models: Sequence[StudyModel]) -> tuple[ImportanceRow, ...]:
    """Return the most important columns of each property's ensemble (paper, Fig. 3b)."""
    return tuple(
        ImportanceRow(_property(model), rank, column, set_name, share)
        for model in _of_role(models, "ensemble")
        for rank, column, set_name, share in load_importances(session, model.id, TOP_COLUMNS)
    )


def parities(session: Session, study: Study, models: Sequence[StudyModel]) -> tuple[Parity, ...]:
    """Return true and predicted values of the test rows of each property's ensemble (paper, Fig. 5b)."""
    element, found = study.sampling.contrast, []
    for model in _of_role(models, "ensemble"):
        held = load_held_out(session, model.id)
        subset = tuple(f"with {element}" if element in elements else f"without {element}" for elements in held.elements)
        subset = () if element is None else subset
        found.append(Parity(_property(model), _unit(model), "test set", held.truth, held.mean, held.spread, subset))
    return tuple(found)


def distributions(study: Study, models: Sequence[StudyModel]) -> tuple[Distribution, ...]:
    """Return the accepted labels of each property, and those with the element of the study (paper, Fig. 2)."""
    element, found = study.sampling.contrast or "", []
    for model in _of_role(models, "ensemble"):
        snapshot = model.wanted.snapshot
        with_element = np.array([element in elements for elements in snapshot.elements], dtype=bool)
        found.append(
            Distribution(_property(model), _unit(model), snapshot.values, element, snapshot.values[with_element])
        )
    return tuple(found)


def _of_role(models: Sequence[StudyModel], *roles: Role) -> list[StudyModel]:
    return [model for model in models if model.wanted.role in roles]


def _property(model: StudyModel) -> str:
    return model.wanted.specification.property_name


def _unit(model: StudyModel) -> str:
    return property_definition(_property(model)).unit

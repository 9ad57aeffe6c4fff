"""The whole report of a study of charge densities, read from the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.learners.comparison import difference, standings
from matsift.learners.element_shift import coverages
from matsift.learners.evaluation import regression_metrics
from matsift.learners.left_out_elements import ElementSet, LeftOutElements, contains
from matsift.learners.repeated_folds import OutOfFold
from matsift.reports.data import FailureCount, SummaryNumber
from matsift.reports.densities import DensityReport, PropertyComparison
from matsift.reports.notation import in_unit, number, quantity, symbol
from matsift.study.density import DensitySettings
from matsift.study.settings import Study
from matsift.units import property_definition
from matsift_flows.density.training import StudyLearner
from matsift_flows.reporting.density_pictures import embedded, slices
from matsift_flows.reporting.footer import footer_of_models
from matsift_flows.reporting.quality import label_quality
from matsift_flows.snapshots import reduced_formulae
from matsift_flows.workspace import Workspace
from matsift_schema.store.datasets import Snapshot
from matsift_schema.store.failures import failure_counts
from matsift_schema.store.models import HeldOut, load_held_out


def gather_densities(
    workspace: Workspace, study: Study, settings: DensitySettings, learners: Sequence[StudyLearner]
) -> DensityReport:
    """Return the report of a study on what the database holds now."""
    with workspace.sessions.begin() as session:
        held = {learner.id: load_held_out(session, learner.id) for learner in learners}
        compared = tuple(
            _compared(session, [one for one in learners if one.wanted.property_name == name], held, settings, name)
            for name in study.labels.properties
        )
        sets = dict.fromkeys(name for one in learners for name in one.wanted.sets)
        model_ids = list(dict.fromkeys(one.id for one in learners))
        provenance = footer_of_models(session, study, model_ids, list(sets))
        failures = tuple(FailureCount(f.stage, f.error_class, f.count, f.example) for f in failure_counts(session))
        quality = tuple(label_quality(session, study))
    first = learners[0].wanted.held.snapshot
    return DensityReport(
        study=study.name,
        title=study.study.title,
        generated_at=datetime.now(UTC),
        provenance=provenance,
        paper=study.study.paper,
        coverage=settings.coverage,
        kinds={learner.name: learner.kind for learner in settings.learners},
        summary=_summary(compared),
        properties=compared,
        slices=slices(workspace, settings, first),
        embedded=embedded(workspace, settings, first, compared[0].formulae, _sets(learners, first)),
        quality=quality,
        failures=failures,
    )


def _compared(
    session: Session,
    learners: Sequence[StudyLearner],
    held: Mapping[int, HeldOut],
    settings: DensitySettings,
    property_name: str,
) -> PropertyComparison:
    """Return what the learners of one property say of its crystals, put together from folds and elements."""
    crystals = learners[0].wanted.held.snapshot
    formulae = tuple(reduced_formulae(session, crystals.structure_ids))
    said, inside, deviations = {}, {}, {}
    left_out = {}
    for learner in settings.learners:
        own = [one for one in learners if one.wanted.learner.name == learner.name]
        folds = [one for one in own if one.wanted.held.fold is not None]
        said[learner.name], inside[learner.name] = _out_of_fold(crystals, folds, held)
        deviations[learner.name] = _deviations(said[learner.name])
        elements = [one for one in own if one.wanted.held.element is not None]
        if elements:
            left_out[learner.name] = _left_out(crystals, elements, held)
    lines = standings(said)
    best = min(lines, key=lambda line: line.averaged["rmse"]).learner
    return PropertyComparison(
        property_name=property_name,
        unit=property_definition(property_name).unit,
        formulae=formulae,
        said=said,
        standings=lines,
        fold_deviations=deviations,
        interval_coverages=inside,
        differences=tuple(difference(said, best, other, groups=formulae) for other in said if other != best),
        left_out=left_out,
        coverages={name: coverages(own, said[name], settings.coverage) for name, own in left_out.items()},
    )


def _out_of_fold(
    crystals: Snapshot, models: Sequence[StudyLearner], held: Mapping[int, HeldOut]
) -> tuple[OutOfFold, float]:
    """Return what the models of the folds say of each crystal, and the share of labels that their intervals hold."""
    n = len(crystals)
    mean, spread, inside = np.full((3, n), np.nan)
    folds = np.zeros(n, dtype=np.int64)
    for model in models:
        said = held[model.id]
        places = _places(crystals, said)
        mean[places], spread[places] = said.mean, said.spread
        inside[places] = (said.lower <= said.truth) & (said.truth <= said.upper)
        folds[places] = (model.wanted.held.fold or 1) - 1
    return OutOfFold(crystals.values, folds[None], mean[None], spread[None]), float(inside.mean())


def _left_out(crystals: Snapshot, models: Sequence[StudyLearner], held: Mapping[int, HeldOut]) -> LeftOutElements:
    mean, spread = np.full((2, len(models), len(crystals)), np.nan)
    for row, model in enumerate(models):
        said = held[model.id]
        places = _places(crystals, said)
        mean[row, places], spread[row, places] = said.mean, said.spread
    return LeftOutElements(crystals.values, _sets(models, crystals), mean, spread)


def _sets(models: Sequence[StudyLearner], crystals: Snapshot) -> tuple[ElementSet, ...]:
    """Return the elements that some models were trained without, each once, and the crystals that contain them."""
    symbols = dict.fromkeys(one.wanted.held.element for one in models)
    return tuple(ElementSet(symbol, contains(crystals.elements, symbol)) for symbol in symbols if symbol is not None)


def _places(crystals: Snapshot, said: HeldOut) -> NDArray[np.int64]:
    place = {key: i for i, key in enumerate(crystals.structure_hashes)}
    return np.array([place[key] for key in said.structure_hashes], dtype=np.int64)


def _deviations(said: OutOfFold) -> dict[str, float]:
    """Return metric -> sample standard deviation over the folds."""
    folds = said.folds[0]
    scores = [regression_metrics(said.y[folds == k], said.mean[0, folds == k]) for k in np.unique(folds)]
    known = [name for name in scores[0] if all(name in score for score in scores)]
    if len(scores) < 2:
        return {}
    return {name: float(np.std([score[name] for score in scores], ddof=1)) for name in known}


def _summary(compared: Sequence[PropertyComparison]) -> tuple[SummaryNumber, ...]:
    tiles = [SummaryNumber("cubic crystals", number(len(compared[0]), 0), f"{len(compared[0].said)} learners")]
    for one in compared:
        best = next(line for line in one.standings if line.learner == one.best)
        rmse = in_unit(quantity(best.averaged["rmse"], one.unit), one.unit)
        said = f"{one.best}, R² {number(best.averaged.get('r2'), 3)}"
        tiles.append(SummaryNumber(f"smallest error of {symbol(one.property_name)}", rmse, said))
    if compared[0].elements:
        sets = next(iter(compared[0].left_out.values())).sets
        named = ", ".join(f"{found.element} {found.n_test}" for found in sets)
        tiles.append(SummaryNumber("elements left out in turn", str(len(sets)), named))
    return tuple(tiles)

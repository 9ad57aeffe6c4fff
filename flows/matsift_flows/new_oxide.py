"""One oxide that somebody asks about: answered from the newest models of a study, kept as structure and predictions.

No Prefect is imported here and no study file is read: the answer is to come within seconds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift.bond_valence.decorations import STARTING_LATTICE, formula, starting_crystal, tolerance_factor
from matsift.bond_valence.derived import INSTABILITY, LATTICE, Values, reading
from matsift.bond_valence.ion_pairs import IonPair
from matsift.bond_valence.new_oxide import Familiarity, familiarity
from matsift.bond_valence.parameters import ion_name
from matsift.descriptors.oxide_pair import OXIDE_PAIR, pair_of, pair_values
from matsift.errors import UserInputError
from matsift.learners import registry
from matsift.learners.calibration import ConformalCalibration
from matsift.learners.training import predict as predict_arrays
from matsift.structure_facts import StructureFacts, describe
from matsift_flows.derived_models import SCREENING_FACTOR, DerivedModel, read_derived
from matsift_flows.workspace import Workspace
from matsift_schema.store import derived as store
from matsift_schema.store.datasets import load_snapshot
from matsift_schema.store.descriptors import load_matrix, write_descriptors
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.models import ModelRecord, load_model
from matsift_schema.store.predictions import structures_without_prediction, write_predictions
from matsift_schema.store.structures import load_structures, store_structures

#: Flow of the runs under which answers are kept; a report of the study does not count them as its own.
FLOW = "oxide"
#: So many learned oxides of a prototype suffice to judge how near a further one is.
FEWEST_ALIKE = 10


@dataclass(frozen=True)
class Said:
    """A predicted value with its calibrated interval, in the unit of its property."""

    mean: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Neighbourhood:
    """How far an oxide is from those learned from, in standard deviations of the descriptors.

    `nearest` is the formula of the nearest; `usual` is a distance that most of those learned from are nearer than to
    their own nearest; `outside` names the descriptors beyond all of them, `new_elements` the elements that
    none of them has.
    """

    nearest: str
    distance: float
    usual: float
    outside: tuple[str, ...]
    new_elements: tuple[str, ...]
    is_extrapolation: bool
    n_learned: int


@dataclass(frozen=True)
class Stability:
    """How an instability index is read.

    `reading` is that of the predicted index, `best` and `worst` those of the ends of its interval: stable, strained or
    suspicious. Of the `n_alike` oxides of the same prototype in the data, `n_higher` have a higher index.
    """

    reading: str
    best: str
    worst: str
    n_higher: int
    n_alike: int


@dataclass(frozen=True)
class Known:
    """An oxide that is among the data: its lattice constant, who states it, and its role in what was learned from."""

    lattice_constant_angstrom: float
    source: str
    role: str | None


@dataclass(frozen=True)
class OxideAnswer:
    """What a study says of an oxide.

    `tolerance_factor` is None for a spinel, `known` where the oxide is not among the data. `structure_hash` names the
    structure in the database; None where its crystal would be read as other ions, so that it could not be kept.
    """

    study: str
    formula: str
    prototype: str
    ions: tuple[str, str]
    coverage: float
    lattice_constant_angstrom: Said
    screening_factor: Said
    global_instability_index_vu: Said
    stability: Stability
    tolerance_factor: float | None
    neighbourhood: Neighbourhood
    known: Known | None
    model_hash: str
    structure_hash: str | None


@dataclass(frozen=True, eq=False)
class _Models:
    """The derived models of a study by property, and the model that they rest on."""

    derived: Mapping[str, DerivedModel]
    parent_id: int
    parent: ModelRecord


def answer(workspace: Workspace, study: str, pair: IonPair) -> OxideAnswer:
    """Return what the newest models of a study say of an oxide; structure, descriptors and predictions are kept.

    Raises
    ------
    UserInputError
        If there is no such study, it has no model of oxides yet, or the oxide has no lattice in the force field.
    """
    started = time.perf_counter()
    row = np.array(pair_values(pair), dtype=np.float32).astype(np.float64)  # as descriptors are stored
    crystal = starting_crystal(pair)
    facts = describe(crystal)
    group = facts.space_group_number or 0
    with workspace.sessions.begin() as session:
        models = _models(session, study)
        neighbourhood = _neighbourhood(session, models, row, facts)
        known = store.known_lattice(session, facts.reduced_formula, group, models.parent.snapshot_id)
        alike = store.instability_of_kind(session, group, models.parent.snapshot_id)
    said, coverage = _predicted(workspace, models, pair, row)
    is_kept = pair_of(crystal) == pair
    if is_kept:
        parameters = {"oxide": pair.name, "model": models.parent.content_hash}
        with workspace.run(FLOW, study, parameters) as run, workspace.sessions.begin() as session:
            if not _is_there(session, models, crystal.content_hash):
                run_id = run.id(session)
                ids, _ = store_structures(session, run_id, [(crystal, facts, (STARTING_LATTICE,))])
                key = np.array([ids[crystal.content_hash]], dtype=np.int64)
                seconds = np.array([time.perf_counter() - started])
                set_id = models.parent.descriptor_set_ids[0]
                write_descriptors(session, run_id, set_id, key, values=row[None, :], seconds=seconds)
                _write(session, run_id, models, key, said, coverage)
    return OxideAnswer(
        study=study,
        formula=formula(pair),
        prototype=pair.prototype,
        ions=(ion_name(pair.a.symbol, pair.a.oxidation), ion_name(pair.b.symbol, pair.b.oxidation)),
        coverage=coverage,
        lattice_constant_angstrom=_said(said[LATTICE]),
        screening_factor=_said(said[SCREENING_FACTOR]),
        global_instability_index_vu=_said(said[INSTABILITY]),
        stability=_stability(said[INSTABILITY], alike),
        tolerance_factor=tolerance_factor(pair) if pair.prototype == "perovskite" else None,
        neighbourhood=neighbourhood,
        known=None if known is None else Known(*known),
        model_hash=models.parent.content_hash,
        structure_hash=crystal.content_hash if is_kept else None,
    )


def _models(session: Session, study: str) -> _Models:
    """Return the newest models of a study, which see the descriptors of a pair of ions and nothing else."""
    found = store.newest_derived_models(session, study)
    if LATTICE not in found or INSTABILITY not in found:
        known = store.known_studies(session)
        if study not in known:
            there = f"it holds {', '.join(known)}" if known else "it holds none yet"
            raise UserInputError(
                f"there is no study {study!r} in this database, {there}; run its file first, for example "
                "matsift run studies/softbv_oxides.toml"
            )
        raise UserInputError(
            f"the study {study} has no model of the lattices of oxides: it was not run to its end, or its file has no "
            "[bond_valence] with screening_factor among labels.properties; see studies/softbv_oxides.toml"
        )
    derived = {name: read_derived(session, key) for name, key in found.items()}
    parent_id = derived[LATTICE].parent_id
    parent = load_model(session, parent_id)
    if tuple(parent.column_names) != OXIDE_PAIR.columns:
        raise UserInputError(
            f"the study {study} predicts screening factors from more than {OXIDE_PAIR.name}; add the oxide to its "
            'sources (kind = "prototypes") and run it again'
        )
    return _Models(derived, parent_id, parent)


def _neighbourhood(session: Session, models: _Models, row: NDArray[np.float64], facts: StructureFacts) -> Neighbourhood:
    """Return how far a row of descriptors is from those that the model was trained on, of its kind if it knows any."""
    snapshot = load_snapshot(session, models.parent.snapshot_id)
    learned = load_structures(session, ids=snapshot.structure_ids[snapshot.roles == "train"])
    alike = learned.space_group_numbers == facts.space_group_number
    chosen = np.flatnonzero(alike if alike.sum() >= FEWEST_ALIKE else np.ones_like(alike))
    known, columns = load_matrix(session, models.parent.descriptor_set_ids, learned.ids[chosen])
    near: Familiarity = familiarity(row, known, columns)
    nearest = learned.reduced_formulae[chosen[near.nearest]]
    new = tuple(symbol for symbol in facts.elements if not any(symbol in known for known in learned.elements))
    is_far = near.is_extrapolation or bool(new)
    return Neighbourhood(nearest, near.distance, near.usual, near.outside, new, is_far, len(chosen))


def _predicted(
    workspace: Workspace, models: _Models, pair: IonPair, row: NDArray[np.float64]
) -> tuple[dict[str, Values], float]:
    """Return what is said of each property, and the coverage of the intervals."""
    model = registry.load(models.parent.learner, workspace.artifacts.get(models.parent.artifact_sha256))
    calibration = ConformalCalibration.from_json(models.parent.calibration)
    said = predict_arrays(model, calibration, row[None, :], property_name=SCREENING_FACTOR)
    factor = Values(said.prediction.mean, said.prediction.spread, said.lower, said.upper)
    found = models.derived[LATTICE].force_field.derive([pair], factor)
    if found.reason[0] is not None:
        raise UserInputError(
            f"{formula(pair)} has no lattice as a {pair.prototype} at its predicted screening factor, "
            f"{factor.mean[0]:.3f} ({factor.lower[0]:.3f} to {factor.upper[0]:.3f}): {found.reason[0]}"
        )
    return {SCREENING_FACTOR: factor, **found.of}, calibration.coverage


def _is_there(session: Session, models: _Models, content_hash: str) -> bool:
    """Return whether all that would be kept of a structure is kept already."""
    known = structure_ids(session, [content_hash])
    if not known:
        return False
    ids = np.array(list(known.values()), dtype=np.int64)
    wanted = (models.parent_id, *(model.id for model in models.derived.values()))
    return not any(len(structures_without_prediction(session, key, ids)) for key in wanted)


def _write(
    session: Session,
    run_id: int,
    models: _Models,
    ids: NDArray[np.int64],
    said: Mapping[str, Values],
    coverage: float,
) -> None:
    model_ids = {SCREENING_FACTOR: models.parent_id, **{name: model.id for name, model in models.derived.items()}}
    for name, model_id in model_ids.items():
        values = said[name]
        write_predictions(
            session,
            run_id,
            model_id,
            structure_ids=ids,
            mean=values.mean,
            spread=values.spread,
            lower=values.lower,
            upper=values.upper,
            coverage=coverage,
        )


def _stability(index: Values, alike: NDArray[np.float64]) -> Stability:
    mean, lower, upper = (float(x[0]) for x in (index.mean, index.lower, index.upper))
    return Stability(reading(mean), reading(lower), reading(upper), int((alike > mean).sum()), len(alike))


def _said(values: Values) -> Said:
    return Said(float(values.mean[0]), float(values.lower[0]), float(values.upper[0]))

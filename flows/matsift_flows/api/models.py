"""A stored model version that predicts again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.descriptors.registry import descriptor_set
from matsift.errors import UserInputError
from matsift.learners import registry
from matsift.learners.calibration import ConformalCalibration
from matsift.learners.prediction import FittedModel
from matsift.learners.training import predict as predict_arrays
from matsift.reports.model_card import ModelCard
from matsift.units import property_definition
from matsift_flows.api.featurizing import Described, Structures, column_names, described, one_or_many
from matsift_flows.api.frames import Frame, Library, column, is_frame, new_frame, numbers
from matsift_flows.reporting.cards import card_of, find_model
from matsift_flows.snapshots import descriptor_set_ids
from matsift_flows.workspace import Workspace
from matsift_schema.store.descriptors import has_descriptors, load_matrix
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.model_cards import model_descriptor_sets
from matsift_schema.store.models import load_model
from matsift_schema.store.structures import load_structures


class Model:
    """A model version of the database; `Database.model` gives it.

    Attributes
    ----------
    id, content_hash, learner, property_name, unit
        What it is, in this database and in every one, and what it predicts, in which unit.
    descriptor_sets
        Sets that it reads, in the order of their columns.
    columns
        Columns that it reads, in order.
    coverage
        Share of true values that its intervals are calibrated to hold.
    """

    def __init__(self, workspace: Workspace, wanted: str, frames: Library) -> None:
        self._workspace, self._frames = workspace, frames
        with workspace.sessions.begin() as session:
            self.id = find_model(session, wanted)
            record = load_model(session, self.id)
            sets, _ = model_descriptor_sets(session, self.id)
        self.content_hash, self.learner = record.content_hash, record.learner
        self.property_name = record.property_name
        self.unit = property_definition(record.property_name).unit
        self.descriptor_sets = tuple(one.name for one in sets)
        self.columns = tuple(record.column_names)
        self._versions = {one.name: one.version for one in sets}
        self._purpose, self._artifact, self._calibration = record.purpose, record.artifact_sha256, record.calibration

    def __repr__(self) -> str:
        return f"<matsift.Model {self.content_hash[:12]}: {self.property_name} by {self.learner}>"

    @property
    def coverage(self) -> float:
        """Share of true values that the intervals are calibrated to hold."""
        return float(self._calibration["coverage"])

    def card(self) -> ModelCard:
        """Return the card of this model."""
        return card_of(self._workspace, self.content_hash)

    def predict(
        self,
        what: Structures | Sequence[str] | Frame,
        *,
        facts: Frame | Mapping[str, Sequence[float]] | None = None,
        workers: int | None = None,
    ) -> Frame:
        """Return what the model says, one row a structure in the order given.

        Parameters
        ----------
        what
            Structures; or content hashes of structures in the database, whose stored descriptors are read; or a frame
            with the columns of the model, as `matsift.featurize` and `Database.descriptors` give it.
        facts, workers
            For structures, as in `matsift.featurize`.

        Returns
        -------
        frame
            `structure_hash` and `formula` as far as they are known, `property_name`, `unit`, `mean`, `spread`, `lower`,
            `upper` (calibrated interval), `coverage`, `model_hash`, and `problem` where there is no prediction.

        Raises
        ------
        UserInputError
            If the model does not read columns, a column or a structure is missing, or this version of matsift computes
            one of its descriptor sets otherwise.
        """
        asked = self._asked(what, facts, workers)
        fitted = self._fitted
        told = np.array([problem is None for problem in asked.problems], dtype=bool)
        mean, spread, lower, upper = np.full((4, len(told)), np.nan)
        if told.any():
            calibration = ConformalCalibration.from_json(self._calibration)
            said = predict_arrays(fitted, calibration, asked.values[told], property_name=self.property_name)
            mean[told], spread[told] = said.prediction.mean, said.prediction.spread
            lower[told], upper[told] = said.lower, said.upper
        n = len(told)
        values = {"mean": mean, "spread": spread, "lower": lower, "upper": upper}
        return new_frame(
            {
                "structure_hash": asked.hashes,
                "formula": asked.formulae,
                "property_name": [self.property_name] * n,
                "unit": [self.unit] * n,
                **values,
                "coverage": [self.coverage] * n,
                "model_hash": [self.content_hash] * n,
                "problem": asked.problems,
            },
            self._frames,
        )

    @cached_property
    def _fitted(self) -> FittedModel:
        if self._purpose == "derived" or self.learner not in registry.known_learners():
            raise UserInputError(
                f"{self!r} does not read descriptor columns; `matsift predict --formula` asks a study of oxides, "
                "`matsift identify` a study of space groups"
            )
        return registry.load(self.learner, self._workspace.artifacts.get(self._artifact))

    def _asked(self, what: Any, facts: Any, workers: int | None) -> Described:
        if is_frame(what):
            return self._of_frame(what)
        given: list[Any] = [what] if isinstance(what, str) else one_or_many(what)
        if given and all(isinstance(one, str) for one in given):
            return self._stored(given)
        self._check_versions()
        return described(given, self.descriptor_sets, facts=facts, workers=workers)

    def _of_frame(self, frame: Frame) -> Described:
        nothing: list[Any] = [None] * len(frame)
        hashes, formulae, problems = (
            [v if isinstance(v, str) else None for v in column(frame, name)] if name in frame.columns else nothing
            for name in ("structure_hash", "formula", "problem")
        )
        return Described(hashes, formulae, self.columns, numbers(frame, self.columns), problems)

    def _stored(self, hashes: Sequence[str]) -> Described:
        with self._workspace.sessions.begin() as session:
            known = structure_ids(session, list(hashes))
            strange = next((key for key in hashes if key not in known), None)
            if strange is not None:
                raise UserInputError(f"the database holds no structure with the hash {strange}")
            ids = np.array([known[key] for key in hashes], dtype=np.int64)
            sets = list(load_model(session, self.id).descriptor_set_ids)
            values, _ = load_matrix(session, sets, ids)
            there = has_descriptors(session, sets, ids)
            table = load_structures(session, ids=ids)
        formula = dict(zip(table.hashes, table.reduced_formulae, strict=True))
        problems = [None if found else "it lacks one of the model's descriptor sets" for found in there]
        return Described(list(hashes), [formula[key] for key in hashes], self.columns, values, problems)

    def _check_versions(self) -> None:
        for name, version in self._versions.items():
            current = descriptor_set(name).version
            if current != version:
                raise UserInputError(
                    f"{self!r} reads {name} version {version}, this matsift computes version {current}; "
                    "train the model again, or give it content hashes"
                )


def stored_descriptors(
    workspace: Workspace, sets: Sequence[str], hashes: Sequence[str]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Return the columns of some sets and (n, n_column) values of structures, NaN where there are none.

    Raises
    ------
    UserInputError
        If a structure is not in the database, or nothing was ever computed in a set.
    """
    with workspace.sessions.begin() as session:
        known = structure_ids(session, list(hashes))
        strange = next((key for key in hashes if key not in known), None)
        if strange is not None:
            raise UserInputError(f"the database holds no structure with the hash {strange}")
        values, _ = load_matrix(session, descriptor_set_ids(session, sets), [known[key] for key in hashes])
    return column_names(sets), values

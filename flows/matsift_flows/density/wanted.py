"""The models that a study of densities asks for: a learner on what a fold or an element leaves to learn from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matsift.density.settings import BRANCHES
from matsift.descriptors.registry import descriptor_set
from matsift.learners.columns import element_statistics
from matsift.study.density import COMPOSITION_SET, DensityLearner, DensitySettings
from matsift_flows.density.snapshots import HeldOut
from matsift_schema.store import models as store

_READ_COMPOSITIONS = ("magpie_cnn", "density_fusion")
#: Settings that are of the machine, not of the model.
_NOT_SAID = ("device",)


@dataclass(frozen=True)
class WantedLearner:
    """One learner on one snapshot; `branches` are the networks that a fusion joins, trained on the same rows."""

    settings: DensitySettings
    learner: DensityLearner
    held: HeldOut
    property_name: str
    seed: int
    branches: tuple[WantedLearner, ...] = ()

    @property
    def filled(self) -> dict[str, Any]:
        """All settings of the learner."""
        return self.settings.settings_of(self.learner)

    @property
    def sets(self) -> tuple[str, ...]:
        """Descriptor sets that it reads."""
        return (COMPOSITION_SET,) if self.learner.kind in _READ_COMPOSITIONS else self.learner.sets

    def columns(self, names: Sequence[str]) -> list[int]:
        """Return the places of the columns that it reads among those of its sets."""
        if self.learner.kind in _READ_COMPOSITIONS:
            return [int(i) for i in element_statistics(names)]
        return [i for i, name in enumerate(names) if name.startswith(self.learner.columns)]

    def column_names(self, names: Sequence[str]) -> list[str]:
        """Return what the model reads by name: columns of its sets, and the densities as a whole."""
        grids = [f"{self.settings.kind}:{self.settings.field_method}"] if self.learner.reads_grids else []
        return [*(names[i] for i in self.columns(names)), *grids]

    @property
    def said(self) -> dict[str, Any]:
        """All that decides what the model says, but for the rows and the seed."""
        field = {"field": self.settings.field_method, "points": self.settings.points}
        return {
            **{key: value for key, value in self.filled.items() if key not in _NOT_SAID},
            **(field if self.learner.reads_grids else {}),
            **({"columns": self.learner.columns} if self.learner.columns else {}),
            **({"branches": {b.learner.kind: b.content_hash for b in self.branches}} if self.branches else {}),
            "coverage": self.settings.coverage,
        }

    @property
    def content_hash(self) -> str:
        """The identity of the model version."""
        versions = [[name, descriptor_set(name).version] for name in self.sets]
        parts = [self.held.snapshot.content_hash, self.learner.kind, self.said, self.seed, versions]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @property
    def purpose(self) -> store.Purpose:
        """What the database calls it: nothing is predicted with it but what it was held out from."""
        return "ablation" if self.learner.is_network else "baseline"

    @property
    def name(self) -> str:
        """What it is called in a line."""
        return f"{self.property_name} {self.learner.name}, {self.held.name}"


def wanted_learners(
    settings: DensitySettings, held_out: Sequence[HeldOut], property_name: str, seed: int
) -> list[WantedLearner]:
    """Return the models of one property: snapshot by snapshot, learners in the order of the file."""
    found = list[WantedLearner]()
    for held in held_out:
        here = dict[str, WantedLearner]()
        for learner in settings.learners:
            joins = learner.kind == "density_fusion"
            branches = tuple(here[kind] for kind in BRANCHES) if joins else ()
            model = WantedLearner(settings, learner, held, property_name, seed, branches)
            here.setdefault(learner.kind, model)
            found.append(model)
    return found

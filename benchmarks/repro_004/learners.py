"""The property models: the paper's network of compositions, and trees on the 145 descriptors of compositions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from benchmarks.repro_004.data import Gaps
from numpy.typing import NDArray

from matsift.descriptors.of_compositions import columns_of, described_amounts
from matsift.generative.formulas import Compositions
from matsift.learners import registry
from matsift.learners.prediction import FittedModel


@dataclass(frozen=True)
class Learner:
    """A property model: a learner of the registry on sets of descriptors of compositions."""

    key: str
    title: str
    kind: str
    descriptors: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    small: Mapping[str, Any] = field(default_factory=dict)

    def filled(self, *, small: bool = False) -> dict[str, Any]:
        """Return all its settings; `small` ones are for trying."""
        return registry.validate_settings(self.kind, {**self.settings, **(self.small if small else {})})

    def mark(self, *, small: bool = False) -> str:
        """Return what tells its results from those of other settings."""
        settings = self.filled(small=small)
        return f"{self.kind} on {' '.join(self.descriptors)} " + " ".join(
            f"{k}={settings[k]}" for k in sorted(settings)
        )

    def fit(self, rows: Gaps, seed: int, *, small: bool = False) -> FittedModel:
        """Return the model trained on rows."""
        X, names = described_amounts(self.descriptors, rows.compositions.counts), columns_of(self.descriptors)
        return registry.fit(self.kind, X, rows.gaps, settings=self.filled(small=small), seed=seed, feature_names=names)

    def predict(self, model: FittedModel, compositions: Compositions) -> NDArray[np.float64]:
        """Return the gaps (n,) in eV, a chunk at a time."""
        starts = range(0, len(compositions), _CHUNK)
        parts = [compositions.select(slice(start, start + _CHUNK)) for start in starts]
        said = [model.predict(described_amounts(self.descriptors, part.counts)).mean for part in parts]
        return np.concatenate(said) if said else np.empty(0)


#: Compositions described at once.
_CHUNK = 20_000
_TUNED = {"preset": "tuned", "train_fraction": 1.0, "early_stopping_rounds": 0, "n_estimators": 600}
_BOTH = ("magpie", "element_fractions")
_FEW = {"members": 2, "n_estimators": 20}

#: In the order of the tables; the first labels and chooses what the others are compared with.
LEARNERS = (
    Learner("lightgbm", "LightGBM", "lightgbm_ensemble", _BOTH, {**_TUNED, "members": 4}, _FEW),
    Learner(
        "roost",
        "Roost",
        "roost",
        ("element_fractions",),
        {"members": 1, "epochs": 20, "embedding": "magpie"},
        {"epochs": 1, "least_steps": 0},
    ),
    Learner("forest", "random forest", "random_forest", ("magpie",), {"n_estimators": 100}, {"n_estimators": 5}),
)
BY_KEY = {learner.key: learner for learner in LEARNERS}

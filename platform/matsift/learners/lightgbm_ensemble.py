"""The learner of paper 001: LightGBM members on random draws of the training rows, their STDEV the uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, Literal, Self

import lightgbm
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from matsift.errors import ArtifactError, MatsiftError, UserInputError
from matsift.execution.pools import are_elsewhere, open_pool
from matsift.learners import container
from matsift.learners.ensemble_settings import ScaledEnsembleSettings
from matsift.learners.prediction import (
    Prediction,
    TrainingData,
    checked_features,
    draw_rows,
    member_seeds,
    shares,
)
from matsift.learners.scale import TargetScale

KIND = "lightgbm_ensemble"

_MEMBER, _HOLD = "matsift.learners.held:member", "matsift.learners.held:hold_rows"
_TIME_LIMIT_S = 24 * 3600.0

#: Fewest numbers in the rows for which members travel; fewer are learned here before a process elsewhere is up.
LEAST_TO_SEND = 1_000_000

#: Settings by preset. "default" is LightGBM as it comes, which is what paper 001 is taken to have used (it names no
#: hyper-parameter); "tuned" is the alternative of the science specification, section 2.3; "moduli" was chosen by three
#: folds within the training rows of 7,678 Materials Project moduli, and takes a fixed number of rounds.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "tuned": {
        "n_estimators": 1000,
        "learning_rate": 0.05,
        "num_leaves": 63,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "early_stopping_rounds": 50,
    },
    "moduli": {
        "n_estimators": 1000,
        "learning_rate": 0.03,
        "num_leaves": 31,
        "min_data_in_leaf": 5,
        "feature_fraction": 0.2,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "max_bin": 127,
    },
}


class LightGbmSettings(ScaledEnsembleSettings):
    """Settings of the ensemble; a key that is given wins over the preset, the preset over LightGBM's default."""

    preset: Literal["default", "tuned", "moduli"] = "default"
    objective: Literal["regression", "regression_l1", "huber"] = "regression"
    n_estimators: Annotated[int, Field(ge=1, le=100_000, description="boosting rounds")] = 100
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.1
    num_leaves: Annotated[int, Field(ge=2, le=131_072)] = 31
    max_depth: Annotated[int, Field(ge=-1)] = -1
    min_data_in_leaf: Annotated[int, Field(ge=1)] = 20
    feature_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    bagging_fraction: Annotated[float, Field(gt=0, le=1)] = 1.0
    bagging_freq: Annotated[int, Field(ge=0)] = 0
    lambda_l1: Annotated[float, Field(ge=0)] = 0.0
    lambda_l2: Annotated[float, Field(ge=0)] = 0.0
    min_gain_to_split: Annotated[float, Field(ge=0)] = 0.0
    max_bin: Annotated[int, Field(ge=2, le=65_535)] = 255
    early_stopping_rounds: Annotated[int, Field(ge=0, description="0 switches early stopping off")] = 0
    early_stopping_fraction: Annotated[
        float, Field(gt=0, lt=1, description="share of a member's rows that decides when to stop")
    ] = 0.1

    @model_validator(mode="before")
    @classmethod
    def _fill_from_preset(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {**PRESETS.get(given.get("preset", "default"), {}), **given}

    def booster_parameters(self, seed: int) -> dict[str, Any]:
        """Return LightGBM's parameters for one member; one thread and fixed orders make it repeatable."""
        own = {
            *ScaledEnsembleSettings.model_fields,
            "preset",
            "n_estimators",
            "early_stopping_rounds",
            "early_stopping_fraction",
        }
        return {
            **self.model_dump(exclude=own),
            "seed": seed,
            "deterministic": True,
            "force_col_wise": True,
            "num_threads": 1,
            "verbosity": -1,
        }


@dataclass(frozen=True, eq=False)
class LightGbmEnsemble:
    """A trained ensemble; `texts` are the members in LightGBM's own text format."""

    feature_names: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int
    texts: tuple[str, ...]
    kind: str = KIND
    _boosters: list[lightgbm.Booster] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Members are always read from text, so that a model predicts the same before storing and after.
        boosters = [lightgbm.Booster(model_str=text) for text in self.texts]
        object.__setattr__(self, "_boosters", boosters)

    def predict(self, X: NDArray[np.float64]) -> Prediction:
        """Return mean, spread and members for (n, n_feature) descriptors; NaN goes LightGBM's way for the unknown."""
        rows = checked_features(X, self.feature_names)
        if not len(rows):
            return Prediction.of_members(np.empty((len(self.texts), 0)))
        scale = TargetScale(self.settings.get("target", "linear"))
        return Prediction.of_members(scale.back(np.array([b.predict(rows, num_threads=1) for b in self._boosters])))

    def importances(self) -> NDArray[np.float64]:
        """Return (n_feature,) share of the gain that each column brought, averaged over the members."""
        gains = [shares(b.feature_importance("gain").astype(np.float64)) for b in self._boosters]
        return shares(np.mean(gains, axis=0))

    def dump(self) -> bytes:
        """Return a zip of LightGBM's text models."""
        header = {**container.header_of(self), "lightgbm": lightgbm.__version__}
        return container.pack(header, {f"member_{i:04d}.txt": t.encode() for i, t in enumerate(self.texts)})

    @classmethod
    def read(cls, header: dict[str, Any], parts: dict[str, bytes]) -> Self:
        """Return the ensemble of a model file."""
        try:
            texts = tuple(parts[name].decode() for name in sorted(parts))
            return cls(tuple(header["feature_names"]), header["settings"], int(header["seed"]), texts)
        except (KeyError, lightgbm.basic.LightGBMError) as error:
            raise ArtifactError(f"the model file lacks a part or holds a damaged member: {error}") from error


def fit(data: TrainingData, settings: LightGbmSettings, *, seed: int, n_worker: int = 1) -> LightGbmEnsemble:
    """Return an ensemble of members on independent draws of the rows.

    Raises
    ------
    UserInputError
        If a draw is too small for a single split, which would make every prediction the same number.
    """
    n_draw = max(1, round(settings.train_fraction * len(data.y)))
    if n_draw < 2 * settings.min_data_in_leaf:
        raise UserInputError(
            f"each member would see {n_draw} of {len(data.y)} labelled structures, too few for one split with "
            f"min_data_in_leaf = {settings.min_data_in_leaf}; add labels, or set min_data_in_leaf to "
            f"{max(1, n_draw // 4)} or less in the learner's settings"
        )
    texts = train_members(data, settings, member_seeds(seed, settings.members), n_worker=n_worker)
    return LightGbmEnsemble(data.feature_names, settings.model_dump(mode="json"), seed, texts)


def train_members(
    data: TrainingData, settings: LightGbmSettings, seeds: Sequence[int], *, n_worker: int = 1
) -> tuple[str, ...]:
    """Return one text model a seed, the same whatever `n_worker`, which are threads here, is.

    LightGBM lets go of Python's lock while it trains, and each member takes one thread. Where pools are on other
    machines, members of many rows are trained there.

    Raises
    ------
    MatsiftError
        If a process of another machine died, or the machines are gone.
    """
    if data.X.size >= LEAST_TO_SEND and are_elsewhere():
        return _members_elsewhere(data, settings, seeds, n_worker)
    with ThreadPoolExecutor(n_worker) as pool:
        return tuple(pool.map(partial(train_member, data, settings), seeds))


def _members_elsewhere(
    data: TrainingData, settings: LightGbmSettings, seeds: Sequence[int], n_worker: int
) -> tuple[str, ...]:
    found: dict[Hashable, str] = {}
    with open_pool(
        _MEMBER, n_worker=n_worker, time_limit_s=_TIME_LIMIT_S, initializer=_HOLD, init_args=(data, settings)
    ) as pool:
        for outcome in pool.run(enumerate(seeds)):
            if not outcome.ok:
                raise MatsiftError(f"a member could not be trained: {outcome.error_class}: {outcome.message}")
            found[outcome.key] = outcome.value
    return tuple(found[i] for i in range(len(seeds)))


def train_member(data: TrainingData, settings: LightGbmSettings, seed: int) -> str:
    """Return one member as LightGBM text: a draw of the rows by its seed, then boosting."""

    def binned(rows: NDArray[np.int64], y: NDArray[np.float64]) -> lightgbm.Dataset:
        return lightgbm.Dataset(data.X[rows], y)

    return boost(binned, data.y, settings, seed)


def boost(
    binned: Callable[[NDArray[np.int64], NDArray[np.float64]], lightgbm.Dataset],
    labels: NDArray[np.float64],
    settings: LightGbmSettings,
    seed: int,
    **parameters: bool,
) -> str:
    """Return one member as LightGBM text, trained on what `binned` makes of (n,) sorted rows and their targets.

    `labels` are those of all rows that the member may draw from, in the unit of the property; further `parameters` win
    over those of the settings.
    """
    rows = draw_rows(len(labels), settings.train_fraction, seed)
    y = settings.scale.forward(labels)
    stoppers: list[Any] = []
    watched: list[lightgbm.Dataset] = []
    if settings.early_stopping_rounds and len(rows) > 1:
        order = np.random.default_rng([seed, 1]).permutation(len(rows))
        n_inner = math.ceil(settings.early_stopping_fraction * len(rows))
        rows, inner = rows[np.sort(order[n_inner:])], rows[np.sort(order[:n_inner])]
        watched = [binned(inner, y[inner])]
        stoppers = [lightgbm.early_stopping(settings.early_stopping_rounds, verbose=False)]
    train = binned(rows, y[rows])
    for dataset in watched:
        dataset.set_reference(train)
    booster = lightgbm.train(
        settings.booster_parameters(seed) | parameters,
        train,
        settings.n_estimators,
        valid_sets=watched,
        callbacks=stoppers,
    )
    best = booster.best_iteration if watched else -1
    return str(booster.model_to_string(num_iteration=best))

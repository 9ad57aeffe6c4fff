"""The learners by name: settings, fitting, reading back."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike
from pydantic import BaseModel, ValidationError

from matsift.errors import ArtifactError, UserInputError
from matsift.learners import (
    blend,
    container,
    forest,
    gpr_nn,
    kernel_ridge,
    least_squares,
    levenberg_marquardt,
    lightgbm_ensemble,
    linear,
)
from matsift.learners.prediction import FittedModel, TrainingData
from matsift.learners.scale import TargetScale


@dataclass(frozen=True)
class _Learner:
    settings: type[BaseModel]
    fit: Callable[..., FittedModel]
    read: Callable[[dict[str, Any], dict[str, bytes]], FittedModel]


_LEARNERS: dict[str, _Learner] = {
    lightgbm_ensemble.KIND: _Learner(
        lightgbm_ensemble.LightGbmSettings, lightgbm_ensemble.fit, lightgbm_ensemble.LightGbmEnsemble.read
    ),
    forest.KIND: _Learner(forest.ForestSettings, forest.fit, forest.Forest.read),
    kernel_ridge.KIND: _Learner(
        kernel_ridge.KernelRidgeSettings, kernel_ridge.fit, kernel_ridge.KernelRidgeEnsemble.read
    ),
    blend.KIND: _Learner(blend.BlendSettings, blend.fit, blend.Blend.read),
    linear.KIND: _Learner(linear.RidgeSettings, linear.fit, linear.RidgeEnsemble.read),
    least_squares.KIND: _Learner(
        least_squares.LeastSquaresSettings, least_squares.fit, least_squares.LeastSquares.read
    ),
    levenberg_marquardt.KIND: _Learner(
        levenberg_marquardt.LevenbergMarquardtSettings,
        levenberg_marquardt.fit,
        levenberg_marquardt.LevenbergMarquardt.read,
    ),
    gpr_nn.KIND: _Learner(gpr_nn.GprNnSettings, gpr_nn.fit, gpr_nn.GprNn.read),
}


def known_learners() -> tuple[str, ...]:
    """Return the names of the learners."""
    return tuple(_LEARNERS)


def validate_settings(kind: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a learner as plain JSON values, with the defaults filled in.

    Raises
    ------
    UserInputError
        If there is no such learner, a key is unknown, or a value is out of range; the sentence names the key.
    """
    model = _learner(kind).settings
    try:
        return model.model_validate(dict(settings)).model_dump(mode="json")
    except ValidationError as error:
        raise UserInputError(_sentence(kind, model, error)) from None


def target_scale(settings: Mapping[str, Any]) -> TargetScale:
    """Return the scale that the filled settings of a learner name; learners that know no other are linear."""
    return TargetScale(settings.get("target", "linear"), settings.get("target_floor", 1.0))


def fit(
    kind: str,
    X: ArrayLike,
    y: ArrayLike,
    *,
    settings: Mapping[str, Any],
    seed: int,
    feature_names: Sequence[str],
    n_worker: int = 1,
) -> FittedModel:
    """Return a model trained on the rows; the same rows, settings and seed give the same model on one machine.

    Parameters
    ----------
    kind
        A name of `known_learners`.
    X
        (n, n_feature) descriptors, NaN where unknown. Row order matters: order rows by structure content hash.
    y
        (n,) labels, finite.
    settings
        Keys of the learner's settings; what is left out takes the default.
    seed
        Seed of every random choice.
    feature_names
        (n_feature,) column names.
    n_worker
        Processes (or threads, for the forest) to train with; the result does not depend on it.

    Raises
    ------
    UserInputError
        If the settings are wrong or the rows cannot be learned from.
    """
    checked = _learner(kind).settings.model_validate(validate_settings(kind, settings))
    rows = TrainingData.checked(X, y, feature_names)
    return _learner(kind).fit(rows, checked, seed=seed, n_worker=n_worker)


def load(kind: str, data: bytes) -> FittedModel:
    """Return the model that `dump` wrote; it predicts the same, bit for bit.

    Raises
    ------
    ArtifactError
        If the bytes are damaged or hold another kind of model.
    """
    header, parts = container.unpack(data)
    if header.get("kind") != kind:
        raise ArtifactError(f"the model file holds a {header.get('kind')!r}, not a {kind!r}")
    return _learner(kind).read(header, parts)


def _learner(kind: str) -> _Learner:
    try:
        return _LEARNERS[kind]
    except KeyError:
        raise UserInputError(f"there is no learner {kind!r}; use one of {', '.join(sorted(_LEARNERS))}") from None


def _sentence(kind: str, model: type[BaseModel], error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        likely = difflib.get_close_matches(key, model.model_fields, n=1)
        hint = f"did you mean {likely[0]!r}?" if likely else f"it knows {', '.join(sorted(model.model_fields))}"
        return f"the learner {kind!r} has no setting {key!r}; {hint}"
    return f"the setting {key!r} of the learner {kind!r} is {first['input']!r}: {first['msg'].lower()}"

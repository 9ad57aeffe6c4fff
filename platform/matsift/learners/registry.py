"""The learners by name: settings, fitting, reading back."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from numpy.typing import ArrayLike
from pydantic import BaseModel, ValidationError

from matsift.errors import ArtifactError, UserInputError
from matsift.learners import container
from matsift.learners.prediction import FittedModel, TrainingData
from matsift.learners.scale import TargetScale
from matsift.suggestions import meant


@dataclass(frozen=True)
class _Learner:
    settings: type[BaseModel]
    fit: Callable[..., FittedModel]
    read: Callable[[dict[str, Any], dict[str, bytes]], FittedModel]


#: Kind -> module, settings and model. A module is imported when its learner is asked for: LightGBM and scikit-learn
#: take a second that most commands need not spend.
_PLACES = {
    "lightgbm_ensemble": ("lightgbm_ensemble", "LightGbmSettings", "LightGbmEnsemble"),
    "random_forest": ("forest", "ForestSettings", "Forest"),
    "kernel_ridge": ("kernel_ridge", "KernelRidgeSettings", "KernelRidgeEnsemble"),
    "blend": ("blend", "BlendSettings", "Blend"),
    "ridge": ("linear", "RidgeSettings", "RidgeEnsemble"),
    "least_squares": ("least_squares", "LeastSquaresSettings", "LeastSquares"),
    "levenberg_marquardt": ("levenberg_marquardt", "LevenbergMarquardtSettings", "LevenbergMarquardt"),
    "gpr_nn": ("gpr_nn", "GprNnSettings", "GprNn"),
    "magpie_cnn": ("magpie_cnn", "MagpieCnnSettings", "MagpieCnn"),
    "roost": ("roost", "RoostSettings", "Roost"),
}

#: Learners of the columns of one descriptor set, whatever other columns there are.
_READS = {"magpie_cnn": "magpie", "roost": "element_fractions"}


def known_learners() -> tuple[str, ...]:
    """Return the names of the learners."""
    return tuple(_PLACES)


def required_set(kind: str) -> str | None:
    """Return the descriptor set that a learner cannot do without; None for those of any columns."""
    return _READS.get(kind)


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


@cache
def _learner(kind: str) -> _Learner:
    if kind not in _PLACES:
        raise UserInputError(
            f"there is no learner {kind!r}{meant(kind, _PLACES)}; use one of {', '.join(sorted(_PLACES))}"
        )
    place, settings, model = _PLACES[kind]
    module = import_module(f"matsift.learners.{place}")
    return _Learner(getattr(module, settings), module.fit, getattr(module, model).read)


def _sentence(kind: str, model: type[BaseModel], error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        likely = difflib.get_close_matches(key, model.model_fields, n=1)
        hint = f"did you mean {likely[0]!r}?" if likely else f"it knows {', '.join(sorted(model.model_fields))}"
        return f"the learner {kind!r} has no setting {key!r}; {hint}"
    return f"the setting {key!r} of the learner {kind!r} is {first['input']!r}: {first['msg'].lower()}"

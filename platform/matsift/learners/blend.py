"""Trees and a kernel together: a member is the weighted mean of a LightGBM and a kernel ridge on one draw of rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from matsift.errors import ArtifactError
from matsift.learners import container, kernel_ridge, lightgbm_ensemble
from matsift.learners.ensemble_settings import ScaledEnsembleSettings
from matsift.learners.kernel_ridge import KernelRidgeEnsemble, KernelRidgeSettings
from matsift.learners.lightgbm_ensemble import LightGbmEnsemble, LightGbmSettings
from matsift.learners.prediction import Prediction, TrainingData
from matsift.learners.scale import ScaleKind

KIND = "blend"
_SHARED = tuple(ScaledEnsembleSettings.model_fields)
_PARTS = ("lightgbm.model", "kernel.model")


class BlendSettings(ScaledEnsembleSettings):
    """Settings of the blend; `lightgbm` and `kernel` take those of the two learners, but for the shared ones."""

    target: Annotated[ScaleKind, Field(description="the scale on which the two are weighted")] = "log10"
    lightgbm_share: Annotated[float, Field(ge=0, le=1, description="weight of LightGBM; the kernel has the rest")] = 0.5
    lightgbm: Annotated[
        dict[str, Any], Field(default_factory=lambda: {"preset": "moduli"}, description="settings of lightgbm_ensemble")
    ]
    kernel: Annotated[dict[str, Any], Field(default_factory=dict, description="settings of kernel_ridge")]

    @model_validator(mode="after")
    def _known(self) -> BlendSettings:
        for name in ("lightgbm", "kernel"):
            given: dict[str, Any] = getattr(self, name)
            if shared := [key for key in _SHARED if key in given]:
                raise ValueError(f"set {shared[0]!r} of the blend itself: {name} has none of its own")
        for name, settings in (("lightgbm", self.of_lightgbm), ("kernel", self.of_kernel)):
            try:
                settings()
            except ValidationError as error:
                fault = error.errors()[0]
                key = ".".join(str(part) for part in fault["loc"])
                raise ValueError(f"{name}.{key}: {fault['msg'].lower()}") from None
        return self

    def of_lightgbm(self) -> LightGbmSettings:
        """Return the settings of the LightGBM members."""
        return LightGbmSettings.model_validate({**self.lightgbm, **self._shared()})

    def of_kernel(self) -> KernelRidgeSettings:
        """Return the settings of the kernel members."""
        return KernelRidgeSettings.model_validate({**self.kernel, **self._shared()})

    def _shared(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in _SHARED}


@dataclass(frozen=True, eq=False)
class Blend:
    """Two trained ensembles whose members were trained on the same draws."""

    feature_names: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int
    trees: LightGbmEnsemble
    kernel: KernelRidgeEnsemble
    kind: str = KIND

    def predict(self, X: NDArray[np.float64]) -> Prediction:
        """Return mean, spread and members for (n, n_feature) descriptors."""
        settings = BlendSettings.model_validate(self.settings)
        share, scale = settings.lightgbm_share, settings.scale
        trees, kernel = (np.asarray(part.predict(X).members) for part in (self.trees, self.kernel))
        if scale.kind == "linear":
            return Prediction.of_members(share * trees + (1 - share) * kernel)
        return Prediction.of_members(scale.back(share * np.log10(trees) + (1 - share) * np.log10(kernel)))

    def importances(self) -> NDArray[np.float64]:
        """Return (n_feature,) share of the gain that each column brought to the trees."""
        return self.trees.importances()

    def dump(self) -> bytes:
        """Return a zip of a header and the model files of the two."""
        parts = dict(zip(_PARTS, (self.trees.dump(), self.kernel.dump()), strict=True))
        return container.pack(container.header_of(self), parts)

    @classmethod
    def read(cls, header: dict[str, Any], parts: dict[str, bytes]) -> Self:
        """Return the blend of a model file."""
        try:
            trees, kernel = (container.unpack(parts[name]) for name in _PARTS)
            return cls(
                tuple(header["feature_names"]),
                header["settings"],
                int(header["seed"]),
                LightGbmEnsemble.read(*trees),
                KernelRidgeEnsemble.read(*kernel),
            )
        except KeyError as error:
            raise ArtifactError(f"the model file lacks {error}") from error


def fit(data: TrainingData, settings: BlendSettings, *, seed: int, n_worker: int = 1) -> Blend:
    """Return the blend of the two ensembles; a seed draws the same rows in both."""
    trees = lightgbm_ensemble.fit(data, settings.of_lightgbm(), seed=seed, n_worker=n_worker)
    kernel = kernel_ridge.fit(data, settings.of_kernel(), seed=seed, n_worker=n_worker)
    return Blend(data.feature_names, settings.model_dump(mode="json"), seed, trees, kernel)

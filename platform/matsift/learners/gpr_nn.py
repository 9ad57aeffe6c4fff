"""GPR-NN: a one-hidden-layer network whose neurons are Gaussian processes of one coordinate each, all solved at once.

f(x) = sum_n f_n(w_n x) with fixed rows w_n: first-order additive Gaussian process regression in y = W x (Manzhos and
Ihara 2023, J. Phys. Chem. A 127, 7823; Kameda et al. 2024, Digital Discovery 3, 1967).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from threadpoolctl import threadpool_limits

from matsift.errors import ArtifactError, UserInputError
from matsift.learners import array_parts, container
from matsift.learners.additive_kernel import BLOCK, AdditiveFeatures, RidgeProblem, RidgeSolution
from matsift.learners.coordinates import GENERATOR, coordinate_rows
from matsift.learners.prediction import Prediction, TrainingData, checked_features, shares
from matsift.learners.standard_scores import StandardScores

KIND = "gpr_nn"
#: Features of all coordinates together that a model may have; their number squared is what is stored.
MOST_FEATURES = 4000


class GprNnSettings(BaseModel):
    """Settings of GPR-NN; the defaults are those of Kameda et al. 2024 as far as their results fix them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    length: Annotated[float, Field(gt=0, description="length of all kernels, in units of the scaled coordinates")] = 7.0
    noise_variance: Annotated[
        float, Field(gt=0, description="added to the diagonal; its root is the noise in units of the learned target")
    ] = 1e-3
    added_coordinates: Annotated[
        int, Field(le=500, description="Sobol directions besides the columns; negative: only Sobol rows, so many less")
    ] = 0
    scaling: Annotated[
        Literal["standard", "unit"], Field(description="each coordinate to deviation 1, or to the interval 0 to 1")
    ] = "standard"
    standardise_target: Annotated[
        bool, Field(description="learn the target's standard score, not the target as it is, in its own unit")
    ] = False


@dataclass(frozen=True, eq=False)
class Coordinates:
    """From descriptors to scaled coordinates: standard scores, W, then shift and scale (N,) of each coordinate."""

    scores: StandardScores
    rows: NDArray[np.float64]
    shift: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, X: NDArray[np.float64], rows: NDArray[np.float64], scaling: str) -> Self:
        """Return the coordinates along (N, n_feature) `rows`, scaled on (n, n_feature) training descriptors.

        A coordinate that never varied in training stays at 0.
        """
        scores = StandardScores.fit(X)
        y = scores.transform(X) @ rows.T
        if scaling == "standard":
            plain = StandardScores.fit(y)
            return cls(scores, rows, plain.mean, plain.deviation)
        low, high = y.min(axis=0), y.max(axis=0)
        return cls(scores, rows, low, high - low)

    def __call__(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, N) scaled coordinates of (n, n_feature) descriptors, NaN at the column's mean."""
        y = self.scores.transform(X) @ self.rows.T
        varies = self.scale > 0
        return np.where(varies, (y - self.shift) / np.where(varies, self.scale, 1.0), 0.0)


@dataclass(frozen=True, eq=False)
class GprNn:
    """A trained GPR-NN: `solution` are the weights of the kernels' features, `deviations` (N,) those of the components.

    `offset` and `unit` bring the learned target back: 0 and 1, or mean and deviation of the training labels.
    """

    feature_names: tuple[str, ...]
    settings: Mapping[str, Any]
    seed: int
    coordinates: Coordinates
    features: AdditiveFeatures
    solution: RidgeSolution
    deviations: NDArray[np.float64]
    offset: float
    unit: float
    kind: str = KIND

    def predict(self, X: NDArray[np.float64]) -> Prediction:
        """Return the posterior mean for (n, n_feature) descriptors, NaN at the column's mean.

        The spread is the posterior deviation of a new label, the noise of the labels included; the mean is the only
        member.
        """
        components, variance = self._evaluate(X)
        mean = self.offset + components.sum(axis=0)
        spread = np.sqrt(variance + self.solution.diagonal * self.unit**2)
        return Prediction(mean, spread, mean[None])

    def components(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (N, n) what each component f_n adds: with `offset`, the mean."""
        return self._evaluate(X)[0]

    def variance(self, X: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n,) posterior variances of the function itself, without the noise of labels."""
        return self._evaluate(X)[1]

    def component_importances(self) -> NDArray[np.float64]:
        """Return (N,) standard deviations of the components over the training rows, in the unit of the property."""
        return self.deviations

    def importances(self) -> NDArray[np.float64] | None:
        """Return each column's share of the components' deviations; None where coordinates mix columns."""
        return shares(self.deviations) if self.settings["added_coordinates"] == 0 else None

    def dump(self) -> bytes:
        """Return a zip of a header and NumPy arrays."""
        header = {
            **container.header_of(self),
            "generator": GENERATOR,
            "sizes": self.features.sizes,
            "offset": self.offset.hex(),
            "unit": self.unit.hex(),
        }
        arrays = {
            **self.coordinates.scores.parts(),
            "rows": self.coordinates.rows,
            "shift": self.coordinates.shift,
            "scale": self.coordinates.scale,
            "middle": self.features.middle,
            "weights": self.solution.weights,
            "factor": self.solution.factor,
            "deviations": self.deviations,
        }
        if self.solution.basis is not None:
            arrays["basis"] = self.solution.basis
        return container.pack(header, array_parts.to_parts(arrays))

    @classmethod
    def read(cls, header: dict[str, Any], parts: dict[str, bytes]) -> Self:
        """Return the model of a model file."""
        found = array_parts.from_parts(parts)
        try:
            settings = GprNnSettings.model_validate(header["settings"])
            return cls(
                tuple(header["feature_names"]),
                header["settings"],
                int(header["seed"]),
                Coordinates(StandardScores.of_parts(found), found["rows"], found["shift"], found["scale"]),
                AdditiveFeatures(found["middle"], settings.length, tuple(header["sizes"])),
                RidgeSolution(found["weights"], found["factor"], settings.noise_variance, found.get("basis")),
                found["deviations"],
                float.fromhex(header["offset"]),
                float.fromhex(header["unit"]),
            )
        except (KeyError, ValueError) as error:
            raise ArtifactError(f"the model file lacks {error}") from error

    def _evaluate(self, X: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (N, n) components and (n,) variances of the function, in the unit of the property."""
        rows = checked_features(X, self.feature_names)
        components, variance = np.empty((len(self.features.sizes), len(rows))), np.empty(len(rows))
        with threadpool_limits(1, "blas"):  # the order of BLAS sums follows its threads
            for start in range(0, len(rows), BLOCK):
                block = np.zeros((BLOCK, rows.shape[1]))
                found = rows[start : start + BLOCK]
                block[: len(found)] = found
                seen, here = self.features(self.coordinates(block)), slice(start, start + len(found))
                components[:, here] = self._components(seen)[:, : len(found)]
                variance[here] = self.solution.variance(seen, len(components))[: len(found)]
        return components * self.unit, variance * self.unit**2

    def _components(self, seen: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([seen[:, block] @ self.solution.weights[block] for block in self.features.blocks])


@dataclass(frozen=True, eq=False)
class GprNnProblem:
    """Training rows reduced to their kernel features: a model for any noise at the cost of the features alone."""

    data: TrainingData
    coordinates: Coordinates
    features: AdditiveFeatures
    seen: NDArray[np.float64]
    ridge: RidgeProblem
    offset: float
    unit: float

    @classmethod
    def of(cls, data: TrainingData, settings: GprNnSettings, directions: NDArray[np.float64] | None = None) -> Self:
        """Return the reduction; `noise_variance` of the settings has no part in it.

        Parameters
        ----------
        data, settings
            What to learn from, and how.
        directions
            (N, n_feature) rows of W; those that `added_coordinates` of the settings stands for where left out.

        Raises
        ------
        UserInputError
            If the kernels are too short for the range of so many coordinates.
        """
        rows = coordinate_rows(data.X.shape[1], settings.added_coordinates) if directions is None else directions
        with threadpool_limits(1, "blas"):
            coordinates = Coordinates.fit(data.X, rows, settings.scaling)
            y = coordinates(data.X)
            features = AdditiveFeatures.fit(y, settings.length)
            if sum(features.sizes) > MOST_FEATURES:
                raise UserInputError(
                    f"{len(rows)} kernels of length {settings.length:g} need {sum(features.sizes)} features, more than "
                    f"{MOST_FEATURES}; raise length or lower added_coordinates of the learner {KIND!r}"
                )
            offset, unit = 0.0, 1.0
            if settings.standardise_target:
                offset, unit = float(data.y.mean()), float(data.y.std()) or 1.0
            seen = features(y)
            ridge = RidgeProblem.of(seen, (data.y - offset) / unit)
        return cls(data, coordinates, features, seen, ridge, offset, unit)

    def solve(self, settings: GprNnSettings, *, seed: int = 0) -> GprNn:
        """Return the model with the noise of the settings, which otherwise are those that the rows were reduced by."""
        with threadpool_limits(1, "blas"):
            solution = self.ridge.solve(settings.noise_variance)
            said = [(self.seen[:, block] @ solution.weights[block]).std() for block in self.features.blocks]
        return GprNn(
            self.data.feature_names,
            settings.model_dump(mode="json"),
            seed,
            self.coordinates,
            self.features,
            solution,
            np.array(said) * self.unit,
            self.offset,
            self.unit,
        )


def fit(data: TrainingData, settings: GprNnSettings, *, seed: int, n_worker: int = 1) -> GprNn:  # noqa: ARG001  one face for all learners
    """Return the posterior of all components at once; nothing in it is random.

    Raises
    ------
    UserInputError
        If the kernels are too short for the range of so many coordinates.
    """
    return GprNnProblem.of(data, settings).solve(settings, seed=seed)

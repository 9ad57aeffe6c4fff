"""What a network is given for a batch of rows: scaled pictures, scaled densities, or features of other networks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from matsift.density.field_source import FieldSource, OrbitFields
from matsift.density.inputs import N_MAGPIE
from matsift.density.networks import PICTURE
from matsift.density.unique_layers import views_alike
from matsift.density.views import Normalisation
from matsift.errors import UserInputError

#: Densities that are read at once for their standard deviation.
_CHUNK = 64


class Feed(Protocol):
    """Tensors of a batch; `slow` where they come from files or big grids, `origins` where they can be shifted."""

    @property
    def slow(self) -> bool:
        """Whether to read ahead."""
        ...

    @property
    def origins(self) -> bool:
        """Whether items have a second origin."""
        ...

    def batch(self, rows: NDArray[np.int64], shifted: NDArray[np.bool_] | None = None) -> tuple[Tensor, ...]:
        """Return the inputs of the network for k rows, in the order asked; those in `shifted` at their other origin."""
        ...


@dataclass(frozen=True, eq=False)
class MagpieScale:
    """Mean and standard deviation of each composition feature in training; what is not known counts as the mean."""

    mean: NDArray[np.float64]
    std: NDArray[np.float64]

    @classmethod
    def of(cls, features: NDArray[np.float64]) -> MagpieScale:
        """Return the scale of (n, 132) training rows; a feature that does not vary is left at 0."""
        known = np.isfinite(features)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, features, 0.0).sum(axis=0) / count
        std = np.sqrt((np.where(known, features - mean, 0.0) ** 2).sum(axis=0) / count)
        return cls(mean, np.where(std > 1e-9 * (1 + np.abs(mean)), std, np.inf))

    def pictures(self, features: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return (n, 1, 12, 12) pictures: the scaled features in their order, then 12 zeros."""
        scaled = np.where(np.isfinite(features), (features - self.mean) / self.std, 0.0)
        padded = np.zeros((len(features), PICTURE * PICTURE), dtype=np.float32)
        padded[:, :N_MAGPIE] = scaled
        return padded.reshape(-1, 1, PICTURE, PICTURE)


@dataclass(eq=False)
class MemoryFeed:
    """What is in memory for all rows: pictures, or features of other networks."""

    values: Tensor
    slow: bool = False
    origins: bool = False

    def batch(self, rows: NDArray[np.int64], shifted: NDArray[np.bool_] | None = None) -> tuple[Tensor, ...]:
        """Return the values of k rows."""
        del shifted
        return (self.values[torch.from_numpy(rows)],)


@dataclass(eq=False)
class FieldFeed:
    """Densities, of symmetric ones the unique values alone."""

    source: FieldSource
    scale: Normalisation
    origins: bool = False
    slow: bool = field(init=False)
    _other: NDArray[np.int64] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Find where the other origin takes each value."""
        self.slow = reduced(self.source) is None
        labels = reduced(self.source)
        if self.origins and labels is not None:
            self._other = _at_other_origin(labels)

    def batch(self, rows: NDArray[np.int64], shifted: NDArray[np.bool_] | None = None) -> tuple[Tensor, ...]:
        """Return (k, a, a, a) grids, or (k, n_orbit) unique values of densities with one symmetry."""
        values = self.scale.apply(stored(self.source, rows) if not self.slow else self.source.load(rows))
        if shifted is not None and shifted.any():
            if self._other is not None:
                values[shifted] = values[shifted][:, self._other]
            else:
                half = [length // 2 for length in values.shape[1:]]
                values[shifted] = np.roll(values[shifted], half, axis=(1, 2, 3))
        return (torch.from_numpy(np.ascontiguousarray(values)),)


@dataclass(eq=False)
class JointFeed:
    """The inputs of several networks one after another."""

    parts: tuple[Feed, ...]

    @property
    def slow(self) -> bool:
        """Whether one of the parts is."""
        return any(part.slow for part in self.parts)

    @property
    def origins(self) -> bool:
        """Whether one of the parts can be shifted."""
        return any(part.origins for part in self.parts)

    def batch(self, rows: NDArray[np.int64], shifted: NDArray[np.bool_] | None = None) -> tuple[Tensor, ...]:
        """Return the tensors of all parts."""
        return tuple(x for part in self.parts for x in part.batch(rows, shifted if part.origins else None))


def reduced(source: FieldSource) -> NDArray[np.int32] | None:
    """Return the labels of the orbits where the networks can work on unique values alone, else None."""
    return source.labels if isinstance(source, OrbitFields) and views_alike(source.labels) else None


def stored(source: FieldSource, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the values of rows as a source keeps them: one an orbit, or whole grids."""
    return source.values[rows] if isinstance(source, OrbitFields) else source.load(rows)


def field_scale(kind: Literal["std", "log1p"], source: FieldSource, rows: NDArray[np.int64]) -> Normalisation:
    """Return the normalisation whose scale is the standard deviation over the rows, which are read once.

    Raises
    ------
    UserInputError
        If all densities are one and the same number, or one is not finite.
    """
    counts = np.bincount(source.labels.reshape(-1)) if isinstance(source, OrbitFields) else None
    unscaled, total, square = Normalisation("log1p" if kind == "log1p" else "none"), 0.0, 0.0
    for some in chunks(rows, _CHUNK):
        values = unscaled.apply(stored(source, some)).reshape(len(some), -1).astype(np.float64)
        share = np.full(values.shape[1], 1.0 / values.shape[1]) if counts is None else counts / counts.sum()
        total += float((values @ share).sum()) / len(rows)
        square += float((values**2 @ share).sum()) / len(rows)
    if not math.isfinite(square):
        raise UserInputError("a training density has a value that is no finite number")
    spread = math.sqrt(max(square - total**2, 0.0))
    if spread <= 1e-6 * abs(total):
        raise UserInputError("the training densities do not vary: nothing can be learned from them")
    return Normalisation(kind, spread)


def chunks(rows: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    """Return the rows in parts of a size."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _at_other_origin(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return which unique value each one becomes when the origin moves by half a body diagonal.

    Raises
    ------
    UserInputError
        If the shifted densities have another symmetry.
    """
    shifted = np.roll(labels, [length // 2 for length in labels.shape], axis=(0, 1, 2)).reshape(-1)
    first = np.unique(labels.reshape(-1), return_index=True)[1]
    other = shifted[first].astype(np.int64)
    if not np.array_equal(other[labels.reshape(-1)], shifted):
        raise UserInputError("densities of this symmetry have no second origin; set origins to false")
    return other


def plain_scales(magpie: MagpieScale | None, fields: Normalisation | None) -> Mapping[str, Any]:
    """Return the scales as JSON values."""
    return {
        "magpie": None
        if magpie is None
        else [magpie.mean.tolist(), [None if np.isinf(std) else std for std in magpie.std.tolist()]],
        "fields": None if fields is None else fields.to_dict(),
    }


def read_scales(values: Mapping[str, Any]) -> tuple[MagpieScale | None, Normalisation | None]:
    """Return the scales that `plain_scales` gave."""
    magpie, fields = values["magpie"], values["fields"]
    if magpie is not None:
        stds = np.array([np.inf if std is None else std for std in magpie[1]])
        magpie = MagpieScale(np.array(magpie[0]), stds)
    return magpie, None if fields is None else Normalisation.from_dict(fields)

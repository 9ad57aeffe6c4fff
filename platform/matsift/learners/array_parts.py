"""NumPy arrays as the parts of a model file."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from matsift.errors import ArtifactError

_ENDING = ".npy"


def to_parts(arrays: Mapping[str, NDArray[np.float64]]) -> dict[str, bytes]:
    """Return one part an array, named after it."""
    parts = {}
    for name, array in arrays.items():
        stream = io.BytesIO()
        np.save(stream, array, allow_pickle=False)
        parts[f"{name}{_ENDING}"] = stream.getvalue()
    return parts


def from_parts(parts: Mapping[str, bytes]) -> dict[str, NDArray[np.float64]]:
    """Return the arrays that `to_parts` wrote.

    Raises
    ------
    ArtifactError
        If a part is no array.
    """
    try:
        return {
            name.removesuffix(_ENDING): np.load(io.BytesIO(part), allow_pickle=False) for name, part in parts.items()
        }
    except (ValueError, EOFError) as error:
        raise ArtifactError(f"the model file holds a damaged array: {error}") from error

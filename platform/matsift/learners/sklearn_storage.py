"""scikit-learn models in and out of bytes by skops, with an explicit list of what may be built on reading."""

from __future__ import annotations

from typing import Any

import skops.io

from matsift.errors import ArtifactError

#: Types beyond skops' own list that the forest and the ridge pipeline hold; anything else in a file is refused.
TRUSTED_TYPES = ("numpy.dtype", "sklearn.tree._tree.Tree")


def to_bytes(model: Any) -> bytes:
    """Return a scikit-learn model as a skops file."""
    return bytes(skops.io.dumps(model))


def from_bytes(data: bytes) -> Any:
    """Return the scikit-learn model of a skops file.

    Raises
    ------
    ArtifactError
        If the file is damaged or asks for a type outside `TRUSTED_TYPES`.
    """
    try:
        strange = sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED_TYPES))
        model = None if strange else skops.io.loads(data, trusted=list(TRUSTED_TYPES))
    except Exception as error:  # skops, zipfile, json and NumPy each raise their own on a damaged file
        raise ArtifactError(f"the model file is damaged: {type(error).__name__}: {error}") from error
    if strange:
        raise ArtifactError(f"the model file asks for the type {strange[0]}, which is not on the trusted list")
    return model

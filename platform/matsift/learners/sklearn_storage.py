"""scikit-learn models in and out of bytes by skops, with an explicit list of what may be built on reading."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import PurePosixPath
from typing import Any

from matsift.errors import ArtifactError
from matsift.learners.container import EPOCH

#: Types beyond skops' own list that the forest and the ridge pipeline hold; anything else in a file is refused.
TRUSTED_TYPES = ("numpy.dtype", "sklearn.tree._tree.Tree")

_SCHEMA = "schema.json"


def to_bytes(model: Any) -> bytes:
    """Return a scikit-learn model as a skops file, the same bytes for the same model."""
    import skops.io  # noqa: PLC0415  it imports all of scikit-learn, and PyTorch with it: seconds

    return _without_chance(bytes(skops.io.dumps(model)))


def from_bytes(data: bytes) -> Any:
    """Return the scikit-learn model of a skops file.

    Raises
    ------
    ArtifactError
        If the file is damaged or asks for a type outside `TRUSTED_TYPES`.
    """
    import skops.io  # noqa: PLC0415

    try:
        strange = sorted(set(skops.io.get_untrusted_types(data=data)) - set(TRUSTED_TYPES))
        model = None if strange else skops.io.loads(data, trusted=list(TRUSTED_TYPES))
    except Exception as error:  # skops, zipfile, json and NumPy each raise their own on a damaged file
        raise ArtifactError(f"the model file is damaged: {type(error).__name__}: {error}") from error
    if strange:
        raise ArtifactError(f"the model file asks for the type {strange[0]}, which is not on the trusted list")
    return model


def _without_chance(data: bytes) -> bytes:
    """Return a skops file with numbers in place of the memory addresses and the time of day that skops writes."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[str, int] = {}
    schema = _renumbered(json.loads(parts.pop(_SCHEMA)), numbers)
    named = {_renamed(name, numbers): content for name, content in parts.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in [*sorted(named.items()), (_SCHEMA, json.dumps(schema).encode())]:
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
    return buffer.getvalue()


def _renumbered(node: Any, numbers: dict[str, int]) -> Any:
    """Return a node of skops' schema with its addresses numbered in the order in which they appear."""
    if isinstance(node, list):
        return [_renumbered(item, numbers) for item in node]
    if not isinstance(node, dict):
        return node
    if "__id__" in node:
        numbers.setdefault(str(node["__id__"]), len(numbers))
    settled = {key: _renumbered(value, numbers) for key, value in node.items()}
    if "__id__" in settled:
        settled["__id__"] = numbers[str(node["__id__"])]
    if isinstance(settled.get("file"), str):
        settled["file"] = _renamed(settled["file"], numbers)
    return settled


def _renamed(name: str, numbers: dict[str, int]) -> str:
    """Return the name of a part, which skops calls after the address of its content."""
    path = PurePosixPath(name)
    return f"{numbers.setdefault(path.stem, len(numbers))}{path.suffix}"

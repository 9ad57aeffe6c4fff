"""A model file without pickle: a zip of one JSON header and named parts, the same bytes for the same content."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from typing import Any

from matsift.errors import ArtifactError
from matsift.learners.prediction import FittedModel

_HEADER = "model.json"
#: A fixed date, so that equal content has an equal SHA-256.
EPOCH = (1980, 1, 1, 0, 0, 0)
FORMAT = 1


def pack(header: Mapping[str, Any], parts: Mapping[str, bytes]) -> bytes:
    """Return a model file with a JSON header (it must hold "kind") and parts by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        text = json.dumps({"format": FORMAT, **header}, sort_keys=True).encode()
        for name, content in {_HEADER: text, **parts}.items():
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def header_of(model: FittedModel) -> dict[str, Any]:
    """Return what the header of every learner's model file holds."""
    return {
        "kind": model.kind,
        "feature_names": model.feature_names,
        "settings": dict(model.settings),
        "seed": model.seed,
    }


def unpack(data: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return header and parts of a model file.

    Raises
    ------
    ArtifactError
        If the bytes are not a model file, are damaged, or were written by a newer version.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        header = json.loads(parts.pop(_HEADER))
    except (zipfile.BadZipFile, KeyError, ValueError, EOFError) as error:
        raise ArtifactError(
            f"these {len(data)} bytes are not a model file of matsift or are damaged: {error}"
        ) from error
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ArtifactError("the model file has a format that this version of matsift does not read; train again")
    return header, parts

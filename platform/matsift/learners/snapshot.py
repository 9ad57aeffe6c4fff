"""The identity of a data set: which structures, labels and roles a model was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

#: Structure content hash, value in the property's unit, method, origin, role.
SnapshotRow = tuple[str, float, str, str, str]


def snapshot_hash(property_name: str, rows: Sequence[SnapshotRow]) -> str:
    """Return the SHA-256 of a property's rows, the same for any order of the rows and in any database."""
    lines = sorted(json.dumps([structure, float(value).hex(), *rest]) for structure, value, *rest in rows)
    return hashlib.sha256("\n".join([json.dumps(property_name), *lines]).encode()).hexdigest()

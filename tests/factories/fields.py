"""Volumetric fields for structures in the database."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from matsift_schema.store import fields

METHOD = "promolecule-it92"


def digest(name: str) -> str:
    """Return a SHA-256 of a name."""
    return hashlib.sha256(f"field {name}".encode()).hexdigest()


def field_row(structure_id: int, **rest: Any) -> fields.FieldRow:
    """Return a promolecule density of 28 electrons on 4 x 4 x 6 points of a cell of 4 x 4 x 6 angstrom."""
    values: dict[str, Any] = {
        "structure_id": int(structure_id),
        "kind": "promolecule",
        "method": METHOD,
        "electrons": "all",
        "shape": (4, 4, 6),
        "cell": np.diag([4.0, 4.0, 6.0]),
        "n_electron": 28.001,
        "n_electron_expected": 28.0,
        "artifact_sha256": digest(str(structure_id)),
        "artifact_uri": f"file:///artifacts/{structure_id}",
    }
    return fields.FieldRow(**{**values, **rest})


def write_fields(session: Session, run: int, structure_ids: NDArray[np.int64]) -> int:
    """Return how many promolecule densities were written."""
    return fields.write_fields(session, run, [field_row(key) for key in structure_ids])

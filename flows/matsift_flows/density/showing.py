"""The fields of a structure looked up, and one of them written for viewers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from matsift.errors import UserInputError
from matsift_adapters.fields.cube import write_cube
from matsift_adapters.fields.storage import loads
from matsift_flows.workspace import Workspace
from matsift_schema.store import fields as store
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.structures import load_crystals
from matsift_schema.store.why import find_structures

_MOST = 200


def shown_fields(workspace: Workspace, wanted: str, method: str | None = None) -> list[dict[str, Any]]:
    """Return the rows of `analysis.volumetric_field` of the structures that a person may mean.

    Raises
    ------
    UserInputError
        If there is no such structure, or it has no field.
    """
    with workspace.sessions.begin() as session:
        found = find_structures(session, wanted, limit=_MOST) if wanted.strip() else []
        rows = [row for key in found for row in store.fields_of(session, key)]
    if not found:
        raise UserInputError(f"there is no structure {wanted!r}; give a formula, an external id or a structure hash")
    chosen = [row for row in rows if method in (None, row["method"])]
    if not chosen:
        known = ", ".join(sorted({str(row["method"]) for row in rows}))
        if known:
            raise UserInputError(f"{wanted} has no field by {method}; there are {known}")
        raise UserInputError(f"{wanted} has no field; import one: matsift density import FILE")
    return chosen


def write_cube_file(workspace: Workspace, row: dict[str, Any], out: Path) -> None:
    """Write a stored field to a cube file: a density in e/bohr3, a localisation function as it is."""
    grid = loads(workspace.artifacts.get(row["artifact_sha256"]))
    with workspace.sessions.begin() as session:
        ids = structure_ids(session, [row["structure_hash"]])
        (crystal,) = load_crystals(session, np.array(list(ids.values()), dtype=np.int64))
    write_cube(out, crystal, grid, is_density=row["kind"] != "elf")

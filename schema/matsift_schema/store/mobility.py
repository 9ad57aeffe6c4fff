"""Percolation barriers: which structures have an answer, and what it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.study.mobility import BARRIERS
from matsift_schema.store.arrays import Ids
from matsift_schema.store.labels import label_table

#: Stage of the failures; their detail is the method.
STAGE = "mobility"


def answers(session: Session, method: str, structure_ids: Ids) -> dict[int, Mapping[str, Any]]:
    """Return structure id -> what the computation told beside its labels, for structures that have an answer."""
    query = text("""
        SELECT structure_id, detail FROM matsift.oracle_result
        WHERE method = :method AND structure_id = ANY(CAST(:ids AS int8[]))
    """)
    values = {"method": method, "ids": [int(key) for key in structure_ids]}
    return dict(session.execute(query, values).tuples().all())


def refusals(session: Session, method: str, structure_ids: Ids) -> dict[int, str]:
    """Return structure id -> why its last attempt failed, whether or not there is an answer by now."""
    query = text("""
        SELECT DISTINCT ON (structure_id) structure_id, message FROM matsift.failure
        WHERE stage = :stage AND detail = :method AND structure_id = ANY(CAST(:ids AS int8[]))
        ORDER BY structure_id, attempt DESC
    """)
    values = {"stage": STAGE, "method": method, "ids": [int(key) for key in structure_ids]}
    return dict(session.execute(query, values).tuples().all())


def known_barriers(session: Session, method: str, structure_ids: Ids) -> dict[str, NDArray[np.float64]]:
    """Return property -> (n,) barriers in eV by a method: infinite where no path was found, NaN where nobody looked."""
    ids = [int(key) for key in structure_ids]
    answered = answers(session, method, ids)
    found = {name: np.array([np.inf if key in answered else np.nan for key in ids]) for name in BARRIERS}
    place = {key: i for i, key in enumerate(ids)}
    table = label_table(session, BARRIERS, methods=[method], structure_ids=ids)
    for key, name, value in zip(table.structure_ids.tolist(), table.property_names, table.values, strict=True):
        found[name][place[key]] = value
    return found

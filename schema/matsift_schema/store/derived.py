"""The models behind what a study says of a new oxide, found by the study's name."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session


def known_studies(session: Session) -> list[str]:
    """Return the names of the studies that anything was computed for, in order."""
    query = text('SELECT DISTINCT study COLLATE "C" FROM matsift.run WHERE study IS NOT NULL ORDER BY 1')
    return list(session.scalars(query))


def newest_derived_models(session: Session, study: str) -> dict[str, int]:
    """Return property -> the newest derived model that a study made or asked, empty where there is none.

    Two studies that ask for the same model share it: only the first made it, but both predicted with it.
    """
    query = text("""
        SELECT DISTINCT ON (p.name) p.name, m.id
        FROM matsift.model_version m JOIN matsift.property p ON p.id = m.property_id
        WHERE m.purpose = 'derived' AND (
            EXISTS (SELECT FROM matsift.run r WHERE r.id = m.run_id AND r.study = :study)
            OR EXISTS (SELECT FROM matsift.prediction x JOIN matsift.run r ON r.id = x.run_id
                       WHERE x.model_version_id = m.id AND r.study = :study))
        ORDER BY p.name, m.created_at DESC, m.id DESC
    """)
    return dict(session.execute(query, {"study": study}).tuples().all())


def known_lattice(
    session: Session, formula: str, space_group_number: int, snapshot_id: int
) -> tuple[float, str, str | None] | None:
    """Return the lattice constant label of an oxide, the sources that state it, and its role in a snapshot, if any.

    None where nobody states a structure of this reduced formula and space group; one in the snapshot comes first.
    """
    query = text("""
        SELECT l.value, coalesce((
            SELECT string_agg(DISTINCT o.name, ', ') FROM matsift.source_entry e JOIN matsift.source o
            ON o.id = e.source_id WHERE e.structure_id = s.id AND e.withdrawn_at IS NULL), '') AS sources, r.role
        FROM matsift.structure s
        JOIN matsift.label l ON l.structure_id = s.id
        JOIN matsift.property p ON p.id = l.property_id AND p.name = 'lattice_constant'
        LEFT JOIN LATERAL (
            SELECT d.role FROM matsift.dataset_row d JOIN matsift.label f ON f.id = d.label_id
            WHERE d.snapshot_id = :snapshot_id AND f.structure_id = s.id LIMIT 1) AS r ON true
        WHERE s.reduced_formula = :formula AND s.space_group_number = :number
        ORDER BY r.role IS NULL, s.content_hash COLLATE "C", l.revision DESC, l.id DESC LIMIT 1
    """)
    values = {"formula": formula, "number": space_group_number, "snapshot_id": snapshot_id}
    row = session.execute(query, values).one_or_none()
    return None if row is None else (float(row.value), str(row.sources), row.role)


def instability_of_kind(session: Session, space_group_number: int, snapshot_id: int) -> NDArray[np.float64]:
    """Return the instability indices (n,), valence units, of the labelled oxides of a space group in a snapshot."""
    query = text("""
        SELECT DISTINCT ON (s.content_hash COLLATE "C") l.value
        FROM matsift.dataset_row d
        JOIN matsift.label f ON f.id = d.label_id
        JOIN matsift.structure s ON s.id = f.structure_id AND s.space_group_number = :number
        JOIN matsift.label l ON l.structure_id = s.id
        JOIN matsift.property p ON p.id = l.property_id AND p.name = 'global_instability_index'
        WHERE d.snapshot_id = :snapshot_id
        ORDER BY s.content_hash COLLATE "C", l.method COLLATE "C", l.revision DESC, l.id DESC
    """)
    found = session.scalars(query, {"number": space_group_number, "snapshot_id": snapshot_id}).all()
    return np.array(found, dtype=np.float64)

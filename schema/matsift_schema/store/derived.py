"""The models behind what a study says of a new oxide, found by the study's name."""

from __future__ import annotations

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


def label_of(session: Session, formula: str, space_group_number: int, property_name: str) -> tuple[float, str] | None:
    """Return a label of a property of a structure with a formula and a space group, and its method; None without one.

    The newest by the first method of its name counts.
    """
    query = text("""
        SELECT l.value, l.method FROM matsift.label l
        JOIN matsift.property p ON p.id = l.property_id
        JOIN matsift.structure s ON s.id = l.structure_id
        WHERE p.name = :name AND s.reduced_formula = :formula AND s.space_group_number = :number
        ORDER BY l.method COLLATE "C", l.revision DESC, l.id DESC LIMIT 1
    """)
    values = {"name": property_name, "formula": formula, "number": space_group_number}
    row = session.execute(query, values).one_or_none()
    return None if row is None else (float(row.value), str(row.method))

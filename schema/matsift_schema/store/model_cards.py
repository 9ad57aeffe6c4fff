"""What the card of a model version needs beside the version itself: origin, labels, descriptors, largest errors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.reports.data import DescriptorSetRow
from matsift.reports.model_card import HeldOutError, LabelOrigin

#: Model versions that a study trained, or that its campaigns and predictions rest on; of a run that predicts one.
_OF_STUDY = """
    SELECT m.id FROM matsift.model_version m JOIN matsift.run r ON r.id = m.run_id WHERE r.study = :study
    UNION SELECT c.model_version_id FROM matsift.campaign_round c JOIN matsift.run r ON r.id = c.run_id
    WHERE r.study = :study
    UNION SELECT p.model_version_id FROM matsift.run r
    CROSS JOIN LATERAL (SELECT model_version_id FROM matsift.prediction WHERE run_id = r.id LIMIT 1) AS p
    WHERE r.study = :study
"""
_PREDICTS = 2


@dataclass(frozen=True)
class ModelOrigin:
    """By which study and in which surroundings a model version was trained; None for a study where none did."""

    study: str | None
    trained_at: datetime
    environment_hash: str


def find_models(session: Session, wanted: str, limit: int = 2) -> list[tuple[int, str]]:
    """Return (id, content hash) of the model versions whose content hash begins so, by content hash."""
    query = text("""
        SELECT id, content_hash FROM matsift.model_version WHERE starts_with(content_hash, lower(:wanted))
        ORDER BY content_hash COLLATE "C" LIMIT :limit
    """)
    return [(key, content_hash) for key, content_hash in session.execute(query, {"wanted": wanted, "limit": limit})]


def study_models(session: Session, study: str) -> list[int]:
    """Return the ids of the model versions of a study, in the order in which they were trained."""
    return list(session.scalars(text(f"{_OF_STUDY} ORDER BY 1"), {"study": study}))


def study_model_hashes(session: Session, study: str) -> list[str]:
    """Return the content hashes of the model versions of a study, in the order in which they were trained."""
    query = text(f"SELECT content_hash FROM matsift.model_version WHERE id IN ({_OF_STUDY}) ORDER BY id")  # noqa: S608  a constant
    return list(session.scalars(query, {"study": study}))


def ranking_models(session: Session, study: str) -> list[int]:
    """Return the ids of the models behind what a study says, the newest of each property.

    Those that predict candidates come before all others; what a random campaign learned is the control of another
    strategy and ranks nothing. A study that predicts no candidates, because it compares learners or names space groups,
    has the newest of each property and learner.
    """
    query = text(f"""
        SELECT m.id, m.property_id, m.learner,
               CASE WHEN m.purpose NOT IN ('ensemble', 'derived') THEN 0
                    WHEN EXISTS (SELECT FROM matsift.prediction p WHERE p.model_version_id = m.id)
                         AND EXISTS (SELECT FROM matsift.ranking_model k WHERE k.model_version_id = m.id) THEN 2
                    ELSE 1 END
        FROM matsift.model_version m WHERE m.id IN ({_OF_STUDY}) ORDER BY m.id
    """)  # noqa: S608  a constant
    rows = session.execute(query, {"study": study}).all()
    highest = max((level for *_, level in rows), default=0)
    kept = [row for row in rows if row[3] == highest]
    newest = {(of, None if highest == _PREDICTS else learner): key for key, of, learner, _ in kept}
    return sorted(newest.values())


def model_origin(session: Session, model_id: int) -> ModelOrigin:
    """Return where a model version comes from."""
    query = text("""
        SELECT r.study, m.created_at, r.environment_hash
        FROM matsift.model_version m JOIN matsift.run r ON r.id = m.run_id WHERE m.id = :id
    """)
    return ModelOrigin(*session.execute(query, {"id": model_id}).one())


def label_origins(session: Session, snapshot_id: int) -> list[LabelOrigin]:
    """Return how many labels of a snapshot each origin gave, by which method and under which licence."""
    query = text("""
        SELECT l.origin, l.method, coalesce(e.licence, ''), count(*)
        FROM matsift.dataset_row r JOIN matsift.label l ON l.id = r.label_id
        LEFT JOIN matsift.source_entry e ON e.id = l.source_entry_id
        WHERE r.snapshot_id = :id GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3
    """)
    return [LabelOrigin(*row) for row in session.execute(query, {"id": snapshot_id})]


def model_descriptor_sets(session: Session, model_id: int) -> tuple[list[DescriptorSetRow], dict[str, str]]:
    """Return the descriptor sets of a model in the order of its columns, and package -> version behind them."""
    query = text("""
        SELECT t.name, t.version, t.n_column, t.package_versions
        FROM matsift.model_descriptor_set u JOIN matsift.descriptor_set t ON t.id = u.descriptor_set_id
        WHERE u.model_version_id = :id ORDER BY u.position
    """)
    sets, packages = [], dict[str, str]()
    for name, version, n_column, versions in session.execute(query, {"id": model_id}):
        sets.append(DescriptorSetRow(name, version, n_column))
        packages |= versions
    return sets, dict(sorted(packages.items()))


def largest_errors(session: Session, model_id: int, limit: int) -> list[HeldOutError]:
    """Return the test labels of which a model is most wrong, the worst first; those of equal errors by hash."""
    query = text("""
        SELECT s.reduced_formula, s.content_hash, l.value, h.mean, h.lower, h.upper
        FROM matsift.held_out_prediction h
        JOIN matsift.model_version m ON m.id = h.model_version_id
        JOIN matsift.label l ON l.id = h.label_id
        JOIN matsift.structure s ON s.id = l.structure_id
        LEFT JOIN matsift.dataset_row r ON r.snapshot_id = m.snapshot_id AND r.label_id = l.id
        WHERE h.model_version_id = :id AND coalesce(r.role, 'test') = 'test'
        ORDER BY abs(h.mean - l.value) DESC, s.content_hash COLLATE "C", l.id LIMIT :limit
    """)
    return [HeldOutError(*row) for row in session.execute(query, {"id": model_id, "limit": limit})]

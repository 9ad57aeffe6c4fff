"""What of a database belongs to a study, as temporary tables of ids that the reading of a package asks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift_schema.store.model_cards import study_models

# What a random campaign learned is the control of another strategy: without its campaign it would pass for the newest
# model that ranks.
_MODELS = """
    SELECT m.id FROM matsift.model_version m WHERE m.id = ANY(CAST(:models AS int8[]))
    AND (m.purpose <> 'ensemble' OR m.id IN (SELECT model_version_id FROM matsift.ranking_model))
"""
_STATED = """
    SELECT e.structure_id AS id FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
    WHERE o.name = ANY(CAST(:sources AS text[])) AND e.withdrawn_at IS NULL AND e.structure_id IS NOT NULL
"""
_STRUCTURES = f"""
    SELECT l.structure_id AS id FROM matsift.dataset_row r JOIN matsift.label l ON l.id = r.label_id
    WHERE r.snapshot_id IN (SELECT id FROM packed_snapshot)
    UNION
    (SELECT structure_id FROM matsift.prediction WHERE model_version_id IN (SELECT id FROM packed_model)
     UNION SELECT structure_id FROM matsift.screen_outcome WHERE screen_id IN (SELECT id FROM packed_screen)
     INTERSECT ({_STATED}))
"""  # noqa: S608  constants
_LABELS = """
    SELECT r.label_id AS id FROM matsift.dataset_row r WHERE r.snapshot_id IN (SELECT id FROM packed_snapshot)
    UNION
    SELECT l.id FROM matsift.label l
    WHERE l.structure_id IN (SELECT id FROM packed_structure)
      AND (l.source_entry_id IS NULL OR l.source_entry_id IN (SELECT id FROM packed_entry))
"""
_ENTRIES = """
    SELECT e.id FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
    WHERE o.name = ANY(CAST(:sources AS text[])) AND e.withdrawn_at IS NULL
      AND e.structure_id IN (SELECT id FROM packed_structure)
    UNION
    SELECT l.source_entry_id FROM matsift.dataset_row r JOIN matsift.label l ON l.id = r.label_id
    WHERE r.snapshot_id IN (SELECT id FROM packed_snapshot) AND l.source_entry_id IS NOT NULL
"""
_SETS = """
    SELECT DISTINCT descriptor_set_id AS id FROM matsift.model_descriptor_set
    WHERE model_version_id IN (SELECT id FROM packed_model)
"""
_RUNS = """
    SELECT run_id AS id FROM matsift.structure WHERE id IN (SELECT id FROM packed_structure)
    UNION SELECT run_id FROM matsift.source_entry WHERE id IN (SELECT id FROM packed_entry)
    UNION SELECT run_id FROM matsift.label WHERE id IN (SELECT id FROM packed_label)
    UNION SELECT run_id FROM matsift.label_verdict WHERE label_id IN (SELECT id FROM packed_label)
    UNION SELECT run_id FROM matsift.descriptor
          WHERE descriptor_set_id IN (SELECT id FROM packed_set) AND structure_id IN (SELECT id FROM packed_structure)
    UNION SELECT run_id FROM matsift.dataset_snapshot WHERE id IN (SELECT id FROM packed_snapshot)
    UNION SELECT run_id FROM matsift.model_version WHERE id IN (SELECT id FROM packed_model)
    UNION SELECT run_id FROM matsift.evaluation WHERE model_version_id IN (SELECT id FROM packed_model)
    UNION SELECT run_id FROM matsift.held_out_prediction WHERE model_version_id IN (SELECT id FROM packed_model)
    UNION SELECT run_id FROM matsift.feature_importance WHERE model_version_id IN (SELECT id FROM packed_model)
    UNION SELECT run_id FROM matsift.prediction
          WHERE model_version_id IN (SELECT id FROM packed_model) AND structure_id IN (SELECT id FROM packed_structure)
    UNION SELECT run_id FROM matsift.screen WHERE id IN (SELECT id FROM packed_screen)
    UNION SELECT run_id FROM matsift.screen_outcome
          WHERE screen_id IN (SELECT id FROM packed_screen) AND structure_id IN (SELECT id FROM packed_structure)
"""
_TABLES = {
    "packed_model": _MODELS,
    "packed_snapshot": """
        SELECT DISTINCT snapshot_id AS id FROM matsift.model_version WHERE id IN (SELECT id FROM packed_model)
    """,
    "packed_screen": "SELECT id FROM matsift.screen WHERE study = :study",
    "packed_structure": _STRUCTURES,
    "packed_entry": _ENTRIES,
    "packed_label": _LABELS,
    "packed_set": _SETS,
    "packed_run": _RUNS,
}


def choose(session: Session, study: str, sources: Sequence[str]) -> int:
    """Note in temporary tables what belongs to a study, until the transaction ends; return how many models do.

    That is the models of the study without random controls, their snapshots, the screens of the study, the structures
    of the snapshots and those that the study's sources state and a model predicts or a screen looked at, their labels,
    entries of these sources, and the runs that wrote all that. Entries of other sources go along only where a label of
    a snapshot is theirs.
    """
    values = {"study": study, "sources": list(sources), "models": study_models(session, study)}
    for name, query in _TABLES.items():
        session.execute(text(f"DROP TABLE IF EXISTS pg_temp.{name}"))
        session.execute(text(f"CREATE TEMPORARY TABLE {name} ON COMMIT DROP AS {query}"), values)
        session.execute(text(f"ANALYZE pg_temp.{name}"))
    return int(session.execute(text("SELECT count(*) FROM packed_model")).scalar_one())


def chosen_licences(session: Session) -> dict[str, dict[str, int]]:
    """Return source -> licence -> number of entries that go along."""
    query = text("""
        SELECT o.name, e.licence, count(*) FROM matsift.source_entry e JOIN matsift.source o ON o.id = e.source_id
        WHERE e.id IN (SELECT id FROM packed_entry) GROUP BY o.name, e.licence
        ORDER BY o.name COLLATE "C", e.licence COLLATE "C"
    """)
    found: dict[str, dict[str, int]] = {}
    for source, licence, n in session.execute(query):
        found.setdefault(source, {})[licence] = n
    return found


def chosen_artifacts(session: Session) -> list[str]:
    """Return the SHA-256 of the stored models that go along, sorted."""
    query = text("""
        SELECT DISTINCT artifact_sha256 COLLATE "C" FROM matsift.model_version
        WHERE id IN (SELECT id FROM packed_model) ORDER BY 1
    """)
    return list(session.scalars(query))


def chosen_hashes(session: Session) -> tuple[str, list[str], list[str]]:
    """Return the SHA-256 of all structures' hashes, sorted, one a line, and the hashes of snapshots and models."""
    digest = session.execute(
        text("""
            SELECT encode(sha256(convert_to(coalesce(
                string_agg(content_hash, chr(10) ORDER BY content_hash COLLATE "C"), ''), 'UTF8')), 'hex')
            FROM matsift.structure WHERE id IN (SELECT id FROM packed_structure)
        """)
    ).scalar_one()
    snapshots = text("SELECT content_hash FROM matsift.dataset_snapshot WHERE id IN (SELECT id FROM packed_snapshot)")
    models = text("SELECT content_hash FROM matsift.model_version WHERE id IN (SELECT id FROM packed_model)")
    return str(digest), sorted(session.scalars(snapshots)), sorted(session.scalars(models))

"""What stands in the footer of a report: the runs of a study and the states of its sources."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from matsift.reports.data import RunRow


def study_runs(session: Session, study: str, *, without: Sequence[str] = ()) -> list[RunRow]:
    """Return the runs of a study in the order in which they began, but for those of the flows `without`."""
    query = text("""
        SELECT id, flow, status, started_at, ended_at, code_version FROM matsift.run
        WHERE study = :study AND flow <> ALL(CAST(:without AS text[])) ORDER BY id
    """)
    return [RunRow(*row) for row in session.execute(query, {"study": study, "without": list(without)})]


def source_versions(session: Session, sources: Sequence[str]) -> list[str]:
    """Return "name version (content hash)" of the newest complete state of each source that has one."""
    query = text("""
        SELECT DISTINCT ON (s.name) s.name || ' ' || p.version || ' (' || left(p.content_hash, 10) || ')'
        FROM matsift.source_snapshot p JOIN matsift.source s ON s.id = p.source_id
        WHERE s.name = ANY(CAST(:sources AS text[])) ORDER BY s.name, p.id DESC
    """)
    return list(session.scalars(query, {"sources": list(sources)}))

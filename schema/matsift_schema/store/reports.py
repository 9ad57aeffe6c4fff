"""Reports that were written, and where they are."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session


def find_report(session: Session, study: str, content_hash: str) -> str | None:
    """Return the address of the report of a study on this content, None where it was not written."""
    query = text("SELECT uri FROM matsift.study_report WHERE study = :study AND content_hash = :content_hash")
    return session.execute(query, {"study": study, "content_hash": content_hash}).scalar_one_or_none()


def latest_report(session: Session, study: str) -> str | None:
    """Return the address of the newest report of a study, None where there is none."""
    query = text("SELECT uri FROM matsift.study_report WHERE study = :study ORDER BY id DESC LIMIT 1")
    return session.execute(query, {"study": study}).scalar_one_or_none()


def known_studies(session: Session) -> list[str]:
    """Return the names of the studies that have a report."""
    query = text('SELECT DISTINCT study COLLATE "C" FROM matsift.study_report ORDER BY 1')
    return list(session.scalars(query))


def write_report(session: Session, run_id: int, *, study: str, content_hash: str, uri: str) -> bool:
    """Note a report; return whether it is new. Flushed, not committed."""
    insert = text("""
        INSERT INTO matsift.study_report (study, content_hash, uri, run_id)
        VALUES (:study, :content_hash, :uri, :run_id)
        ON CONFLICT (study, content_hash) DO NOTHING RETURNING id
    """)
    values = {"study": study, "content_hash": content_hash, "uri": uri, "run_id": run_id}
    return session.execute(insert, values).scalar_one_or_none() is not None

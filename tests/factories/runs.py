"""Runs with valid defaults."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from matsift_schema.store.runs import LazyRun


def run(flow: str = "ingest", **rest: Any) -> LazyRun:
    """Return a run without a row yet."""
    return LazyRun(flow, **{"study": "shelf_study", "code_version": "0.1.0", "environment_hash": "e" * 64, **rest})


def run_id(session: Session, flow: str = "ingest") -> int:
    """Return the id of a new run."""
    return run(flow).id(session)

"""How many rows there are, so that "a second run adds nothing" can be seen."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from matsift_schema.tables import metadata


def row_counts(session: Session) -> dict[str, int]:
    """Return table name -> number of rows, for every table of the schema, by name."""
    session.flush()
    tables = sorted(metadata.tables.values(), key=lambda table: table.name)
    return {table.name: session.scalar(select(func.count()).select_from(table)) or 0 for table in tables}

"""Frozen helpers of the migrations: they may gain functions, but what an old migration uses never changes."""

from __future__ import annotations

import csv
from importlib.resources import files

from alembic import op
from sqlalchemy import text

_FORBID_CHANGE = """
CREATE FUNCTION matsift.forbid_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% keeps its rows as they are: % is not allowed; write a new row instead',
        TG_TABLE_SCHEMA, TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$
"""


def drop_views() -> None:
    """Drop the views of `analysis`, so that tables can change; they come back when the newest revision is reached."""
    connection = op.get_bind()
    names = connection.scalars(text("SELECT quote_ident(viewname) FROM pg_views WHERE schemaname = 'analysis'")).all()
    if names:
        op.execute("DROP VIEW " + ", ".join(f"analysis.{name}" for name in names))
        op.execute("COMMENT ON SCHEMA analysis IS NULL")


def drop_functions() -> None:
    """Drop the functions of `analysis`; like the views they come back when the newest revision is reached."""
    names = op.get_bind().scalars(
        text("SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = to_regnamespace('analysis')")
    )
    for name in names.all():
        op.execute(f"DROP FUNCTION {name}")


def create_forbid_change() -> None:
    """Create the trigger function behind `forbid_change`."""
    op.execute(_FORBID_CHANGE)


def forbid_change(table: str, *, except_columns: tuple[str, ...] = ()) -> None:
    """Forbid UPDATE (but of the columns named), DELETE and TRUNCATE on a table of `matsift`, whoever asks."""
    update = "UPDATE"
    if except_columns:
        kept = op.get_bind().scalars(
            text(
                "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = to_regclass(:name) AND attnum > 0"
                " AND NOT attisdropped AND attname <> ALL(:except) ORDER BY attnum"
            ),
            {"name": f"matsift.{table}", "except": list(except_columns)},
        )
        update = "UPDATE OF " + ", ".join(kept)
    op.execute(
        f"CREATE TRIGGER {table}_keeps_rows BEFORE {update} OR DELETE ON matsift.{table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION matsift.forbid_change()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_is_not_truncated BEFORE TRUNCATE ON matsift.{table}"
        " FOR EACH STATEMENT EXECUTE FUNCTION matsift.forbid_change()"
    )


def frozen_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of a frozen CSV file in `migrations/data`."""
    path = files("matsift_schema.migrations") / "data" / name
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))

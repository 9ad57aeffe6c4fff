"""How Alembic runs our migrations: one transaction for all of them, behind a lock, then the views and roles.

``alembic upgrade head`` reads the address from ``-x url=...`` or MATSIFT_DATABASE_URL; `matsift_schema.engine` hands
over its connection instead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from alembic import context
from sqlalchemy import Connection, text

from matsift_schema.analysis import refresh
from matsift_schema.base import SCHEMA
from matsift_schema.tables import metadata

if TYPE_CHECKING:
    from alembic.runtime.environment import NameFilterParentNames, NameFilterType

_ADVISORY_LOCK = 7_242_001  # any number, the same in all versions of matsift
_WAIT_FOR_OTHER_MIGRATION = "120s"
_WAIT_FOR_TABLE = "4s"
_LONGEST_STATEMENT = "300s"


def run(connection: Connection) -> None:
    """Run what was asked for on a connection, in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=SCHEMA,
        include_schemas=True,
        include_name=_is_ours,
        compare_type=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        _prepare(connection)
        context.run_migrations()
        if context.get_context().get_current_heads() == tuple(context.script.get_heads()):
            refresh(connection)


def _prepare(connection: Connection) -> None:
    """Wait for another migration of this database to end, then never wait long for anything."""
    connection.execute(text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": _WAIT_FOR_OTHER_MIGRATION})
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    connection.execute(text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": _WAIT_FOR_TABLE})
    connection.execute(text("SELECT set_config('statement_timeout', :wait, true)"), {"wait": _LONGEST_STATEMENT})
    if connection.scalar(text("SELECT to_regnamespace(:schema)"), {"schema": SCHEMA}) is None:
        connection.exec_driver_sql(f"CREATE SCHEMA {SCHEMA}")


def _is_ours(name: str | None, kind: NameFilterType, _parents: NameFilterParentNames) -> bool:
    return name == SCHEMA if kind == "schema" else True


def _main() -> None:
    if context.is_offline_mode():
        raise SystemExit("matsift's migrations read frozen data and look at the server; run them online")
    given: Any = context.config.attributes.get("connection")
    if given is not None:
        run(given)
        return
    from matsift_schema.engine import make_engine  # noqa: PLC0415  the engine module itself runs Alembic

    url = context.get_x_argument(as_dictionary=True).get("url") or os.environ.get("MATSIFT_DATABASE_URL")
    if not url:
        raise SystemExit("set MATSIFT_DATABASE_URL, or pass -x url=postgresql://...")
    with make_engine(url).connect() as connection:
        run(connection)


_main()

"""The embedded PostgreSQL, and the checks of an outside one."""

from matsift_adapters.embedded_postgres.commands import (
    backup,
    ensure_running,
    ensure_usable,
    restore,
    shell,
    start,
    status,
    stop,
)
from matsift_adapters.embedded_postgres.outside import check_server
from matsift_adapters.embedded_postgres.processes import State
from matsift_adapters.embedded_postgres.server import EmbeddedPostgres, ServerStatus

__all__ = [
    "EmbeddedPostgres",
    "ServerStatus",
    "State",
    "backup",
    "check_server",
    "ensure_running",
    "ensure_usable",
    "restore",
    "shell",
    "start",
    "status",
    "stop",
]

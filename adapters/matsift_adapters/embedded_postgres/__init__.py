"""The embedded PostgreSQL, and the checks of an outside one."""

from matsift_adapters.embedded_postgres.commands import (
    ensure_running,
    ensure_usable,
    shell,
    start,
    status,
    stop,
)
from matsift_adapters.embedded_postgres.dump import load_dump, prepare_load, write_dump
from matsift_adapters.embedded_postgres.outside import check_server
from matsift_adapters.embedded_postgres.processes import State
from matsift_adapters.embedded_postgres.server import EmbeddedPostgres, ServerStatus

__all__ = [
    "EmbeddedPostgres",
    "ServerStatus",
    "State",
    "check_server",
    "ensure_running",
    "ensure_usable",
    "load_dump",
    "prepare_load",
    "shell",
    "start",
    "status",
    "stop",
    "write_dump",
]

"""What ails an installation: each finding in a line, with the remedy where there is one."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from matsift_flows.workspace import Workspace, code_version
from matsift_schema import engine
from matsift_schema.store.health import ServerHealth, referenced_artifacts, server_health

Verdict = Literal["well", "attention", "ill"]

_GIB = 2**30
_LITTLE_ROOM, _NO_ROOM = 5 * _GIB, _GIB // 2
_SKEW_S = 5.0
_IDLE_S = 600.0
_MOST_CONNECTIONS = 0.8


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `remedy` is empty where it is well."""

    about: str
    verdict: Verdict
    told: str
    remedy: str = ""


def findings(workspace: Workspace) -> list[Finding]:
    """Return what is well and what is not.

    Raises
    ------
    ArtifactError
        If the artifact store cannot be read.
    """
    with workspace.sessions.begin() as session:
        before = datetime.now(UTC)
        server = server_health(session)
        skew_s = (server.now - before).total_seconds()
        named = referenced_artifacts(session)
    return [
        Finding("matsift", "well", f"{code_version()}, Python {platform.python_version()}"),
        Finding(
            "database",
            "well",
            f"PostgreSQL {server.version}, pgvector {server.pgvector}, schema {engine.head()}, {_size(server.n_byte)}",
        ),
        _room(workspace),
        _clock(skew_s),
        *_server(server),
        *_artifacts(workspace, named),
    ]


def _room(workspace: Workspace) -> Finding:
    home = workspace.settings.home
    free = shutil.disk_usage(home).free
    told = f"{_size(free)} free under {home}"
    if free < _LITTLE_ROOM:
        return Finding("disk", "ill" if free < _NO_ROOM else "attention", told, "free some, or move MATSIFT_HOME")
    return Finding("disk", "well", told)


def _clock(skew_s: float) -> Finding:
    told = f"{abs(skew_s):.1f} s between this machine and the server"
    if abs(skew_s) > _SKEW_S:
        remedy = "keep both in step by NTP: runs and logs of several machines cannot be put in order"
        return Finding("clock", "attention", told, remedy)
    return Finding("clock", "well", told)


def _server(server: ServerHealth) -> Iterator[Finding]:
    told = f"{server.n_connection} of {server.most_connections}"
    crowded = server.n_connection > _MOST_CONNECTIONS * server.most_connections
    remedy = "raise max_connections, or put a pooler before the server" if crowded else ""
    yield Finding("connections", "attention" if crowded else "well", told, remedy)
    if server.idle_transaction_s > _IDLE_S:
        yield Finding(
            "transactions",
            "attention",
            f"a client has held one open for {server.idle_transaction_s / 60:.0f} min and does nothing",
            "end it: pg_stat_activity names it; VACUUM waits for it",
        )
    if server.n_expired_lease:
        yield Finding(
            "leases",
            "attention",
            f"{server.n_expired_lease} acquisitions are held by workers that gave no sign of life",
            "nothing need be done: the next `matsift acquire` or `matsift claim` takes them over",
        )
    else:
        yield Finding("leases", "well", "no claim of a worker has expired")


def _artifacts(workspace: Workspace, named: set[str]) -> Iterator[Finding]:
    sizes = workspace.artifacts.sizes()
    missing, spare = sorted(named - sizes.keys()), sizes.keys() - named
    if missing:
        yield Finding(
            "artifacts",
            "ill",
            f"{len(missing)} of {len(named)} that rows name are not in {workspace.artifacts.root}, {missing[0]} first",
            "name the right folder in MATSIFT_ARTIFACT_URL, or restore it from a backup",
        )
    else:
        yield Finding("artifacts", "well", f"all {len(named)} that rows name are in {workspace.artifacts.root}")
    if spare:
        room = _size(sum(sizes[key] for key in spare))
        yield Finding(
            "spare artifacts",
            "attention",
            f"{len(spare)} files of {room} belong to no row: their run was ended before it wrote one",
            "the same run takes them up again; where it never will, they may be removed",
        )
    if unfinished := workspace.artifacts.unfinished():
        yield Finding(
            "unfinished artifacts",
            "attention",
            f"{len(unfinished)} files of {_size(sum(unfinished.values()))} were never finished: a command was killed",
            f"they may be removed: find {workspace.artifacts.root} -name '.*.part' -mmin +60 -delete",
        )


def _size(n_byte: int) -> str:
    return f"{n_byte / _GIB:.1f} GiB" if n_byte >= _GIB else f"{n_byte / 2**20:.0f} MiB"

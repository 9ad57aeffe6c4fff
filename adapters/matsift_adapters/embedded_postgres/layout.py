"""The files of one embedded server: where the cluster, its locks and its log lie."""

from dataclasses import dataclass
from pathlib import Path

DATABASE = "matsift"
OWNER = "matsift_owner"
PORT = 5432  # only a part of the socket's file name: the server listens on no network


@dataclass(frozen=True)
class Layout:
    """Paths inside the folder of an embedded server."""

    folder: Path

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data folder; it belongs to the server's account, mode 0700."""
        return self.folder / "cluster"

    @property
    def initialising(self) -> Path:
        """A cluster in the making, renamed to `cluster` when complete: a leftover is never mistaken for one."""
        return self.folder / "cluster.initialising"

    @property
    def command_lock(self) -> Path:
        """Held by the one command that starts, stops or initialises."""
        return self.folder / "command.lock"

    @property
    def server_lock(self) -> Path:
        """Held by every process of the server for as long as one of them lives."""
        return self.folder / "server.lock"

    @property
    def log(self) -> Path:
        """What the server says; moved to `server.log.1` when it has grown."""
        return self.folder / "server.log"

    @property
    def version_file(self) -> Path:
        """Holds the major version of the cluster."""
        return self.cluster / "PG_VERSION"

    @property
    def pid_file(self) -> Path:
        """Written by the postmaster."""
        return self.cluster / "postmaster.pid"

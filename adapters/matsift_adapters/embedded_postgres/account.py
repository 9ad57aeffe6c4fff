"""Which system account the server runs as: PostgreSQL refuses to run as root.

A plain user runs it as itself. Root runs it as the owner of the cluster, or, for a new cluster, as an unprivileged
account that exists; one is added only where there is none. No folder above the cluster is opened for that account: see
`Account.cluster_argument`.
"""

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matsift.errors import DatabaseError

_CANDIDATES = ("matsift", "postgres", "nobody")
_ADD_COMMANDS = (
    ("useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "matsift"),
    ("adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", "matsift"),
)


@dataclass(frozen=True)
class Account:
    """The system account of the server; `switched` where a process of ours must change to it."""

    uid: int
    gid: int
    switched: bool

    @property
    def popen_arguments(self) -> dict[str, Any]:
        """Arguments of `subprocess.Popen` that start a process as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.switched else {}

    def cluster_argument(self, cluster: Path) -> str:
        """What to give as ``-D`` to a program whose working directory is `cluster`.

        The account may be unable to enter a folder above the cluster (``/root`` is 0700). The kernel resolves
        ``/proc/self/cwd`` without walking those folders, so none needs opening and the data stays where the user wants
        it, on the volume that was mounted for it.
        """
        return "/proc/self/cwd" if self.switched and sys.platform == "linux" else str(cluster)


def server_account(cluster: Path) -> Account:
    """The account that runs the server of `cluster` (which need not exist yet)."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), switched=False)
    if cluster.exists():
        owner = cluster.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid, switched=True)
    for name in _CANDIDATES:
        account = _by_name(name)
        if account is not None:
            return account
    return _added_account()


def require_name(account: Account) -> None:
    """Check that the account has a name, which PostgreSQL's initdb asks for."""
    try:
        pwd.getpwuid(account.uid)
    except KeyError:
        raise DatabaseError(
            f"the user id {account.uid} has no entry in /etc/passwd, which PostgreSQL needs to make a database; run "
            "the container as a user that exists in it, or set MATSIFT_DATABASE_URL"
        ) from None


def _by_name(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid, switched=True) if entry.pw_uid != 0 else None


def _added_account() -> Account:
    for command in _ADD_COMMANDS:
        if shutil.which(command[0]):
            subprocess.run(command, check=False, capture_output=True)
            account = _by_name("matsift")
            if account is not None:
                return account
    raise DatabaseError(
        "PostgreSQL refuses to run as root and this system has no unprivileged account; "
        "run matsift as a plain user, add an account named 'matsift', or set MATSIFT_DATABASE_URL"
    )

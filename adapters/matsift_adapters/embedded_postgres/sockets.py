"""A short, private folder for the server's unix socket."""

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from matsift.errors import DatabaseError
from matsift_adapters.embedded_postgres.account import Account
from matsift_adapters.embedded_postgres.layout import PORT

_PREFIX = "matsift-"
_PARENTS = ("/tmp", "/var/tmp", "/run", "/dev/shm")  # noqa: S108  the folder in it is new, owned and 0700
_LONGEST_SOCKET_PATH = 103  # bytes; Linux takes 107, macOS 103
_PLAIN = re.compile(r"[\w./-]+", re.ASCII)  # PostgreSQL splits and unquotes the setting


def make_socket_dir(account: Account) -> Path:
    """A new folder of mode 0700 that belongs to the server's account; everyone there is trusted, so nobody else enters.

    It lies in a temporary folder and never in the data folder, whose path may be longer than a socket's may be.
    """
    for parent in dict.fromkeys(map(Path, (tempfile.gettempdir(), *_PARENTS))):
        if not _is_suitable(parent, account):
            continue
        with suppress(OSError):
            made = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            if account.switched:
                os.chown(made, account.uid, account.gid)
            return made
    raise DatabaseError(
        f"no folder for the database's socket can be made in {', '.join(_PARENTS)}; make one of them writable"
    )


def remove_socket_dir(folder: Path | None) -> None:
    """Remove the folder of a server that has ended; a folder that is not of our making stays."""
    if folder is not None and folder.name.startswith(_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


def _is_suitable(parent: Path, account: Account) -> bool:
    socket_path = parent / f"{_PREFIX}12345678" / f".s.PGSQL.{PORT}"
    if len(os.fsencode(socket_path)) > _LONGEST_SOCKET_PATH or not _PLAIN.fullmatch(str(parent)):
        return False
    if not parent.is_dir():
        return False
    return not account.switched or all(folder.stat().st_mode & 0o001 for folder in (parent, *parent.parents))

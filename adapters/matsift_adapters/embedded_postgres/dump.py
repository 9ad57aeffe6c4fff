"""The database in pg_dump's custom format: written to a stream, loaded from one whole or not at all."""

import re
import shutil
import subprocess
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from typing import IO, Protocol

import psycopg
from psycopg import sql

from matsift.errors import DatabaseError, UserInputError
from matsift_adapters.embedded_postgres.client import client_command, first_complaint, program_path

#: Gives a new stream of the bytes that `write_dump` wrote.
OpenDump = Callable[[], IO[bytes]]

_SCHEMA = re.compile(r"^CREATE SCHEMA (?P<name>\"[^\"]+\"|\w+);$", re.MULTILINE)
_GRANTEE = re.compile(
    r"^(?:GRANT|REVOKE|ALTER DEFAULT PRIVILEGES)\b.* (?:TO|FROM) (?P<role>\"[^\"]+\"|\w+)(?: WITH GRANT OPTION)?;$",
    re.MULTILINE,
)
# pg_restore sets it whatever the server is; PostgreSQL 16 and older do not know it.
_NEW_SETTING = b"SET transaction_timeout"
_KNOWS_NEW_SETTING = 17_00_00
_N_LINE_OF_SETTINGS = 60
# What only a superuser may do, in pg_restore's table of contents: on a group's server the owner is none, and who made
# the database has done it.
_OF_A_SUPERUSER = re.compile(r"^\d+; \d+ \d+ (?:COMMENT - EXTENSION|ACL pg_catalog) .*\n", re.MULTILINE)
_WAIT_FOR_OTHERS = "30s"


class Sink(Protocol):
    """Takes bytes in their order."""

    def write(self, piece: bytes, /) -> object:
        """Take the next bytes."""


def write_dump(url: str, target: Sink, *, snapshot: str | None = None) -> None:
    """Write the whole database at `url`.

    Parameters
    ----------
    snapshot
        Name of an exported snapshot: what its transaction sees is written, whatever is committed meanwhile.

    Raises
    ------
    DatabaseError
        pg_dump failed.
    """
    options = ["--format=custom", *([f"--snapshot={snapshot}"] if snapshot else [])]
    command, environment = client_command("pg_dump", url, options)
    with (
        tempfile.TemporaryFile() as complaints,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=complaints) as dumper,
    ):
        assert dumper.stdout is not None
        try:
            shutil.copyfileobj(dumper.stdout, target)
        except BaseException:
            dumper.kill()
            raise
        if dumper.wait() != 0:
            complaints.seek(0)
            raise DatabaseError(f"the database could not be written: {first_complaint(complaints.read())}")


@dataclass(frozen=True)
class Target:
    """A database that a dump may be loaded into, what is done there before, and which entries of the dump it gets."""

    url: str
    version: int
    prelude: tuple[str, ...]
    contents: str


def prepare_load(url: str, open_dump: OpenDump, *, replace: bool = False) -> Target:
    """What `load_dump` needs; nothing is changed yet.

    Roles that the dump's grants name and the server lacks will be made, without the right to log in. With `replace` the
    schemas that the dump holds will be dropped, in the transaction that loads them anew.

    Raises
    ------
    UserInputError
        It is no dump, or the database already holds a schema of it and `replace` is not given.
    """
    outline = _told(open_dump, "--schema-only")
    contents = _told(open_dump, "--list")
    schemas = [match["name"].strip('"') for match in _SCHEMA.finditer(outline)]
    roles = {match["role"].strip('"') for match in _GRANTEE.finditer(outline)} - {"PUBLIC"}
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT rolname, rolsuper AND rolname = current_user FROM pg_roles").fetchall()
        known, is_superuser = {str(name) for name, _ in rows}, any(is_ours for _, is_ours in rows)
        there = {str(row[0]) for row in connection.execute("SELECT nspname FROM pg_namespace")}
        present = [name for name in schemas if name in there]
        if present and not replace:
            raise UserInputError(
                f"the database already holds the schema {' and '.join(present)}; restore into a new MATSIFT_HOME, or "
                "replace what is there with --replace"
            )
        prelude = [sql.SQL("SET lock_timeout = {}").format(_WAIT_FOR_OTHERS)] if present else []
        prelude += [sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)) for role in sorted(roles - known)]
        prelude += [sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)) for name in present]
        statements = tuple(statement.as_string(connection) for statement in prelude)
        if not is_superuser:
            contents = _OF_A_SUPERUSER.sub("", contents)
        return Target(url, connection.info.server_version, statements, contents)


def load_dump(target: Target, open_dump: OpenDump) -> None:
    """Load a dump in one transaction: the commit is sent only when the whole of it was read.

    Raises
    ------
    DatabaseError
        It could not be loaded; the database is as it was.
    """
    before = [argument for statement in target.prelude for argument in ("-c", statement)]
    options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "-c", "BEGIN", *before, "--file=-"]
    command, environment = client_command("psql", target.url, options)
    with tempfile.TemporaryFile() as complaints, _selection(target, open_dump, complaints) as reader:
        loader = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints
        )
        with loader:
            assert reader.stdout is not None
            assert loader.stdin is not None
            with suppress(BrokenPipeError):  # psql has given up, and has said why
                _copy_statements(reader.stdout, loader.stdin, target.version)
                if reader.wait() == 0:
                    loader.stdin.write(b"\nANALYZE;\nCOMMIT;\n")
                else:
                    loader.kill()
                loader.stdin.close()
            reader.stdout.close()
            loaded = loader.wait() == 0
        complaints.seek(0)
        if not loaded:
            said = first_complaint(complaints.read())
            if "lock timeout" in said:
                said = "somebody works on the database; let that end, then try again"
            raise DatabaseError(f"the backup could not be restored, the database is as it was: {said}")


@contextmanager
def _selection(target: Target, open_dump: OpenDump, complaints: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A pg_restore that gives the entries of a dump that the target gets."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as contents:
        contents.write(target.contents)
        contents.flush()
        with _reading(open_dump, complaints, f"--use-list={contents.name}") as reader:
            yield reader


def _told(open_dump: OpenDump, what: str) -> str:
    """What pg_restore tells of a dump without loading it: its table of contents, or its statements without the rows."""
    with tempfile.TemporaryFile() as complaints, _reading(open_dump, complaints, what) as reader:
        assert reader.stdout is not None
        told = reader.stdout.read()
        is_whole = reader.wait() == 0
    if not is_whole:
        raise UserInputError("the file is not a whole backup of matsift; give the file that a backup has made")
    return told.decode("utf-8")


@contextmanager
def _reading(open_dump: OpenDump, complaints: IO[bytes], *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A pg_restore that turns a dump into statements; it gets the dump through a pipe, wherever that lies."""
    command = [program_path("pg_restore"), "--no-owner", "--file=-", *options]
    reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
    assert reader.stdin is not None
    feeder = threading.Thread(target=_feed, args=(open_dump(), reader.stdin), daemon=True)
    with reader:
        feeder.start()
        try:
            yield reader
        except BaseException:
            reader.kill()
            raise
        finally:
            feeder.join()


def _feed(source: IO[bytes], target: IO[bytes]) -> None:
    """Copy a dump to its reader, which may have enough before the end; a source that fails ends too early for it."""
    with suppress(OSError, ValueError, zipfile.BadZipFile), source, target:
        shutil.copyfileobj(source, target)


def _copy_statements(source: IO[bytes], target: IO[bytes], server_version: int) -> None:
    """Copy statements but for the settings, which stand first, that the server does not know."""
    for line in islice(source, _N_LINE_OF_SETTINGS):
        if server_version >= _KNOWS_NEW_SETTING or not line.startswith(_NEW_SETTING):
            target.write(line)
    shutil.copyfileobj(source, target)

"""Backups in pg_dump's custom format, loaded again whole or not at all."""

import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import sql

from matsift.errors import DatabaseError, UserInputError
from matsift_adapters.embedded_postgres.client import client_command, first_complaint, program_path

_MAGIC = b"PGDMP"
_SCHEMA = re.compile(r"^CREATE SCHEMA (?P<name>\"[^\"]+\"|\w+);$", re.MULTILINE)
_GRANTEE = re.compile(
    r"^(?:GRANT|REVOKE|ALTER DEFAULT PRIVILEGES)\b.* (?:TO|FROM) (?P<role>\"[^\"]+\"|\w+)(?: WITH GRANT OPTION)?;$",
    re.MULTILINE,
)


def backup(url: str, path: Path) -> Path:
    """The file that now holds the whole database at `url`; it appears only when it is complete.

    Raises
    ------
    UserInputError
        The file exists, or its folder cannot be written.
    DatabaseError
        pg_dump failed.
    """
    path = path.expanduser().absolute()
    if path.exists():
        raise UserInputError(f"{path} exists; give another name for the backup, or remove it")
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch(mode=0o600)
        command, environment = client_command("pg_dump", url, ["--format=custom", f"--file={unfinished}"])
        done = subprocess.run(command, check=False, capture_output=True, env=environment)
        if done.returncode != 0:
            unfinished.unlink()
            raise DatabaseError(f"the database could not be written to {path}: {first_complaint(done.stderr)}")
        unfinished.rename(path)
    except OSError as error:
        raise UserInputError(
            f"{path} cannot be written ({error.strerror}); give another place for the backup"
        ) from error
    return path


def restore(url: str, path: Path, *, replace: bool = False) -> None:
    """Load the backup `path` into the database at `url` in one transaction: whole or not at all.

    Roles that the backup's grants name and the server lacks are made, without the right to log in. With `replace` the
    schemas that the backup holds are dropped first, in the same transaction.

    Raises
    ------
    UserInputError
        The file is not a backup, or the database already holds a schema of it and `replace` is not given.
    DatabaseError
        It could not be loaded; the database is as it was.
    """
    path = path.expanduser().absolute()
    outline = _outline(path)
    schemas = [match["name"].strip('"') for match in _SCHEMA.finditer(outline)]
    roles = {match["role"].strip('"') for match in _GRANTEE.finditer(outline)} - {"PUBLIC"}
    with psycopg.connect(url) as connection:
        known = {str(row[0]) for row in connection.execute("SELECT rolname FROM pg_roles")}
        there = {str(row[0]) for row in connection.execute("SELECT nspname FROM pg_namespace")}
        present = [name for name in schemas if name in there]
        if present and not replace:
            raise UserInputError(
                f"the database already holds the schema {' and '.join(present)}; restore into a new MATSIFT_HOME, or "
                "ask to replace what is there"
            )
        prelude = [sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)) for role in sorted(roles - known)]
        prelude += [sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)) for name in present]
        commands = [argument for statement in prelude for argument in ("-c", statement.as_string(connection))]
    _load(url, path, commands)


def _outline(path: Path) -> str:
    """The statements of a backup without its rows."""
    try:
        with path.open("rb") as file:
            is_backup = file.read(len(_MAGIC)) == _MAGIC
    except OSError as error:
        raise UserInputError(
            f"{path} cannot be read ({error.strerror}); give the file that a backup has made"
        ) from error
    command = [program_path("pg_restore"), "--schema-only", "--no-owner", "--file=-", str(path)]
    done = subprocess.run(command, check=False, capture_output=True)
    if not is_backup or done.returncode != 0:
        raise UserInputError(f"{path} is not a whole backup of matsift; give the file that a backup has made")
    return done.stdout.decode("utf-8")


def _load(url: str, path: Path, prelude: list[str]) -> None:
    """Feed the backup's statements to psql; the commit is sent only when the whole file was read."""
    options = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "-c", "BEGIN", *prelude, "--file=-"]
    command, environment = client_command("psql", url, options)
    with tempfile.TemporaryFile() as complaints:
        reader = subprocess.Popen(
            [program_path("pg_restore"), "--no-owner", "--file=-", str(path)],
            stdout=subprocess.PIPE,
            stderr=complaints,
        )
        loader = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=complaints
        )
        with reader, loader:
            assert reader.stdout is not None
            assert loader.stdin is not None
            with suppress(BrokenPipeError):  # psql has given up, and has said why
                shutil.copyfileobj(reader.stdout, loader.stdin)
                if reader.wait() == 0:
                    loader.stdin.write(b"\nCOMMIT;\n")
                else:
                    loader.kill()
                loader.stdin.close()
            reader.stdout.close()
            loaded = loader.wait() == 0
        complaints.seek(0)
        if not loaded:
            said = first_complaint(complaints.read())
            raise DatabaseError(f"{path} could not be restored, the database is as it was: {said}")

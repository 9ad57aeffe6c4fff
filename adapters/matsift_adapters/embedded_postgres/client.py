"""Calls of PostgreSQL's own client programs, with the password kept out of the process list."""

import os
import re

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from matsift_adapters.embedded_postgres.binaries import packaged_bin_dir

_ERROR = re.compile(r"\b(?:error|ERROR|FATAL):\s+(?P<what>.+)")


def client_command(program: str, url: str, arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """The command line and environment that run `program` on the database of `url`."""
    parts = conninfo_to_dict(url)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    password = parts.pop("password", None)
    if password is not None:
        environment["PGPASSWORD"] = str(password)
    connection = make_conninfo("", **parts)
    return [program_path(program), "--dbname", connection, *arguments], environment


def program_path(program: str) -> str:
    """The path of one of PostgreSQL's programs."""
    return str(packaged_bin_dir() / program)


def first_complaint(output: bytes) -> str:
    """The first error in what a program said, without the program's name and the severity."""
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    errors = [found["what"] for found in map(_ERROR.search, lines) if found]
    return (errors or lines or ["it said nothing"])[0]

"""Files and folders that appear whole or not at all: written under a passing name, then given their own."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matsift.errors import UserInputError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yield a passing name beside a file; at the end what was written there takes the file's place.

    Raises
    ------
    UserInputError
        If the folder cannot be written, or the disk is full; the file is as it was before.
    """
    if path.is_dir():
        raise UserInputError(f"{path} is a folder; name a file to write")
    passing = _passing(path)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield passing
            with passing.open("rb+") as stream:
                os.fsync(stream.fileno())
            passing.replace(path)
        finally:
            passing.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder of a passing name; at the end it takes its own.

    Raises
    ------
    UserInputError
        If there is something of that name already, it cannot be written, or the disk is full.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise UserInputError(f"{path} is there already; name a new folder, or remove it")
    passing = _passing(path)
    with writing(path):
        passing.mkdir(parents=True)
        try:
            yield passing
            if path.exists():
                path.rmdir()
            passing.replace(path)
        finally:
            shutil.rmtree(passing, ignore_errors=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say in a sentence why a file or folder cannot be written.

    Raises
    ------
    UserInputError
        In place of an `OSError` of the block.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            problem = "the disk is full; free some space, or name another place"
        else:
            problem = f"it cannot be written ({error.strerror or type(error).__name__}); name another place"
        raise UserInputError(f"{path}: {problem}") from error


def _passing(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")

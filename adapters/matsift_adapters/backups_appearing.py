"""A file for its owner alone that appears when it is complete, and never in the place of another."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from matsift.errors import UserInputError
from matsift_adapters.exporters.whole import writing


@contextmanager
def appearing_file(path: Path) -> Iterator[IO[bytes]]:
    """Yield a stream to ``<path>.unfinished``, which takes its name at the end; what a kill left there is overwritten.

    Raises
    ------
    UserInputError
        If the file exists, its folder cannot be written, the disk is full, or another process writes it now.
    """
    unfinished = path.with_name(f"{path.name}.unfinished")
    with writing(path):
        _refuse_existing(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(unfinished, path) as stream:
            try:
                _refuse_existing(path)  # another process may have completed it meanwhile
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
                unfinished.rename(path)
                _sync_folder(path.parent)
            except BaseException:
                unfinished.unlink(missing_ok=True)
                raise


def _refuse_existing(path: Path) -> None:
    if path.exists() or path.is_symlink():
        raise UserInputError(f"{path} exists; give another name for the backup, or remove it")


@contextmanager
def _locked(unfinished: Path, path: Path) -> Iterator[IO[bytes]]:
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "r+b") as stream:  # noqa: PTH123  of a descriptor
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserInputError(f"another process writes {path} now; wait for it, or give another name") from None
        except OSError:
            pass  # a file system without locks: as good as it gets there
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        yield stream


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # a file system that knows no such thing
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

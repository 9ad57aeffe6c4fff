"""Fixtures that the adapters' tests share."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from matsift_adapters.embedded_postgres import EmbeddedPostgres

_RAM = Path("/dev/shm")
_ENOUGH = 2 * 2**30


@pytest.fixture(scope="session")
def quick_disk() -> Path:
    """Where a real server starts soonest: in memory where there is room, so that fsync costs nothing."""
    if _RAM.is_dir() and os.access(_RAM, os.W_OK):
        room = os.statvfs(_RAM)
        if room.f_bavail * room.f_frsize > _ENOUGH:
            return _RAM
    return Path(tempfile.gettempdir())


@pytest.fixture(scope="module")
def embedded_server(quick_disk: Path) -> Iterator[EmbeddedPostgres]:
    """A running embedded server, one a test module."""
    folder = Path(tempfile.mkdtemp(prefix="msft-", dir=quick_disk))
    server = EmbeddedPostgres(folder / "home" / "postgres")
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def private_folder(quick_disk: Path) -> Iterator[Path]:
    """A new folder of mode 0700 on the quick disk."""
    folder = Path(tempfile.mkdtemp(prefix="msft-", dir=quick_disk))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def open_folder(private_folder: Path) -> Path:
    """A new folder that other users can enter."""
    private_folder.chmod(0o755)
    return private_folder

"""The files of a folder or an archive, one after the other, without unpacking anything to disk."""

from __future__ import annotations

import hashlib
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from matsift.errors import SourceError
from matsift_adapters.sources.compressed import DAMAGE, ZIP_DAMAGE, BrokenOffError, check_readable, sha256_of
from matsift_adapters.sources.formats import is_archive
from matsift_adapters.sources.parsing import MAX_MEMBER_BYTES, too_large

Wanted = Callable[[str], bool]
#: What a tar raises beside its own errors, or its decompressor does.
_TAR_DAMAGE = (tarfile.TarError, ValueError, TypeError, *DAMAGE)

#: No long name of a tar archive is larger, bytes; tarfile would read it into memory, whatever its header announces.
_LONGEST_NAME = 1 << 20
_HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


@dataclass(frozen=True)
class RawMember:
    """One file: its path in the folder or archive, and its content or what hinders reading it."""

    name: str
    content: bytes = b""
    problem: str | None = None


def walk(path: Path, wanted: Wanted) -> Iterator[RawMember]:
    """Yield the wanted regular files: of a folder sorted by path, of an archive as they come.

    Links, devices, hidden files and archives within archives are passed over. Nothing is written, so names like
    ``../x`` do no harm.

    Raises
    ------
    SourceError
        If the folder or archive cannot be read at all.
    BrokenOffError
        After the last whole member of a truncated or damaged tar archive.
    """
    if path.is_dir():
        return _of_folder(path, wanted)
    check_readable(path)
    if not is_archive(path.name):
        return iter([read_file(path, path.name)])
    return _of_zip(path, wanted) if path.name.lower().endswith(".zip") else _of_tar(path, wanted)


def content_hash(path: Path, wanted: Wanted) -> str:
    """Return the SHA-256 of a file or archive as it lies there, of a folder over the paths and contents wanted."""
    if not path.is_dir():
        return sha256_of(path)
    digest = hashlib.sha256()
    for name in _names(path, wanted):
        try:
            n_byte = (path / name).stat().st_size
            content = sha256_of(path / name) if n_byte <= MAX_MEMBER_BYTES else f"{n_byte} bytes, not read"
        except (SourceError, OSError):
            content = "not readable"
        digest.update(f"{name}\0{content}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _names(folder: Path, wanted: Wanted) -> list[str]:
    def refuse(error: OSError) -> None:
        raise SourceError(
            str(error.filename), f"the folder cannot be read ({error.strerror})", "give this user the right to read it"
        )

    names = []
    for root, folders, found in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        names += [(Path(root) / name).relative_to(folder).as_posix() for name in found if not name.startswith(".")]
    return sorted(name for name in names if wanted(name) and (folder / name).is_file())


def _of_folder(folder: Path, wanted: Wanted) -> Iterator[RawMember]:
    for name in _names(folder, wanted):
        yield read_file(folder / name, name)


def read_file(path: Path, name: str) -> RawMember:
    """Return a file on the disk under a name, or what hinders reading it."""
    try:
        if path.stat().st_size > MAX_MEMBER_BYTES:
            return RawMember(name, problem=too_large())
        return RawMember(name, path.read_bytes())
    except OSError as error:
        return RawMember(name, problem=f"it cannot be read ({error.strerror})")


def _of_zip(path: Path, wanted: Wanted) -> Iterator[RawMember]:
    try:
        archive = zipfile.ZipFile(path)
    except ZIP_DAMAGE as error:
        raise SourceError(str(path), f"it is no whole zip archive ({error})", "fetch or pack it again") from error
    with archive:
        for info in archive.infolist():
            if info.filename and not info.is_dir() and wanted(info.filename) and not _is_hidden(info.filename):
                yield read_zip_member(archive, info)


def read_zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> RawMember:
    """Return a member of a zip archive, or what hinders reading it."""
    if info.file_size > MAX_MEMBER_BYTES:
        return RawMember(info.filename, problem=too_large())
    try:
        with archive.open(info) as stream:
            content = stream.read(MAX_MEMBER_BYTES + 1)
    except ZIP_DAMAGE as error:
        return RawMember(info.filename, problem=f"the archive's member is damaged or locked ({error})")
    if len(content) > MAX_MEMBER_BYTES:
        return RawMember(info.filename, problem=too_large())
    return RawMember(info.filename, content)


class _Header(tarfile.TarInfo):
    """A header whose long name, or whose further headers, are not unreasonably large."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        found = super().frombuf(buf, encoding, errors)
        if found.type in _HEADERS and found.size > _LONGEST_NAME:
            raise tarfile.ReadError(f"a header of it is larger than {_LONGEST_NAME >> 20} MiB")
        return found


def _of_tar(path: Path, wanted: Wanted) -> Iterator[RawMember]:
    n_member = 0
    try:
        with tarfile.open(path, mode="r|*", tarinfo=_Header) as archive:
            for info in archive:
                n_member += 1
                if info.isreg() and wanted(info.name) and not _is_hidden(info.name):
                    yield _of_tar_member(archive, info)
    except _TAR_DAMAGE as error:
        if n_member == 0:
            raise SourceError(str(path), f"it is no whole tar archive ({error})", "fetch or pack it again") from error
        raise BrokenOffError(str(error) or type(error).__name__) from error


def _of_tar_member(archive: tarfile.TarFile, info: tarfile.TarInfo) -> RawMember:
    if info.size > MAX_MEMBER_BYTES:
        return RawMember(info.name, problem=too_large())
    stream = archive.extractfile(info)
    assert stream is not None  # isreg() was asked
    content = stream.read()
    if len(content) < info.size:
        raise tarfile.ReadError(f"unexpected end of data in {info.name}")
    return RawMember(info.name, content)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") and part not in (".", "..") for part in name.split("/"))

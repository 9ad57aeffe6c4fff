"""The CIFs of a copy of COD: of its tree or of an archive of it, each with a stamp that tells whether it changed."""

from __future__ import annotations

import os
import re
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from matsift.errors import SourceError
from matsift_adapters.sources.archives import RawMember, read_file, read_zip_member, walk
from matsift_adapters.sources.compressed import ZIP_DAMAGE, BrokenOffError, check_readable
from matsift_adapters.sources.formats import is_archive

_CIF_NAME = re.compile(r"(\d{7,8})\.cif")
#: rsync writes a file under such a name and renames it when it is whole.
_UNFINISHED = re.compile(r"\.\d{7,8}\.cif\.\w{6}")
_ARCHIVE_VERSION = re.compile(r"rev\d+-\d{4}\.\d{2}\.\d{2}")
#: Where a CIF of COD states its formula, after the bibliography.
_HEAD_BYTES = 1 << 16
#: A file may still change within the resolution of its time stamp.
_SETTLED_AFTER_S = 2.0


@dataclass(frozen=True)
class MirrorFile:
    """One CIF: its COD number, its path, how to read its beginning and the whole of it, and its stamp.

    The stamp is size and time of a file, size and checksum (CRC-32) of a member of a zip archive; it is empty where
    only the content can tell whether it changed.
    """

    number: str
    name: str
    stamp: str
    head: Callable[[], bytes]
    read: Callable[[], RawMember]


@dataclass
class Mirror:
    """A copy of COD; while it is walked, `complaints` takes up what shows that it is not whole.

    Parameters
    ----------
    path
        Folder or archive.
    numbers
        Leading digits of the COD numbers wanted; none: all.
    """

    path: Path
    numbers: Sequence[str] = ()
    complaints: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Raise SourceError, with the remedy, unless this is a folder or an archive that can be opened."""
        if self.path.is_dir():
            return
        check_readable(self.path)
        if not is_archive(self.path.name):
            raise SourceError(
                str(self.path), "it is neither a folder nor an archive", "name COD's cif folder, zip or tar as path"
            )

    @property
    def version(self) -> str | None:
        """Revision and date of COD that the archive's name states."""
        match = _ARCHIVE_VERSION.search(self.path.name)
        return None if match is None else match[0]

    def files(self) -> Iterator[MirrorFile]:
        """Yield the CIFs wanted: of a folder by path, of an archive as they come.

        Raises
        ------
        SourceError
            If nothing can be read at all.
        """
        if self.path.is_dir():
            yield from self._of_folder(self.path, "")
        elif self.path.name.lower().endswith(".zip"):
            yield from self._of_zip()
        else:
            yield from self._of_tar()

    def is_wanted(self, number: str) -> bool:
        """Return whether a COD number is among those that are read."""
        return not self.numbers or number.startswith(tuple(self.numbers))

    def is_in_flux(self, stamp: str) -> bool:
        """Return whether a file of this stamp may have been written to while it was read."""
        return not stamp and self.path.is_dir()

    def _of_folder(self, folder: Path, digits: str) -> Iterator[MirrorFile]:
        try:
            with os.scandir(folder) as found:
                children = sorted(found, key=lambda child: child.name)
        except OSError as error:
            self.complaints.append(f"the folder {self._name(folder)} cannot be read ({error.strerror})")
            return
        for child in children:
            if _UNFINISHED.fullmatch(child.name):
                self.complaints.append(f"{child.name} is still being copied by rsync")
            elif child.name.startswith("."):
                continue
            elif child.is_dir(follow_symlinks=False):
                deeper = digits + child.name if child.name.isdecimal() else ""
                if self._may_hold(deeper):
                    yield from self._of_folder(Path(child.path), deeper)
            elif (number := self._number(child.name)) is not None:
                name = self._name(Path(child.path))
                path = Path(child.path)
                yield MirrorFile(
                    number, name, _time_stamp(child), partial(_head_of_file, path), partial(read_file, path, name)
                )

    def _of_zip(self) -> Iterator[MirrorFile]:
        try:
            archive = zipfile.ZipFile(self.path)
        except ZIP_DAMAGE as error:
            raise SourceError(
                str(self.path), f"it is no whole zip archive ({error})", "fetch it again to its end"
            ) from error
        with archive:
            for info in archive.infolist():
                if (number := self._number(PurePosixPath(info.filename).name)) is not None:
                    stamp = f"{info.file_size}-crc{info.CRC:08x}"
                    head = partial(_head_of_zip_member, archive, info)
                    yield MirrorFile(number, info.filename, stamp, head, partial(read_zip_member, archive, info))

    def _of_tar(self) -> Iterator[MirrorFile]:
        try:
            for member in walk(self.path, lambda name: self._number(PurePosixPath(name).name) is not None):
                number = self._number(PurePosixPath(member.name).name)
                assert number is not None  # walk was told to yield no other
                yield MirrorFile(number, member.name, "", partial(getattr, member, "content"), partial(_same, member))
        except BrokenOffError as error:
            self.complaints.append(f"the archive breaks off ({error})")

    def _number(self, name: str) -> str | None:
        match = _CIF_NAME.fullmatch(name)
        return match[1] if match is not None and self.is_wanted(match[1]) else None

    def _may_hold(self, digits: str) -> bool:
        """Return whether a folder of the tree, whose path spells leading digits, may hold a number that is wanted."""
        return not (digits and self.numbers) or any(n.startswith(digits) or digits.startswith(n) for n in self.numbers)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix()


def _time_stamp(child: os.DirEntry[str]) -> str:
    try:
        seen = child.stat()
    except OSError:
        return ""
    return f"{seen.st_size}-{seen.st_mtime_ns}" if time.time() - seen.st_mtime > _SETTLED_AFTER_S else ""


def _head_of_file(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_HEAD_BYTES)
    except OSError:
        return b""  # reading the whole of it tells why


def _head_of_zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(info) as stream:
            return stream.read(_HEAD_BYTES)
    except ZIP_DAMAGE:
        return b""  # reading the whole of it tells why


def _same(member: RawMember) -> RawMember:
    return member

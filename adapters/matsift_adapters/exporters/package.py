"""Data packages: a zip of stored members under a manifest; verified to the last byte before anything of it is used."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from matsift.errors import PackageError
from matsift.exchange.columns import Column
from matsift.exchange.manifest import MANIFEST, Manifest, Member
from matsift_adapters.exporters.tables import arrow_schema
from matsift_adapters.exporters.whole import whole_file
from matsift_adapters.sources.compressed import NO_ZIP

_MOMENT = (1980, 1, 1, 0, 0, 0)  # the first that a zip knows: the same content is the same file
_LARGEST_MANIFEST = 16 * 1024**2
_LARGEST_ROW_GROUP = 512 * 1024**2
_ROWS_AT_ONCE = 2000
_PIECE = 1 << 20


def describe_member(path: Path, n_row: int | None = None) -> Member:
    """Return size and checksum of a file that becomes a member."""
    with path.open("rb") as stream:
        return Member(n_byte=path.stat().st_size, sha256=_sha256(stream), n_row=n_row)


def write_package(path: Path, manifest: Manifest, members: Mapping[str, Path]) -> None:
    """Write a package of files, by their names in it; it appears whole or not at all."""
    with whole_file(path) as passing, zipfile.ZipFile(passing, "x", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo(MANIFEST, _MOMENT), manifest.to_json())
        for name in sorted(members):
            with members[name].open("rb") as source, archive.open(_info(name, members[name]), "w") as target:
                shutil.copyfileobj(source, target, _PIECE)


@dataclass(frozen=True)
class Package:
    """An open package whose members are what its manifest says."""

    path: Path
    manifest: Manifest
    archive: zipfile.ZipFile

    def read(self, name: str) -> bytes:
        """Return the content of a member."""
        return self.archive.read(name)

    def rows(self, name: str, columns: Sequence[Column]) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a table, which has these columns.

        Raises
        ------
        PackageError
            If it is none.
        """
        with self._table(name, columns) as table:
            for batch in table.iter_batches(batch_size=_ROWS_AT_ONCE):
                yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)

    def check_table(self, name: str, columns: Sequence[Column]) -> None:
        """Return quietly if a member is a table of these columns with the rows that the manifest counts.

        Raises
        ------
        PackageError
            If not.
        """
        with self._table(name, columns) as table:
            if table.metadata.num_rows != self.manifest.members[name].n_row:
                raise PackageError(str(self.path), f"{name} has other rows than its manifest says")

    @contextmanager
    def _table(self, name: str, columns: Sequence[Column]) -> Iterator[Any]:
        if name not in self.manifest.members:
            raise PackageError(str(self.path), f"it has no {name}")
        try:
            with self.archive.open(name) as stream, pq.ParquetFile(stream) as table:
                self._check_form(name, table, columns)
                yield table
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise PackageError(str(self.path), f"{name} cannot be read ({_one_line(error)})") from error

    def _check_form(self, name: str, table: Any, columns: Sequence[Column]) -> None:
        if not table.schema_arrow.equals(arrow_schema(columns)):
            raise PackageError(str(self.path), f"{name} has other columns than this matsift reads")
        sizes = [table.metadata.row_group(i).total_byte_size for i in range(table.metadata.num_row_groups)]
        if max(sizes, default=0) > _LARGEST_ROW_GROUP:
            raise PackageError(str(self.path), f"a row group of {name} is larger than 512 MiB")


@contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """Yield a package; before that every member was compared with the manifest.

    Members lie in it as they are, not compressed: what would unpack to more than the file itself is refused, and so is
    any name that is not plain, stands there twice, or that the manifest does not list. Nothing is unpacked to the disk.

    Raises
    ------
    PackageError
        If it is no package, or a damaged one.
    """
    with ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
            manifest = _verified(path, archive)
        except FileNotFoundError as error:
            raise PackageError(str(path), "there is no such file", "check the name") from error
        except NO_ZIP as error:
            raise PackageError(str(path), f"it is no whole zip file ({_one_line(error)})") from error
        except OSError as error:
            raise PackageError(str(path), f"it cannot be read ({_one_line(error)})", "name a file that can") from error
        yield Package(path, manifest, archive)


def _verified(path: Path, archive: zipfile.ZipFile) -> Manifest:
    infos = _plain_members(path, archive)
    if MANIFEST not in infos or infos[MANIFEST].file_size > _LARGEST_MANIFEST:
        raise PackageError(str(path), "it is no data package of matsift", "name one that `matsift export` wrote")
    manifest = Manifest.from_json(archive.read(MANIFEST), str(path))
    differing = sorted(set(manifest.members) ^ (set(infos) - {MANIFEST}))
    if differing:
        raise PackageError(str(path), f"it and its manifest do not list the same members ({differing[0]!r})")
    for name, member in manifest.members.items():
        with archive.open(name) as stream:
            if infos[name].file_size != member.n_byte or _sha256(stream) != member.sha256:
                raise PackageError(str(path), f"{name} is damaged")
    return manifest


def _plain_members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members of a zip by name, all of them stored as they are, each once."""
    infos = {info.filename: info for info in archive.infolist()}
    # The stored models are zips too: a package that breaks off may end in a whole one.
    if min((info.header_offset for info in infos.values()), default=1):
        raise PackageError(str(path), "it is no whole zip file")
    if len(infos) != len(archive.infolist()):
        raise PackageError(str(path), "a member stands in it twice")
    for info in infos.values():
        if info.flag_bits & 0x1:
            raise PackageError(str(path), "it is encrypted", "name one that is not")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise PackageError(str(path), f"{info.filename!r} is compressed, which no member of a package is")
    return infos


def _info(name: str, path: Path) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _MOMENT)
    info.file_size = path.stat().st_size
    return info


def _sha256(stream: IO[bytes] | io.BufferedReader) -> str:
    digest = hashlib.sha256()
    while piece := stream.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__

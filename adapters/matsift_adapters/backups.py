"""Backups in one file: a zip of stored members with the database, the artifacts that its rows name, and a manifest.

A zip, because any system opens it, each member can be written before its size is known, and its list of members stands
at the end: what was cut off is no zip.
"""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from matsift.errors import ArtifactError, UserInputError
from matsift_adapters.artifacts import ArtifactStore
from matsift_adapters.backups_appearing import appearing_file
from matsift_adapters.backups_manifest import DATABASE, MANIFEST, About, Manifest, Member, artifact_name
from matsift_adapters.sources.compressed import NO_ZIP

_PIECE = 1 << 20
_LARGEST_MANIFEST = 256 * 1024**2  # a million artifacts
_DUMP_MAGIC = b"PGDMP"


class Checked:
    """Passes on what is written, or drops it, and keeps its size and checksum."""

    def __init__(self, target: IO[bytes] | None = None) -> None:
        self._target, self._digest, self._n_byte = target, hashlib.sha256(), 0

    def write(self, piece: bytes) -> None:
        """Take the next bytes."""
        if self._target is not None:
            self._target.write(piece)
        self._digest.update(piece)
        self._n_byte += len(piece)

    def member(self, name: str) -> Member:
        """Return what the manifest says of the bytes so far."""
        return Member(name=name, n_byte=self._n_byte, sha256=self._digest.hexdigest())


def write_backup(
    path: Path,
    about: About,
    write_dump: Callable[[Checked], None],
    artifacts: tuple[ArtifactStore, Collection[str]] | None,
    *,
    without_missing: bool = False,
) -> Manifest:
    """Return what the backup holds that is now at `path`; it appears only when it is complete.

    No more than one artifact is in memory at a time.

    Parameters
    ----------
    write_dump
        Writes the database.
    artifacts
        A store, and the SHA-256 of what is taken from it; None = the database only.
    without_missing
        Leave out what the store does not hold whole, and list it in the manifest.

    Raises
    ------
    UserInputError
        If the file exists, cannot be written, or its disk is full.
    ArtifactError
        If an artifact is missing or damaged and `without_missing` is not given, or the store cannot be read.
    """
    if artifacts is not None and not without_missing:  # before the work of an hour
        store, named = artifacts
        _require(store, named, [key for key in set(named) - store.sizes().keys() if store.look(key) is None])
    with appearing_file(path) as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        with archive.open(_info(DATABASE), "w", force_zip64=True) as target:
            sink = Checked(target)
            write_dump(sink)
        taken: tuple[Member, ...] | None = None
        missing: tuple[str, ...] = ()
        if artifacts is not None:
            taken, missing = _write_artifacts(archive, *artifacts)
            if not without_missing:
                _require(*artifacts, missing)
        manifest = Manifest(**about.model_dump(), database=sink.member(DATABASE), artifacts=taken, missing=missing)
        archive.writestr(_info(MANIFEST), manifest.to_json())
    return manifest


def _write_artifacts(
    archive: zipfile.ZipFile, store: ArtifactStore, named: Collection[str]
) -> tuple[tuple[Member, ...], tuple[str, ...]]:
    taken, missing = [], []
    for sha256 in sorted(named):
        found = store.look(sha256)
        if found is None or not found.is_whole:
            missing.append(sha256)
            continue
        name = artifact_name(sha256, found.suffix)
        archive.writestr(_info(name), found.content)
        taken.append(Member(name=name, n_byte=len(found.content), sha256=sha256))
    return tuple(taken), tuple(missing)


def _require(store: ArtifactStore, named: Collection[str], missing: Collection[str]) -> None:
    if missing:
        raise ArtifactError(
            f"{len(missing)} of {len(named)} artifacts that rows name are missing or damaged in {store.root}, "
            f"{min(missing)} first; put them back, or leave them out of the backup with --without-missing"
        )


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = 0o600 << 16
    return info


@dataclass(frozen=True)
class Backup:
    """An open backup that is whole; `manifest` is None for a bare file of pg_dump, as matsift 0.1 wrote it."""

    path: Path
    manifest: Manifest | None
    open_dump: Callable[[], IO[bytes]]
    _archive: zipfile.ZipFile | None = None

    def put_artifacts(self, store: ArtifactStore) -> int:
        """Return how many artifacts a store now holds whole that are in the backup.

        Raises
        ------
        ArtifactError
            If the store cannot take one.
        """
        listed = (self.manifest and self.manifest.artifacts) or ()
        for member in listed:
            assert self._archive is not None
            stored = store.put(self._archive.read(member.name), member.suffix)
            assert stored.sha256 == member.sha256, f"{self.path} has changed since it was verified"
        return len(listed)


@contextmanager
def open_backup(path: Path) -> Iterator[Backup]:
    """Yield a backup; before that every byte of it was compared with its manifest.

    Nothing is unpacked to the disk. Names come from the manifest, which lists all members and knows two kinds of names.

    Raises
    ------
    UserInputError
        If the file is no backup, or not as it was written.
    """
    path = path.expanduser().absolute()
    with ExitStack() as stack:
        try:
            with path.open("rb") as stream:
                is_bare = stream.read(len(_DUMP_MAGIC)) == _DUMP_MAGIC
            archive = None if is_bare else stack.enter_context(zipfile.ZipFile(path))
            manifest = None if archive is None else _verified(path, archive)
        except NO_ZIP as error:
            raise _not_whole(path, " ".join(str(error).split()) or type(error).__name__) from error
        except OSError as error:
            raise UserInputError(
                f"{path} cannot be read ({error.strerror or error}); give the file that a backup has made"
            ) from error
        if archive is None:
            yield Backup(path, None, lambda: path.open("rb"))
        else:
            whole = archive
            yield Backup(path, manifest, lambda: whole.open(DATABASE), whole)


def _verified(path: Path, archive: zipfile.ZipFile) -> Manifest:
    infos = _plain_members(path, archive)
    if MANIFEST not in infos or infos[MANIFEST].file_size > _LARGEST_MANIFEST:
        raise _not_whole(path, "it has no manifest")
    manifest = Manifest.from_json(archive.read(MANIFEST), str(path))
    differing = sorted({*manifest.members, MANIFEST} ^ set(infos))
    if differing:
        raise _not_whole(path, f"it and its manifest do not list the same files, {differing[0]!r} first")
    for name, member in manifest.members.items():
        with archive.open(name) as stream:
            sink = Checked()
            shutil.copyfileobj(stream, sink, _PIECE)
        if sink.member(name) != member:
            raise _not_whole(path, f"{name} is not what its manifest says")
    return manifest


def _plain_members(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members of a zip by name: plain files, stored as they are, each once."""
    infos = {info.filename: info for info in archive.infolist()}
    if len(infos) != len(archive.infolist()):
        raise _not_whole(path, "a file stands in it twice")
    # Stored models are zips too: a file that breaks off may end in a whole one.
    if min((info.header_offset for info in infos.values()), default=1):
        raise _not_whole(path, "it is cut off")
    for info in infos.values():
        kind = info.external_attr >> 16 & 0o170000
        if kind not in (0, 0o100000) or info.is_dir():
            raise _not_whole(path, f"{info.filename!r} in it is no plain file")
        if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
            raise _not_whole(path, f"{info.filename!r} in it is compressed")
    return infos


def _not_whole(path: Path, problem: str) -> UserInputError:
    return UserInputError(f"{path} is not a whole backup of matsift ({problem}); use another one")

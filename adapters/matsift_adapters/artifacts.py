"""The artifact store: files addressed by the SHA-256 of their content, on a disk or wherever fsspec reaches."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from matsift.errors import ArtifactError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAMED = re.compile(r"(?<=/)[0-9a-f]{64}(?=\.|$)(?=[^/]*$)")
_UNFINISHED = re.compile(r"/\.[0-9a-f]{16}\.part$")
_SUFFIX = re.compile(r"(\.[A-Za-z0-9]+)*")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True)
class Artifact:
    """A stored file: the SHA-256 of its content, and where it lies."""

    sha256: str
    uri: str


@dataclass(frozen=True)
class Found:
    """What lies under a name in the store: `is_whole` where the content is what the name says."""

    uri: str
    suffix: str
    content: bytes
    is_whole: bool


class ArtifactStore:
    """Files in one folder, each named by its content, so that what is stored never changes.

    Parameters
    ----------
    root
        A folder on this machine, or any address that fsspec knows (``s3://bucket/models``). A local folder is made
        with the first artifact.

    Raises
    ------
    ArtifactError
        If the address is of a kind that fsspec does not know, or the package for it is not installed.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.fspath(root)
        try:
            self._fs, self._path = url_to_fs(self.root)
        except (ValueError, ImportError) as error:
            raise ArtifactError(
                f"the artifact folder {self.root} cannot be used ({error}); set MATSIFT_ARTIFACT_URL to a folder or to "
                "an address that fsspec knows"
            ) from error

    def put(self, content: bytes, suffix: str = "") -> Artifact:
        """Return the artifact of this content, stored whole or not at all.

        The same content is stored once; a damaged copy is replaced.

        Parameters
        ----------
        content
            The bytes of the file.
        suffix
            Ending of the file's name, for people who look into the folder, for example ``.txt.gz``.

        Raises
        ------
        ArtifactError
            If the disk is full, the folder may not be written, or the store cannot be reached.
        """
        if not _SUFFIX.fullmatch(suffix):
            raise ArtifactError(f"{suffix!r} is no ending of a file name; use letters and digits after a point")
        sha256 = hashlib.sha256(content).hexdigest()
        try:
            if (found := self._find(sha256)) and self._fs.cat_file(found) == content:
                return Artifact(sha256, self._fs.unstrip_protocol(found))
            target = found or f"{self._path}/{sha256[:2]}/{sha256}{suffix}"
            self._fs.makedirs(target.rsplit("/", 1)[0], exist_ok=True)
            if isinstance(self._fs, LocalFileSystem):
                _write_whole(Path(target), content)
            else:
                self._fs.pipe_file(target, content)
        except OSError as error:
            raise ArtifactError(self._told(error, "written")) from error
        return Artifact(sha256, self._fs.unstrip_protocol(target))

    def get(self, sha256: str) -> bytes:
        """Return the content of an artifact, checked against its address.

        Raises
        ------
        ArtifactError
            If it is missing, damaged or not readable.
        """
        found = self.look(sha256)
        if found is None:
            raise ArtifactError(
                f"there is no artifact {sha256} in {self.root}; name the folder that holds it, or compute it anew"
            )
        if not found.is_whole:
            raise ArtifactError(
                f"{found.uri} is damaged: its content is not what its name says; "
                "restore it from a backup, or remove it and compute it anew"
            )
        return found.content

    def look(self, sha256: str) -> Found | None:
        """Return what lies under the name of an artifact, damaged or not; None where nothing does.

        Raises
        ------
        ArtifactError
            If it is not readable.
        """
        if not _SHA256.fullmatch(sha256):
            raise ArtifactError(f"{sha256!r} is no SHA-256; give its 64 hexadecimal digits")
        try:
            found = self._find(sha256)
            content = b"" if found is None else bytes(self._fs.cat_file(found))
        except OSError as error:
            raise ArtifactError(self._told(error, "read")) from error
        if found is None:
            return None
        suffix = found.rsplit("/", 1)[-1].removeprefix(sha256)
        is_whole = hashlib.sha256(content).hexdigest() == sha256
        return Found(self._fs.unstrip_protocol(found), suffix, content, is_whole)

    def sizes(self) -> dict[str, int]:
        """Return the SHA-256 of everything that is stored, and the bytes that it takes.

        Raises
        ------
        ArtifactError
            If the store cannot be read.
        """
        found = self._all().items()
        return {match[0]: int(about["size"]) for path, about in found if (match := _NAMED.search(path))}

    def unfinished(self, older_than_s: float = 3600.0) -> dict[str, int]:
        """Return what a command that was killed left half written a while ago, and the bytes that it takes.

        Raises
        ------
        ArtifactError
            If the store cannot be read.
        """
        if not isinstance(self._fs, LocalFileSystem):
            return {}  # elsewhere a file appears whole
        then = time.time() - older_than_s
        return {
            path: int(about["size"])
            for path, about in self._all().items()
            if _UNFINISHED.search(path) and about["mtime"] < then
        }

    def _all(self) -> dict[str, dict[str, Any]]:
        try:
            return {str(path): about for path, about in self._fs.find(self._path, detail=True).items()}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ArtifactError(self._told(error, "read")) from error

    def _find(self, sha256: str) -> str | None:
        folder = f"{self._path}/{sha256[:2]}"
        try:
            names = sorted(self._fs.ls(folder, detail=False))
        except FileNotFoundError:
            return None
        return next((str(name) for name in names if str(name).rsplit("/", 1)[-1].startswith(sha256)), None)

    def _told(self, error: OSError, action: str) -> str:
        if error.errno in _FULL:
            return f"the disk under the artifact folder {self.root} is full; free some space or name another folder"
        if error.errno in _REFUSED:
            return (
                f"the artifact folder {self.root} may not be {action} by this user; change its rights or name another "
                "folder"
            )
        reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
        return f"the artifact folder {self.root} cannot be {action} ({reason}); mend or name another folder"


def _write_whole(target: Path, content: bytes) -> None:
    """Write a file under a passing name and give it its own only when all of it is on the disk."""
    passing = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with passing.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        passing.replace(target)
    finally:
        passing.unlink(missing_ok=True)

"""Files that may be compressed, read as far as they are whole."""

from __future__ import annotations

import bz2
import codecs
import gzip
import hashlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from matsift.errors import SourceError

_CHUNK = 1 << 20
_OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
#: What the decompressors raise on damaged or truncated input.
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, OSError)
#: What zipfile raises for bytes that are no zip, or one of another kind than it knows: RuntimeError where it is
#: encrypted and, as NotImplementedError, where the compression is unknown; ValueError and struct.error where a name,
#: an extra field or a place in its list is none.
NO_ZIP = (zipfile.BadZipFile, EOFError, RuntimeError, ValueError, struct.error)
#: The same, and what its members raise while they are read.
ZIP_DAMAGE = (*NO_ZIP, *DAMAGE)


class BrokenOffError(Exception):
    """The file ends, or is damaged, before its end; all that stands before the break was given."""


def plain_name(name: str) -> str:
    """Return the name without the ending of a compression."""
    return name.removesuffix(".gz").removesuffix(".bz2").removesuffix(".xz")


def open_binary(path: Path) -> IO[bytes]:
    """Return the decompressing stream of a file.

    Raises
    ------
    SourceError
        If the file is missing, a folder, or not readable.
    """
    check_readable(path)
    return cast("IO[bytes]", _OPENERS.get(path.suffix.lower(), open)(path, "rb"))


def check_readable(path: Path) -> None:
    """Raise SourceError, with the remedy, unless this is a file that can be opened."""
    try:
        with path.open("rb"):
            return
    except FileNotFoundError:
        raise SourceError(str(path), "there is no such file", "correct the path in the study") from None
    except IsADirectoryError:
        raise SourceError(str(path), "it is a folder, not a file", "name the file in the study") from None
    except PermissionError:
        raise SourceError(str(path), "it may not be read", "give the user of this run the right to read it") from None
    except OSError as error:
        raise SourceError(
            str(path), f"it cannot be opened ({error.strerror})", "correct the path or the disk"
        ) from None


def chunks(path: Path) -> Iterator[bytes]:
    """Yield the decompressed bytes piece by piece.

    Raises
    ------
    BrokenOffError
        After the last whole piece of a truncated or damaged file.
    """
    with open_binary(path) as stream:
        while True:
            try:
                piece = stream.read1(_CHUNK) if hasattr(stream, "read1") else stream.read(_CHUNK)
            except DAMAGE as error:
                raise BrokenOffError(str(error) or type(error).__name__) from error
            if not piece:
                return
            yield piece


def lines(path: Path) -> Iterator[str]:
    """Yield the whole lines of a text file, each with its line end.

    Raises
    ------
    BrokenOffError
        After the last whole line of a truncated or damaged file; the torn line is left out.
    """
    decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
    rest = ""
    for piece in chunks(path):
        *whole, rest = (rest + decoder.decode(piece)).split("\n")
        for line in whole:
            yield line + "\n"
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


def text(path: Path) -> tuple[str, str | None]:
    """Return the text of a file as far as it is whole, and what broke it off (None: it is whole)."""
    pieces: list[bytes] = []
    broken = None
    try:
        for piece in chunks(path):
            pieces.append(piece)  # noqa: PERF402  what stands before the break must be kept
    except BrokenOffError as error:
        broken = str(error)
    return b"".join(pieces).decode("utf-8-sig", errors="replace"), broken


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as it lies on the disk."""
    check_readable(path)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

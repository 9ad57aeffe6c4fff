"""Fetches scripts of others anew that pages carry inside them: ``python -m matsift_adapters.vendored`` (make vendor).

Package and files are those whose hashes stand in ``platform/matsift/reports/vendor/*.json``; another version is another
address and other hashes there, looked at by a person first.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from matsift.errors import SourceError
from matsift.reports import vendor
from matsift_adapters.sources.web import Asker

_REMEDY = "look at what changed before you note other hashes"


def unpacked(package: bytes, noted: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files of a package (.tgz) by the names they get here.

    Raises
    ------
    SourceError
        If the package or a file in it is not the one whose hash is noted.
    """
    if hashlib.sha512(package).hexdigest() != noted["package_sha512"]:
        problem = f"this is not the package of {noted['name']} {noted['version']} that was noted"
        raise SourceError(noted["package"], problem, _REMEDY)
    found = {}
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        for member, wanted in noted["files"].items():
            try:
                file = archive.extractfile(member)
            except KeyError:
                file = None
            content = b"" if file is None else file.read()
            if hashlib.sha256(content).hexdigest() != wanted["sha256"]:
                raise SourceError(noted["package"], f"{member} is not the file whose hash was noted", _REMEDY)
            found[wanted["as"]] = content
    return found


def fetch(folder: Path, get: Callable[[str], bytes]) -> list[Path]:
    """Write the files of all packages noted in a folder into it, and return their paths.

    Raises
    ------
    SourceError
        As `unpacked`; then nothing of the package is written.
    """
    written = []
    for note in sorted(folder.glob("*.json")):
        noted = json.loads(note.read_text(encoding="utf-8"))
        for name, content in unpacked(get(noted["package"]), noted).items():
            (folder / name).write_bytes(content)
            written.append(folder / name)
    return written


def main() -> None:
    """Fetch all packages anew."""
    with Asker("matsift") as asker:
        for path in fetch(Path(vendor.__file__).parent, lambda url: asker.get(url).content):
            print(f"{path} as noted")  # noqa: T201  this is its output


if __name__ == "__main__":
    main()

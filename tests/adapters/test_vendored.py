"""Scripts of others: what lies here comes out of the noted package, and nothing else is taken."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from matsift.errors import SourceError
from matsift_adapters.vendored import fetch, unpacked

_ADDRESS = "https://example.org/viewer-1.0.0.tgz"


def _package(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        info = tarfile.TarInfo("package/viewer.js")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return packed.getvalue()


def _note(package: bytes, content: bytes, member: str = "package/viewer.js") -> dict[str, Any]:
    return {
        "name": "viewer",
        "version": "1.0.0",
        "package": _ADDRESS,
        "package_sha512": hashlib.sha512(package).hexdigest(),
        "files": {member: {"as": "viewer.js", "sha256": hashlib.sha256(content).hexdigest()}},
    }


def test_files_are_written_as_they_were_noted(tmp_path: Path) -> None:
    package = _package(b"draw()")
    (tmp_path / "viewer.json").write_text(json.dumps(_note(package, b"draw()")), encoding="utf-8")
    asked: list[str] = []

    def get(url: str) -> bytes:
        asked.append(url)
        return package

    assert fetch(tmp_path, get) == [tmp_path / "viewer.js"]
    assert (tmp_path / "viewer.js").read_bytes() == b"draw()"
    assert asked == [_ADDRESS]


def test_another_package_is_refused() -> None:
    with pytest.raises(SourceError, match="not the package of viewer"):
        unpacked(_package(b"steal()"), _note(_package(b"draw()"), b"draw()"))


@pytest.mark.parametrize("member", ["package/viewer.js", "package/none.js"], ids=["other content", "not there"])
def test_another_file_is_refused(member: str) -> None:
    package = _package(b"steal()")
    with pytest.raises(SourceError, match="not the file whose hash"):
        unpacked(package, _note(package, b"draw()", member))

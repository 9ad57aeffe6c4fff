"""Zip archives, broken from outside or in one of their members."""

from __future__ import annotations

import io
import zipfile
from random import Random

from benchmarks.fuzz.mutation import changed_binary, changed_bytes

_NAMES = ("../x", "/etc/passwd", "a\x00b", "", "x" * 300, "manifest.json", "xl/workbook.xml", "é.txt", "a\\b")


def members_of(content: bytes) -> dict[str, bytes]:
    """Return the members of a whole archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zip_of(members: dict[str, bytes], *, compression: int = zipfile.ZIP_STORED) -> bytes:
    """Return an archive of members, the same for the same members."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, compression)
    return raw.getvalue()


def changed_zip(rng: Random, content: bytes) -> bytes:
    """Return an archive that is broken as a whole, or whole with a member broken, renamed, left out or added."""
    if rng.random() < 0.3:
        return changed_binary(rng, content)
    members = members_of(content)
    name = rng.choice(list(members))
    way = rng.randrange(6)
    if way == 0:
        del members[name]
    elif way == 1:
        members[rng.choice(_NAMES)] = members.pop(name)
    else:
        change = changed_binary if way == 2 else changed_bytes
        members[name] = change(rng, members[name])
    return zip_of(members, compression=rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))

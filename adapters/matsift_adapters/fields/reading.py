"""Fields from files and folders, whatever the format: what it is, the name tells, and after it the first lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from matsift.errors import FieldError, MatsiftError, SourceError
from matsift_adapters.fields.cube import METHOD as CUBE
from matsift_adapters.fields.cube import read_cube
from matsift_adapters.fields.gpaw_file import read_gpw
from matsift_adapters.fields.read_field import ReadField
from matsift_adapters.fields.vasp_grids import CHGCAR, ELFCAR, read_aeccar, read_chgcar, read_elfcar
from matsift_adapters.sources.compressed import DAMAGE, open_binary, plain_name

_VASP = re.compile(r"(CHGCAR|AECCAR[012]|ELFCAR|PARCHG|LOCPOT|(?<![A-Z])CHG(?![A-Z]))", re.IGNORECASE)
_REFUSED = {
    "AECCAR0": "it holds the core electrons alone; put AECCAR2 of the same run beside it and name that",
    "AECCAR1": "it holds overlapping atomic densities, not what the computation found; name AECCAR2 or CHGCAR",
    "PARCHG": "it holds the density of some bands; name CHGCAR",
    "LOCPOT": "it holds a potential; name CHGCAR",
}
_CUBE_ENDINGS, _GPAW, _GPAW_ENDING = (".cube", ".cub"), "gpaw", ".gpw"
_SNIFFED = 4096
_CUBE_LINES = range(3, 6)


@dataclass(frozen=True)
class Wishes:
    """What files do not say of themselves.

    Parameters
    ----------
    kind
        ``dft_charge`` or ``elf``; None takes what the format and name say.
    electrons
        ``all`` or ``valence``, of cube files; None finds out by the integral.
    method
        How the fields were made; None names the format.
    """

    kind: str | None = None
    electrons: str | None = None
    method: str | None = None


def read_fields(paths: Sequence[Path], wishes: Wishes | None = None) -> Iterator[tuple[Path, ReadField | MatsiftError]]:
    """Yield each file with its field, or with the error that says why there is none.

    Folders give their files of a known name, also those in folders below. AECCAR0 is read with the AECCAR2 beside it.
    """
    for path in found_files(paths):
        try:
            yield path, read_field(path, wishes)
        except (FieldError, SourceError) as error:
            yield path, error


def read_field(path: Path, wishes: Wishes | None = None) -> ReadField:
    """Return the field of a file.

    Raises
    ------
    SourceError
        If there is no such file.
    FieldError
        If it holds no field that can be checked; one sentence says why and what to do.
    """
    if not path.exists():
        raise SourceError(str(path), "there is no such file", "correct the path")
    said = wishes or Wishes()
    file_format = _format(path)
    if file_format in _REFUSED:
        raise FieldError(f"{path.name}: {_REFUSED[file_format]}")
    if file_format == CUBE:
        return read_cube(path, kind=said.kind, electrons=said.electrons, method=said.method or CUBE)
    if file_format == _GPAW:
        return read_gpw(path, said.method)
    if said.kind == "elf" or (file_format == "ELFCAR" and said.kind is None):
        return read_elfcar(path, said.method or ELFCAR)
    if file_format == "AECCAR2":
        return read_aeccar(path, _core_beside(path), said.method)
    return read_chgcar(path, said.method or CHGCAR)


def found_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files to read, in the order of the paths; a folder's in the order of their names.

    The cores of an all-electron density (AECCAR0) are left out where its AECCAR2 is among them or in the folder.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = (file for file in sorted(path.rglob("*")) if file.is_file())
            found.update((file, None) for file in inside if _named(file) is not None)
        else:
            found[path] = None
    return [path for path in found if not (_named(path) == "AECCAR0" and _beside(path, "AECCAR2") in found)]


def _format(path: Path) -> str:
    """Return the format of a file by its name, or by its first lines: a name of VASP's, ``cube`` or ``gpaw``."""
    named = _named(path)
    if named is not None:
        return named
    try:
        with open_binary(path) as stream:
            lines = stream.read(_SNIFFED).decode("utf-8", "replace").split("\n")
    except DAMAGE as error:
        raise FieldError(f"{path.name}: it cannot be decompressed ({error}); copy it anew") from error
    if len(lines) > _CUBE_LINES.stop and all(_counts_points(lines[i]) for i in _CUBE_LINES):
        return CUBE
    return "CHGCAR"


def _named(path: Path) -> str | None:
    name = plain_name(path.name)
    if name.lower().endswith(_CUBE_ENDINGS):
        return CUBE
    if name.lower().endswith(_GPAW_ENDING):
        return _GPAW
    found = _VASP.findall(name)
    return str(found[-1]).upper() if found else None


def _counts_points(line: str) -> bool:
    words = line.split()
    return len(words) == 4 and words[0].lstrip("-").isdigit() and all("." in word for word in words[1:])


def _core_beside(path: Path) -> Path | None:
    core = _beside(path, "AECCAR0")
    return core if core.is_file() else None


def _beside(path: Path, wanted: str) -> Path:
    """Return the path with AECCAR0 or AECCAR2 in its name replaced, its letters as they were."""
    return path.with_name(re.sub(r"(AECCAR)[02]", rf"\g<1>{wanted[-1]}", path.name, flags=re.IGNORECASE))

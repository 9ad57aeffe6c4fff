"""Which format a file is in, by its name."""

from __future__ import annotations

from pathlib import PurePosixPath

from matsift_adapters.sources.compressed import plain_name

_BY_ENDING = {
    ".cif": "cif",
    ".mcif": "cif",
    ".vasp": "poscar",
    ".poscar": "poscar",
    ".json": "json",
    ".extxyz": "extxyz",
    ".xyz": "extxyz",
    ".traj": "traj",
    ".xsf": "xsf",
    ".gen": "gen",
    ".pwi": "espresso-in",
}
#: Formats that ASE reads for us; each takes an open file and holds no code or pickle.
ASE_FORMATS = ("espresso-in", "extxyz", "gen", "traj", "xsf")
ARCHIVE_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
KNOWN = "CIF, POSCAR, pymatgen JSON, extended XYZ, ASE trajectory, XSF, GEN or pw.x input"


def format_of(name: str) -> str | None:
    """Return the format of a file of this name, None where the name does not tell."""
    base = plain_name(PurePosixPath(name).name)
    if base.upper().startswith(("POSCAR", "CONTCAR")):
        return "poscar"
    return _BY_ENDING.get(PurePosixPath(base).suffix.lower())


def stem_of(name: str) -> str:
    """Return the file's name without folder, compression and the ending of its format.

    A bare POSCAR or CONTCAR keeps its folders, since they tell one from another.
    """
    path = PurePosixPath(plain_name(name))
    if path.name.upper() in ("POSCAR", "CONTCAR"):
        return str(path)
    return path.stem if path.suffix.lower() in _BY_ENDING else path.name


def is_archive(name: str) -> bool:
    """Return whether a file of this name is an archive."""
    return name.lower().endswith(ARCHIVE_ENDINGS)

"""All parsers that are fuzzed, by name; the module of a subject is loaded when one of its parsers is asked for."""

from __future__ import annotations

import importlib
from functools import cache

from benchmarks.fuzz.parser import Parser

_SUBJECTS: dict[str, tuple[str, ...]] = {
    "structures": (*("cif", "cod-cif", "poscar", "structure-json", "extxyz", "xsf", "gen", "espresso-in", "traj"),),
    "tables": ("study", "table-csv", "table-json", "table-jsonl", "form", "formula"),
    "measured": ("pattern-text", "pattern-vendor-text", "pattern-raw", "pattern-zip", "pattern-gzip"),
    "volumes": ("chgcar", "elfcar", "cube", "chgcar-json", "stored-grid"),
    "services": ("materials-project", "optimade", "cod-search"),
    "outputs": ("vasprun", "outcar", "pw-output", "pw-xml", "card", "vasprun-gzip"),
    "packages": ("package", "archive-zip", "archive-tar"),
}
NAMES = tuple(name for names in _SUBJECTS.values() for name in names)


def parser_of(name: str) -> Parser:
    """Return the parser of a name.

    Raises
    ------
    KeyError
        If there is none.
    """
    subject = next((subject for subject, names in _SUBJECTS.items() if name in names), None)
    if subject is None:
        raise KeyError(name)
    return _of_subject(subject)[name]


@cache
def _of_subject(subject: str) -> dict[str, Parser]:
    found = {parser.name: parser for parser in importlib.import_module(f"benchmarks.fuzz.{subject}").parsers()}
    assert tuple(found) == _SUBJECTS[subject], f"the parsers of {subject} are others than the registry says"
    return found

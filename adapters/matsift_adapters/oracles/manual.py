"""Folders and tables for somebody who returns numbers: a CIF, a form to fill in, and a note."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from matsift.crystal import Crystal
from matsift.formulae import formulae
from matsift.study.handoff import ManualOracle
from matsift_adapters.oracles.card import composition_of

#: The form in a folder, and the one beside the folders that has a row for each of them.
FORM = "result.csv"
TABLE = "results.csv"

ID_COLUMN = "structure"
FAILED_COLUMN = "failed"
COMMON_COLUMNS = (ID_COLUMN, "formula", FAILED_COLUMN, "note")

_ID_PREFIX = "s-"  # without it spreadsheets take 12e4567... for a number
_ID_DIGITS = 16


def short_id(structure_hash: str, attempt: int = 1) -> str:
    """Return what a form calls an attempt at a structure."""
    return _ID_PREFIX + structure_hash[:_ID_DIGITS] + ("" if attempt == 1 else f"-{attempt}")


def write_inputs(settings: ManualOracle, crystal: Crystal, folder: Path) -> dict[str, Any]:
    """Write structure.cif, result.csv with one row to fill in, and README.txt; return the columns of the form."""
    from pymatgen.io.cif import CifWriter  # noqa: PLC0415  pymatgen takes a second to import

    formula = formulae(composition_of(crystal.species)).reduced if crystal.is_ordered else _disordered_formula(crystal)
    (folder / "structure.cif").write_text(str(CifWriter(crystal.to_pymatgen())), encoding="utf-8")
    write_table(settings, folder / FORM, [(crystal.content_hash, formula, 1)])
    (folder / "README.txt").write_text(_readme(settings), encoding="utf-8")
    return {"columns": header(settings)}


def header(settings: ManualOracle) -> list[str]:
    """Return the columns of a form; those of values name their unit, as ``k_vrh (GPa)``."""
    values = [f"{name} ({settings.unit(name)})" for name in settings.properties]
    return [ID_COLUMN, "formula", *values, FAILED_COLUMN, "note"]


def write_table(settings: ManualOracle, path: Path, structures: Iterable[tuple[str, str, int]]) -> None:
    """Write a form with a row for each (structure hash, formula, attempt); rows that it has already stay as they are.

    Whole or not at all: a form that is being filled in is never half there.
    """
    kept = path.read_bytes() if path.exists() else b""
    lines = kept.decode("utf-8-sig", errors="replace").splitlines() or [",".join(header(settings))]
    delimiter = delimiter_of(lines[0])
    headings, *rows = ([cell.strip() for cell in row] for row in csv.reader(lines, delimiter=delimiter))
    there = {cell for row in rows for cell in row}
    text = io.StringIO()
    writer = csv.DictWriter(text, headings, delimiter=delimiter, lineterminator="\n", extrasaction="ignore")
    if not kept:
        writer.writeheader()
    for structure_hash, formula, attempt in structures:
        if (name := short_id(structure_hash, attempt)) not in there:
            writer.writerow({ID_COLUMN: name, "formula": formula})
    gap = b"" if not kept or kept.endswith(b"\n") else b"\n"
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        file.write(kept + gap + text.getvalue().encode())
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


def delimiter_of(heading: str) -> str:
    """Return what parts the cells of a table, by its first line: a comma, a semicolon or a tab."""
    return max(",;\t", key=heading.count)


def _disordered_formula(crystal: Crystal) -> str:
    return str(crystal.to_pymatgen().composition.reduced_formula)


def _readme(settings: ManualOracle) -> str:
    return "\n".join(
        (
            f"Fill in the row of {FORM} (any spreadsheet will do) and bring it back.",
            "",
            f"- The values count as {settings.method!r}.",
            f"- Wanted: {', '.join(header(settings)[2:-2])}. Another unit is fine if the heading says so, as (kbar).",
            "- Leave a value empty that you do not have yet: the row is then still open.",
            f"- If a value cannot be had, write the reason into the column {FAILED_COLUMN!r}.",
            f"- Leave the column {ID_COLUMN!r} and matsift.json alone: they say which structure this is.",
            f"- Or fill in the row of this structure in {TABLE}, beside the folders, which has one for each of them.",
            "",
        )
    )

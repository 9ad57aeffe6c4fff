"""A CIF of COD: its structure, what COD's editors say of it, and what is doubtful about it."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import gemmi

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift_adapters.sources.cif import from_cif
from matsift_adapters.sources.cod_rules import amounts
from matsift_adapters.sources.parsed import Parsed, unreadable

#: Key of `Parsed.info` that says that COD's editors retracted the entry.
RETRACTED = "retracted"

_NUMBER = re.compile(r"[0-9]{7,8}")
_REVISION = re.compile(r"^#\s*\$Revision:\s*([0-9]{1,18})\s*\$", re.MULTILINE)
_TEXTS = {
    "journal": ("_journal_name_full",),
    "doi": ("_journal_paper_doi",),
    "title": ("_publ_section_title",),
    "mineral": ("_chemical_name_mineral",),
    "chemical_name": ("_chemical_name_systematic", "_chemical_name_common"),
    "formula": ("_chemical_formula_sum",),
    "space_group_symbol": ("_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m"),
    "radiation": ("_diffrn_radiation_probe", "_diffrn_radiation_type"),
}
_NUMBERS = {
    "year": ("_journal_year",),
    "temperature_k": ("_diffrn_ambient_temperature", "_cell_measurement_temperature"),
    "pressure_kpa": ("_diffrn_ambient_pressure", "_cell_measurement_pressure"),
    "r_factor": ("_refine_ls_r_factor_gt", "_refine_ls_r_factor_obs", "_refine_ls_r_factor_all"),
}
_METHODS = ("struct_determination_method", "structure_determination_method", "structure.determination_method")
_SEVERITIES = ("error_flag", "entry_issue_severity", "entry_issue.severity")
_SEVERITY = {
    "warnings": "has_warnings",
    "warning": "has_warnings",
    "errors": "cod_error",
    "error": "cod_error",
    "retracted": RETRACTED,
    "retraction": RETRACTED,
}
_OPTIMAL = ("related_optimal_struct", "related_optimal_entry_code", "related_optimal_entry.code")
_DUPLICATE = ("duplicate_entry", "related_duplicate_entry_code", "related_duplicate_entry.code")
_COMPUTED_PREFIXES = ("_tcod_", "_dft_")
_NOT_KEPT = ("changelog", "molecule_", "original_", "data_source_")
_LONGEST_TEXT = 500
_MOST_VALUES = 20

Tags = dict[str, list[str]]


def from_cod(text: str) -> list[Parsed]:
    """Return the structure of a CIF of COD as its only element; `Parsed.entry_id` is the COD number that it states.

    Beside the holds of `from_cif`: ``partial_occupancy`` (an atom occupies its site in part), ``implicit_hydrogens``
    (hydrogens are attached without coordinates, or the formula has some and the atoms none), ``calculated_structure``
    (determined by theory, or with the tags of TCOD), ``cod_error``, ``has_warnings``, ``suboptimal_structure``. The
    info holds the bibliography, temperature (kelvin), pressure (kilopascal) and COD's own tags.

    Raises
    ------
    BadStructureError
        If no block holds atoms.
    """
    try:
        blocks = list(gemmi.cif.read_string(text))
    except (ValueError, RuntimeError):
        blocks = []  # from_cif tells what is wrong, or has it read by a tolerant parser
    block = next((block for block in blocks if _is_id(block.name)), blocks[0] if blocks else None)
    tags = {} if block is None else _tags(block)
    info = _info(text, tags)
    number = next(
        (v for v in [*_values(tags, "database_code"), "" if block is None else block.name] if _is_id(v)), None
    )
    try:
        parsed = _wanted(from_cif(text), block.name if block is not None and _is_id(block.name) else "")
    except BadStructureError as error:
        parsed = unreadable(error)
    holds = {
        *parsed.holds,
        *_stated_holds(tags),
        *([] if parsed.crystal is None else _seen_holds(parsed.crystal, tags)),
    }
    if RETRACTED in holds:
        holds.remove(RETRACTED)
        info[RETRACTED] = True
    return [replace(parsed, block="", entry_id=number, holds=tuple(sorted(holds)), info={**parsed.info, **info})]


def svn_revision(text: str) -> int | None:
    """Return the revision of COD's repository that the header of a CIF names, None where it names none."""
    match = _REVISION.search(text)
    return None if match is None else int(match[1])


def _wanted(found: list[Parsed], name: str) -> Parsed:
    """Return the structure of the block of this name; COD numbers one block a file."""
    named = [parsed for parsed in found if parsed.block in ("", name)]
    if len(named) == 1:
        return named[0]
    return unreadable(BadStructureError(f"{len(found)} blocks hold atoms, and none of them bears the COD number"))


def _tags(block: gemmi.cif.Block) -> Tags:
    """Return tag in lower case -> its values, without those that are unknown; ``_[local]_cod_`` is ``_cod_``."""
    tags: Tags = {}
    for item in block:
        if item.pair is not None:
            columns = {str(item.pair[0]): [str(item.pair[1])]}  # type: ignore[index]  # the stub says object
        elif item.loop is not None:
            width, values = item.loop.width(), item.loop.values
            columns = {tag: values[i::width] for i, tag in enumerate(item.loop.tags)}
        else:
            continue
        for tag, raw in columns.items():
            known = [gemmi.cif.as_string(value).strip() for value in raw if value not in ("?", ".")]
            if known:
                tags[tag.lower().replace("_[local]_", "_")] = known
    return tags


def _values(tags: Tags, *names: str) -> list[str]:
    return [value for name in names for value in tags.get(f"_cod_{name}", [])]


def _is_id(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _info(text: str, tags: Tags) -> dict[str, Any]:
    info: dict[str, Any] = {"svn_revision": svn_revision(text)}
    for key, names in _TEXTS.items():
        info[key] = next((" ".join(tags[name][0].split())[:_LONGEST_TEXT] for name in names if name in tags), None)
    for key, names in _NUMBERS.items():
        info[key] = next((number for name in names if (number := _number(tags, name)) is not None), None)
    info["authors"] = tags.get("_publ_author_name", [])[:_MOST_VALUES]
    info["duplicate_of"] = next(iter(_values(tags, *_DUPLICATE)), None)
    info["cod"] = {
        name: values[0][:_LONGEST_TEXT] if len(values) == 1 else [value[:_LONGEST_TEXT] for value in values]
        for tag, listed in tags.items()
        if tag.startswith("_cod_") and not (name := tag.removeprefix("_cod_")).startswith(_NOT_KEPT)
        for values in [listed[:_MOST_VALUES]]
    }
    return {key: value for key, value in info.items() if value not in (None, [], {})}


def _number(tags: Tags, name: str) -> float | int | None:
    values = tags.get(name)
    number = math.nan if values is None else gemmi.cif.as_number(values[0])
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else float(number)


def _stated_holds(tags: Tags) -> set[str]:
    """Return what COD says of the entry; the retraction of an entry is among it."""
    holds = {_SEVERITY[value] for value in _values(tags, *_SEVERITIES) if value in _SEVERITY}
    if "theoretical" in _values(tags, *_METHODS) or any(tag.startswith(_COMPUTED_PREFIXES) for tag in tags):
        holds.add("calculated_structure")
    if "yes" in _values(tags, "suboptimal_structure") or _values(tags, *_OPTIMAL):
        holds.add("suboptimal_structure")
    return holds


def _seen_holds(crystal: Crystal, tags: Tags) -> set[str]:
    """Return what is doubtful about the structure itself."""
    holds = set()
    if (crystal.occupancies < 1 - 1e-6).any():
        holds.add("partial_occupancy")
    formula = amounts(" ".join(tags.get("_chemical_formula_sum", [])))
    attached = [gemmi.cif.as_number(value, 0.0) for value in tags.get("_atom_site_attached_hydrogens", [])]
    if any(attached) or (formula is not None and "H" in formula and "H" not in crystal.species):
        holds.add("implicit_hydrogens")
    return holds

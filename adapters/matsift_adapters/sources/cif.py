"""CIF: gemmi reads the syntax; what is plain is expanded here, what asks for a judgement is left to pymatgen."""

from __future__ import annotations

import re
from dataclasses import replace

import gemmi

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift_adapters.sources.cif_fallback import from_structure, judged_reading, pymatgen_structure, sentence
from matsift_adapters.sources.cif_fast import Reading, fast_reading
from matsift_adapters.sources.cif_mending import check_cell, mend
from matsift_adapters.sources.parsed import Parsed, unreadable, with_text

#: Marks of magnetic CIFs, whose symmetry stands elsewhere.
_MAGNETIC = ("_space_group_magn", "_atom_site_moment", "_space_group_symop_magn")
#: Marks of structures that repeat only in more than three dimensions: what is read is their average.
_MODULATED = ("_cell_modulation_dimension", "_space_group_ssg_", "_space_group_symop_ssg_")


def from_cif(text: str) -> list[Parsed]:
    """Return the structures of a CIF, one a block that holds atoms, or why there is none, with the text.

    Holds say what is doubtful: ``cif_syntax`` (gemmi refuses the syntax, pymatgen made out a structure),
    ``modulated_average`` (the structure is modulated, and this is its average), and those of `fast_reading`, `mend` and
    `judged_reading`.
    """
    try:
        document = gemmi.cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        return [_tolerant(text, " ".join(str(error).split()))]
    blocks = [block for block in document if _has_atoms(block)]
    if not blocks:
        return [with_text(unreadable(BadStructureError(_why_no_atoms(document))), text)]
    names = [block.name for block in blocks]
    is_magnetic = any(mark in text for mark in _MAGNETIC)
    found = [
        _block(block, "" if len(blocks) == 1 else _label(names, position), is_magnetic=is_magnetic)
        for position, block in enumerate(blocks)
    ]
    if any(mark in text for mark in _MODULATED):
        return [
            _average(parsed) if _is_modulated(block) else parsed for parsed, block in zip(found, blocks, strict=True)
        ]
    return found


def to_cif(crystal: Crystal) -> str:
    """Return the CIF, with all atoms listed in P 1, of a crystal."""
    return str(crystal.to_pymatgen().to(fmt="cif", significant_figures=12))


def _block(block: gemmi.cif.Block, label: str, *, is_magnetic: bool) -> Parsed:
    try:
        reading = None if is_magnetic else fast_reading(block)
        if reading is None:
            reading = _mended(block, is_magnetic=is_magnetic)
    except Exception as error:  # noqa: BLE001  pymatgen's parser raises anything from KeyError to ZeroDivisionError
        return _refused(block, label, BadStructureError(sentence(error)))
    return Parsed(label, reading.crystal, holds=reading.holds, info=reading.info)


def _mended(block: gemmi.cif.Block, *, is_magnetic: bool) -> Reading:
    """Return the reading of a block that asks for a judgement."""
    check_cell(block)
    holds = mend(block)
    reading = fast_reading(block) if holds and not is_magnetic else None
    reading = reading or judged_reading(block, is_magnetic=is_magnetic)
    return replace(reading, holds=tuple(sorted({*reading.holds, *holds})))


def _is_modulated(block: gemmi.cif.Block) -> bool:
    return any(tag.startswith(_MODULATED) for item in block for tag in _tags(item))


def _tags(item: gemmi.cif.Item) -> list[str]:
    if item.loop is not None:
        return list(item.loop.tags)
    return [] if item.pair is None else [str(item.pair[0])]


def _average(parsed: Parsed) -> Parsed:
    if parsed.crystal is None:
        return parsed
    return replace(parsed, holds=tuple(sorted({*parsed.holds, "modulated_average"})))


def _refused(block: gemmi.cif.Block, label: str, error: BadStructureError) -> Parsed:
    """Return the outcome of a block without a structure; its text is kept."""
    return with_text(unreadable(error, block=label), block.as_string())


def _tolerant(text: str, complaint: str) -> Parsed:
    """Return what pymatgen makes of a text whose syntax is broken: only a single block can be told apart safely."""
    complaint = complaint.removeprefix("string:")
    broken = BadStructureError(
        f"the CIF syntax is broken at line {complaint}" if complaint[:1].isdigit() else complaint
    )
    if len(re.findall(r"^\s*data_", text, flags=re.MULTILINE | re.IGNORECASE)) > 1:
        return with_text(
            unreadable(broken), text
        )  # pymatgen keeps the last of several blocks of one name and says nothing
    try:
        structure, holds, info = pymatgen_structure(text)
        crystal = from_structure(structure)
    except Exception:  # noqa: BLE001  pymatgen's parser raises anything; gemmi's complaint is the better sentence
        return with_text(unreadable(broken), text)
    return Parsed("", crystal, holds=("cif_syntax", *holds), info={**info, "cif_syntax": str(broken)})


def _has_atoms(block: gemmi.cif.Block) -> bool:
    tags = ("_atom_site_label", "_atom_site_type_symbol", "_atom_site_fract_x")
    return any(len(block.find_values(tag)) > 0 for tag in tags)


def _why_no_atoms(document: gemmi.cif.Document) -> str:
    if not len(document):
        return "the file is empty: it has no data block"
    if any(block.find_loop("_atom_site.id") or block.find_loop("_atom_site.Cartn_x") for block in document):
        return "it is a macromolecular CIF (mmCIF), which is not read"
    return "the structure has no atoms"


def _label(names: list[str], position: int) -> str:
    name = names[position] or str(position + 1)
    return name if names.count(names[position]) == 1 else f"{name}-{names[: position + 1].count(names[position])}"

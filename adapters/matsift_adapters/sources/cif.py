"""CIF: gemmi reads the syntax; what is plain is expanded here, what asks for a judgement is left to pymatgen."""

from __future__ import annotations

import re
import warnings
from typing import Any

import gemmi
from pymatgen.core import Structure
from pymatgen.io.cif import CifParser

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift_adapters.sources.cif_fast import OCCUPANCY_TOLERANCE, fast_reading
from matsift_adapters.sources.parsed import Parsed, unreadable
from matsift_adapters.sources.pymatgen_json import ISOTOPES, from_sites

_OCCUPANCY = re.compile(r"Occupancy ([\d.e+]+) exceeded tolerance\.")
_HOLD_OF_WARNING = {
    "implicit hydrogens": "implicit_hydrogens",
    "Missing elements": "formula_disagrees",
    "Incorrect stoichiometry": "formula_disagrees",
    "Defaulting to P1": "symmetry_assumed_p1",
    "sum to > 1": "occupancy_rescaled",
    " parsed as ": "element_guessed",
    "Pauling file corrections": "pauling_file_corrected",
}


def from_cif(text: str) -> list[Parsed]:
    """Return the structures of a CIF, one a block that holds atoms.

    Holds say what is doubtful: ``cif_syntax`` (gemmi refuses the syntax, pymatgen made out a structure),
    ``formula_disagrees``, ``implicit_hydrogens``, ``occupancy_rescaled``, ``element_guessed``,
    ``pauling_file_corrected``, ``cell_contradicts_symmetry`` (the operations change the cell by more than 2 %), and
    those of `matsift_adapters.sources.cif_symmetry.operations`.

    Raises
    ------
    BadStructureError
        If no block holds atoms.
    """
    try:
        document = gemmi.cif.read_string(text)
    except (ValueError, RuntimeError) as error:
        return [_tolerant(text, " ".join(str(error).split()))]
    blocks = [block for block in document if _has_atoms(block)]
    if not blocks:
        raise BadStructureError(_why_no_atoms(document))
    names = [block.name for block in blocks]
    return [_block(block, "" if len(blocks) == 1 else _label(names, position)) for position, block in enumerate(blocks)]


def to_cif(crystal: Crystal) -> str:
    """Return the CIF, with all atoms listed in P 1, of a crystal."""
    return str(crystal.to_pymatgen().to(fmt="cif", significant_figures=12))


def _block(block: gemmi.cif.Block, label: str) -> Parsed:
    if not block.find_value("_cell_length_a"):
        return unreadable(BadStructureError("the cell lengths are missing"), block=label)
    try:
        if (fast := fast_reading(block)) is not None:
            return Parsed(label, fast.crystal, holds=fast.holds, info=fast.info)
        crystal, holds, info = _expanded(block.as_string())
    except Exception as error:  # noqa: BLE001  pymatgen's parser raises anything from KeyError to ZeroDivisionError
        return unreadable(BadStructureError(_sentence(error)), block=label)
    return Parsed(label, crystal, holds=holds, info=info)


def _tolerant(text: str, complaint: str) -> Parsed:
    """Return what pymatgen makes of a text whose syntax is broken: only a single block can be told apart safely."""
    complaint = complaint.removeprefix("string:")
    broken = BadStructureError(
        f"the CIF syntax is broken at line {complaint}" if complaint[:1].isdigit() else complaint
    )
    if len(re.findall(r"^\s*data_", text, flags=re.MULTILINE | re.IGNORECASE)) > 1:
        return unreadable(broken)  # pymatgen keeps the last of several blocks of one name and says nothing
    try:
        crystal, holds, info = _expanded(text)
    except Exception:  # noqa: BLE001  pymatgen's parser raises anything; gemmi's complaint is the better sentence
        return unreadable(broken)
    return Parsed("", crystal, holds=("cif_syntax", *holds), info={**info, "cif_syntax": str(broken)})


def _expanded(text: str) -> tuple[Crystal, tuple[str, ...], dict[str, Any]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        parser = CifParser.from_str(text, occupancy_tolerance=OCCUPANCY_TOLERANCE)
        structures = parser.parse_structures(primitive=False, on_error="raise")
    if len(structures) > 1:
        raise BadStructureError("several blocks hold atoms and the syntax is broken, so they cannot be told apart")
    said = sorted({str(w.message) for w in caught} | set(parser.warnings))  # type: ignore[attr-defined]  # set by from_str
    holds = {hold for part, hold in _HOLD_OF_WARNING.items() if any(part in sentence for sentence in said)}
    info = {"parser_warnings": [" ".join(sentence.split())[:300] for sentence in said]} if holds else {}
    return from_structure(structures[0]), tuple(sorted(holds)), info


def from_structure(structure: Structure) -> Crystal:
    """Return the crystal of a pymatgen structure; oxidation states are dropped, D and T become H.

    Raises
    ------
    BadStructureError
        If it is not a crystal.
    """
    sites: list[dict[str, float]] = []
    for site in structure:
        occupants: dict[str, float] = {}
        for specie, occupancy in site.species.items():
            symbol = str(getattr(specie, "symbol", specie))
            symbol = ISOTOPES.get(symbol, symbol)
            occupants[symbol] = occupants.get(symbol, 0.0) + float(occupancy)
        sites.append(occupants)
    return from_sites(structure.lattice.matrix, sites, [site.frac_coords for site in structure])


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


def _sentence(error: Exception) -> str:
    if isinstance(error, BadStructureError):
        return str(error)
    cause = error.__cause__ or error
    if isinstance(cause, KeyError):
        return f"the item {cause.args[0]} is missing"
    told = str(cause).removeprefix("No structure parsed for section 1 in CIF.").strip()
    if match := _OCCUPANCY.fullmatch(told):
        return f"the occupancies of a site add up to {float(match[1]):.4g}, more than 1"
    if told.startswith("thickness="):
        return "the cell is flat: two of its faces lie closer than 0.01 angstrom"
    return f"no structure can be made of its cell, symmetry and atoms ({told or type(cause).__name__})"

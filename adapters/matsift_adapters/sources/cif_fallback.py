"""CIFs that ask for a judgement: pymatgen's parser makes a structure of them, holds say what it had to guess."""

from __future__ import annotations

import math
import re
import warnings
from typing import Any

import gemmi
from pymatgen.core import Structure
from pymatgen.io.cif import CifParser

from matsift.crystal import Crystal
from matsift.errors import BadStructureError
from matsift_adapters.sources.cif_fast import OCCUPANCY_TOLERANCE, Reading, cell_holds, far_outside
from matsift_adapters.sources.cif_mending import text_for_pymatgen
from matsift_adapters.sources.cif_stated import compare
from matsift_adapters.sources.cif_symbols import element_of_label, element_of_type
from matsift_adapters.sources.cif_symmetry import check_operations, operations
from matsift_adapters.sources.pymatgen_json import ISOTOPES, from_sites

_ANGLES = tuple(f"_cell_angle_{name}" for name in ("alpha", "beta", "gamma"))
_OCCUPANCY = re.compile(r"Occupancy ([\d.e+]+) exceeded tolerance\.")
_ENDLESS = re.compile(r"\d[\d.]{199}")  # pymatgen's expressions take minutes for it
_NO_NUMBER = re.compile(r"could not convert string to float: '(.*)'")
_OPEN = frozenset({"?", "."})
_PLAIN_SENTENCES = {
    "thickness=": "the cell is flat: two of its faces lie closer than 0.01 angstrom",
    "Invalid CIF file with no structures!": "no atom is left: none has an element and an occupancy above 0",
    "cannot convert float": "a coordinate is not a finite number",
    "cannot reshape array of size 1": "the cell angles are missing",
}
_HOLD_OF_WARNING = {
    "implicit hydrogens": "implicit_hydrogens",
    "Missing elements": "formula_disagrees",
    "Incorrect stoichiometry": "formula_disagrees",
    "Defaulting to P1": "symmetry_assumed_p1",
    "sum to > 1": "occupancy_rescaled",
    " parsed as ": "element_guessed",
    "Pauling file corrections": "pauling_file_corrected",
}


def judged_reading(block: gemmi.cif.Block, *, is_magnetic: bool = False) -> Reading:
    """Return what pymatgen makes of a block, with holds for all that it guessed or left out.

    Beside those of pymatgen's own warnings: ``element_guessed`` (a label or type is no plain element),
    ``atoms_left_out`` (no element at all, or an occupancy below 0), ``coordinates_assumed`` (``.`` taken for 0),
    ``occupancy_assumed`` (one is no number), ``cell_angles_assumed`` (from the crystal system), ``operation_guessed``
    (an operation that gemmi refuses or reads otherwise), ``coordinates_outside_cell``, and those of `operations`,
    `cell_holds` and `compare`.

    Raises
    ------
    Exception
        Whatever pymatgen's parser raises; `sentence` tells it.
    """
    symmetry = None if is_magnetic else operations(block)
    if symmetry is None and not is_magnetic:
        check_operations(block)
    structure, holds, info = pymatgen_structure(text_for_pymatgen(block))
    crystal = from_structure(structure)
    of_symmetry: tuple[str, ...] = () if is_magnetic else ("operation_guessed",)
    if symmetry is not None:
        of_symmetry = (*symmetry.holds, *cell_holds(crystal.lattice, symmetry))
    comparison = compare(block, structure.composition.remove_charges().as_dict(), crystal.volume)
    doubts = {*holds, *of_symmetry, *_of_atoms(block), *comparison.holds}
    if any((block.find_value(tag) or "?") in _OPEN for tag in _ANGLES):
        doubts.add("cell_angles_assumed")
    return Reading(crystal, tuple(sorted(doubts)), {**info, **comparison.info})


def pymatgen_structure(text: str) -> tuple[Structure, tuple[str, ...], dict[str, Any]]:
    """Return the one structure that pymatgen makes of a text, the holds of its warnings, and these.

    Raises
    ------
    Exception
        Whatever pymatgen's parser raises; `sentence` tells it.
    """
    if _ENDLESS.search(text):
        raise BadStructureError("there is a number of 200 digits in it, or of more")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        parser = CifParser.from_str(text, occupancy_tolerance=OCCUPANCY_TOLERANCE)
        structures = parser.parse_structures(primitive=False, on_error="raise")
    if len(structures) > 1:
        raise BadStructureError("several blocks hold atoms and the syntax is broken, so they cannot be told apart")
    said = sorted({str(w.message) for w in caught} | set(parser.warnings))  # type: ignore[attr-defined]  # set by from_str
    holds = {hold for part, hold in _HOLD_OF_WARNING.items() if any(part in sentence for sentence in said)}
    info = {"parser_warnings": [" ".join(sentence.split())[:300] for sentence in said]} if holds else {}
    return structures[0], tuple(sorted(holds)), info


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


def sentence(error: Exception) -> str:
    """Return in one sentence why there is no structure."""
    if isinstance(error, BadStructureError):
        return str(error)
    cause = error.__cause__ or error
    if isinstance(cause, KeyError):
        return f"the item {cause.args[0]} is missing"
    told = str(cause).removeprefix("No structure parsed for section 1 in CIF.").strip()
    if match := _OCCUPANCY.fullmatch(told):
        return f"the occupancies of a site add up to {float(match[1]):.4g}, more than 1"
    if match := _NO_NUMBER.search(told):
        return f"where a number must stand for the cell or an atom there is {match[1]!r}"
    for beginning, plain in _PLAIN_SENTENCES.items():
        if told.startswith(beginning):
            return plain
    return f"no structure can be made of its cell, symmetry and atoms ({told or type(cause).__name__})"


def _of_atoms(block: gemmi.cif.Block) -> set[str]:
    """Return what is doubtful about the atoms of a block that pymatgen's parser has read."""
    holds = set()
    types, labels = block.find_values("_atom_site_type_symbol"), block.find_values("_atom_site_label")
    names = [gemmi.cif.as_string(text) for text in (types or labels)]
    element_of = element_of_type if types else element_of_label
    if any(element_of(name) is None for name in names):
        holds.add("element_guessed")
    occupancies = [gemmi.cif.as_number(text) for text in block.find_values("_atom_site_occupancy")]
    if any(_is_dropped(name) for name in names) or any(value < 0 for value in occupancies):
        holds.add("atoms_left_out")
    if any(map(math.isnan, occupancies)):
        holds.add("occupancy_assumed")
    places = [text for axis in "xyz" for text in block.find_values(f"_atom_site_fract_{axis}")]
    if "." in places:
        holds.add("coordinates_assumed")
    if far_outside([gemmi.cif.as_number(text, 0.0) for text in places]):
        holds.add("coordinates_outside_cell")
    return holds


def _is_dropped(name: str) -> bool:
    """Return whether pymatgen's parser makes no element of a label or type, and goes on without the atom."""
    parser: Any = CifParser.__new__(CifParser)
    parser.warnings = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return not name or not parser._parse_symbol(name)  # noqa: SLF001  only itself knows what it drops

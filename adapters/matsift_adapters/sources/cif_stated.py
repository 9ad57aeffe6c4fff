"""What a CIF states of its structure, held against the structure that was made of it: formula, contents, volume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gemmi

from matsift_adapters.sources.cif_symbols import formula_amounts, formula_ratio
from matsift_adapters.sources.pymatgen_json import ISOTOPES

#: How far the number of formula units and the volume may differ from what is stated, relative.
_UNITS_TOLERANCE = 0.02
_VOLUME_TOLERANCE = 0.01


@dataclass
class Comparison:
    """What disagrees, by name of hold, and what was stated and found, as plain JSON."""

    holds: set[str] = field(default_factory=set)
    info: dict[str, Any] = field(default_factory=dict)


def formula_of(block: gemmi.cif.Block) -> str:
    """Return the formula that a block states, empty where it states none."""
    stated = block.find_value("_chemical_formula_sum") or block.find_value("_chemical_formula_structural") or "?"
    return " ".join(gemmi.cif.as_string(stated).split())


def compare(block: gemmi.cif.Block, amounts: Mapping[str, float], volume: float) -> Comparison:
    """Return where a block disagrees with the amounts of elements in a cell and its volume in cubic angstrom.

    Holds: ``formula_disagrees`` (the formula, if it is a plain sum, is no multiple of the amounts),
    ``formula_units_disagree`` (the cell does not hold Z of it, within 2 %), ``volume_disagrees`` (by more than 1 %).
    """
    found = Comparison()
    formula = formula_of(block)
    plain = formula_amounts(formula)
    if plain is not None:
        stated, amounts = _without_isotopes(plain), _without_isotopes(amounts)
        ratio = formula_ratio(stated, amounts)
        if ratio is None:
            found.holds.add("formula_disagrees")
            contents = " ".join(f"{symbol}{amount:g}" for symbol, amount in sorted(amounts.items()))
            found.info["formula"] = {"stated": formula, "found": contents}
        elif (units := _number(block, "_cell_formula_units_Z")) and not _units_agree(block, stated, ratio, units):
            found.holds.add("formula_units_disagree")
            found.info["formula_units"] = {"stated": units, "found": round(ratio, 6)}
    if (cell := _number(block, "_cell_volume")) and abs(volume / cell - 1) > _VOLUME_TOLERANCE:
        found.holds.add("volume_disagrees")
        found.info["volume_angstrom3"] = {"stated": cell, "found": round(volume, 4)}
    return found


def _without_isotopes(amounts: Mapping[str, float]) -> Mapping[str, float]:
    """Return amounts of elements, D and T counted as H."""
    if ISOTOPES.keys().isdisjoint(amounts):
        return amounts
    merged: dict[str, float] = {}
    for symbol, amount in amounts.items():
        element = ISOTOPES.get(symbol, symbol)
        merged[element] = merged.get(element, 0.0) + amount
    return merged


def _units_agree(block: gemmi.cif.Block, stated: Mapping[str, float], ratio: float, units: float) -> bool:
    """Return whether a cell that holds a formula so many times has the Z that is stated.

    Pymatgen writes the whole cell as the sum formula, and Z of the structural formula beside it.
    """
    if abs(ratio / units - 1) <= _UNITS_TOLERANCE:
        return True
    is_whole_cell = abs(ratio - 1) <= _UNITS_TOLERANCE and block.find_value("_chemical_formula_structural") is not None
    return is_whole_cell and all(abs(amount / units - round(amount / units)) < 0.01 for amount in stated.values())


def _number(block: gemmi.cif.Block, tag: str) -> float | None:
    """Return a positive number that a block states, None where it states none."""
    text = block.find_value(tag)
    value = gemmi.cif.as_number(text) if text else 0.0
    return value if value > 0 else None

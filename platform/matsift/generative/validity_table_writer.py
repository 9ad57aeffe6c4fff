"""How `validity_elements.csv` is written: from the tables of the package smact, which only this module asks.

``python -m matsift.generative.validity_table_writer`` writes it anew; a test compares it with the installed smact.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from matsift.crystal import ELEMENT_SYMBOLS
from matsift.generative.validity_table import N_ELEMENT, STATE_SETS, TABLE


def table_text() -> str:
    """Return the table, one row an element of Z from 1 to 103; needs the package smact."""
    from smact import Element, metals  # noqa: PLC0415  only needed to write the table
    from smact.screening import MIXED_VALENCE_ELEMENTS  # noqa: PLC0415
    from smact.utils.oxidation import ICSD24OxStatesFilter  # noqa: PLC0415

    reports = ICSD24OxStatesFilter().filter(consensus=3, include_zero=False, commonality="low")
    default = {
        element: [int(state) for state in str(states).split()]
        for element, states in zip(reports["element"], reports["oxidation_state"], strict=True)
    }
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["symbol", "electronegativity", "metal", "mixed_valence", *STATE_SETS])
    for symbol in ELEMENT_SYMBOLS[:N_ELEMENT]:
        element = Element(symbol)
        sets = {
            "smact14": element.oxidation_states_smact14,
            "icsd24": element.oxidation_states_icsd24,
            "icsd24_default": default.get(symbol),
        }
        affinity = "" if element.pauling_eneg is None else f"{element.pauling_eneg:g}"
        is_metal, is_mixed = int(symbol in metals), int(symbol in MIXED_VALENCE_ELEMENTS)
        writer.writerow([symbol, affinity, is_metal, is_mixed, *(_written(sets[name]) for name in STATE_SETS)])
    return stream.getvalue()


def _written(states: Iterable[int] | None) -> str:
    return " ".join(f"{state:+d}" if state else "0" for state in states or ())


if __name__ == "__main__":
    Path(__file__).with_name(TABLE).write_text(table_text(), encoding="utf-8")

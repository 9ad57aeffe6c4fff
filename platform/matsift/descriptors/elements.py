"""Tables of elemental properties as arrays indexed by atomic number: Magpie's, as matminer ships them, and pymatgen's.

Where a table has no value for an element it holds the mean over the elements that have one, as matminer's
``impute_nan=True`` does.
"""

from __future__ import annotations

import importlib.util
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

#: Rows of every table: atomic numbers 0 (none) to 118.
N_ELEMENT = 119

#: The 22 properties of Ward's sets (npj Comput. Mater. 2, 16028; Phys. Rev. B 96, 024104), in their order.
MAGPIE_PROPERTIES = (
    "Number",
    "MendeleevNumber",
    "AtomicWeight",
    "MeltingT",
    "Column",
    "Row",
    "CovalentRadius",
    "Electronegativity",
    "NsValence",
    "NpValence",
    "NdValence",
    "NfValence",
    "NValence",
    "NsUnfilled",
    "NpUnfilled",
    "NdUnfilled",
    "NfUnfilled",
    "NUnfilled",
    "GSvolume_pa",
    "GSbandgap",
    "GSmagmom",
    "SpaceGroupNumber",
)


@cache
def atomic_numbers() -> dict[str, int]:
    """Return the atomic number of each element symbol; D and T are hydrogen."""
    from pymatgen.core import Element  # noqa: PLC0415  pymatgen takes a second to import

    return {Element.from_Z(z).symbol: z for z in range(1, N_ELEMENT)} | {"D": 1, "T": 1}


@cache
def atomic_masses() -> NDArray[np.float64]:
    """Return the atomic masses (119,) in u."""
    from pymatgen.core import Element  # noqa: PLC0415

    return np.array([0.0] + [float(Element.from_Z(z).atomic_mass) for z in range(1, N_ELEMENT)])


@cache
def magpie_table() -> NDArray[np.float64]:
    """Return the Magpie properties (119, 22) in the order of `MAGPIE_PROPERTIES`; row 0 is NaN."""
    columns = [_read_table(name) for name in MAGPIE_PROPERTIES]
    return np.stack([_imputed(column) for column in columns], axis=1)


@cache
def pauling_electronegativities() -> NDArray[np.float64]:
    """Return pymatgen's Pauling electronegativities (119,), which matminer uses for ionic character."""
    from pymatgen.core import Element  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pymatgen warns about each noble gas; those are imputed
        values = [np.nan] + [float(Element.from_Z(z).X or np.nan) for z in range(1, N_ELEMENT)]
    return _imputed(np.array(values))


@cache
def common_oxidation_states() -> NDArray[np.float64]:
    """Return pymatgen's common oxidation states (119, most an element has), padded by NaN; noble gases have none."""
    from pymatgen.core import Element  # noqa: PLC0415

    states = [(), *(Element.from_Z(z).common_oxidation_states for z in range(1, N_ELEMENT))]
    table = np.full((N_ELEMENT, max(map(len, states))), np.nan)
    for z, options in enumerate(states):
        table[z, : len(options)] = options
    return table


def _read_table(name: str) -> NDArray[np.float64]:
    """Return one Magpie table (119,): a line an element from hydrogen on, NaN where a line is no number."""
    spec = importlib.util.find_spec("matminer")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "utils" / "data_files" / "magpie_elementdata"
    values = np.full(N_ELEMENT, np.nan)
    for z, line in enumerate((folder / f"{name}.table").read_text().splitlines()[: N_ELEMENT - 1], start=1):
        try:
            values[z] = float(line)
        except ValueError:
            continue
    return values


def _imputed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    filled = np.where(np.isnan(values), np.nanmean(values), values)
    filled[0] = np.nan
    return filled

"""Parameters of the soft bond-valence force field for cations beside O2-, from the table that ships with matsift.

`oxide_ions.csv` is written by ``python -m matsift.bond_valence`` (sources: docs/softbv.md).
"""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from matsift.errors import UserInputError

TABLE = "oxide_ions.csv"

#: Softness and principal quantum number of O2- in the parameter set.
OXYGEN_SOFTNESS = 0.14752
OXYGEN_N = 2
OXYGEN_VALENCE = -2

#: Ions whose published parameters contradict one another: their r_min does not follow from their r0 and b.
INCONSISTENT = frozenset({("Re", 3)})


class NoIonParametersError(UserInputError):
    """The force field has no parameters for an ion, or for any ion of an element, in an oxide."""

    def __init__(
        self, symbol: str, oxidation: int | None = None, missing: str = "bond-valence parameters beside O2-"
    ) -> None:
        named = ", ".join(ion_name(symbol, state) for state in oxidation_states(symbol))
        remedy = f"; of {symbol} there is {named}" if named else ""
        asked = f"the element {symbol}" if oxidation is None else ion_name(symbol, oxidation)
        super().__init__(f"{asked} has no {missing}{remedy}")
        self.symbol, self.oxidation = symbol, oxidation


@dataclass(frozen=True)
class Ion:
    """A cation beside O2-: what its bonds and repulsions are computed from.

    Parameters
    ----------
    symbol, oxidation
        Element and oxidation state.
    r0, b
        Bond-valence parameters, angstrom.
    d0, r_min
        Depth (eV) and place (angstrom) of the lowest energy of a bond.
    coordination
        Preferred coordination number of the parameter set, NC.
    r_cut
        Distance up to which oxygen counts as bonded, angstrom.
    n
        Principal quantum number of the valence shell, by which valences become charges.
    block
        "sp", "d" or "f".
    r_cov
        Covalent radius in the screening length, angstrom.
    softness
        Softness of the parameter set, 1/eV.
    r_shannon, shannon_coordination
        Ionic radius for six neighbours (high spin), angstrom, or for the number nearest to six that Shannon gives;
        NaN and 0 if he gives none.
    source
        Where r0, b, d0, r_min, n and r_cov were read.
    """

    symbol: str
    oxidation: int
    r0: float
    b: float
    d0: float
    r_min: float
    coordination: float
    r_cut: float
    n: int
    block: str
    r_cov: float
    softness: float
    r_shannon: float
    shannon_coordination: int
    source: str


def ion(symbol: str, oxidation: int) -> Ion:
    """Return the parameters of a cation beside O2-.

    Raises
    ------
    NoIonParametersError
        If the table does not hold the ion.
    """
    key = (symbol, int(oxidation))
    if key in INCONSISTENT or key not in published_ions():
        raise NoIonParametersError(*key)
    return published_ions()[key]


@cache
def known_ions() -> tuple[tuple[str, int], ...]:
    """Return the symbols and oxidation states of all cations that `ion` answers for, by symbol and state."""
    return tuple(sorted(set(published_ions()) - INCONSISTENT))


@cache
def oxidation_states(symbol: str) -> tuple[int, ...]:
    """Return the oxidation states of an element that have parameters, lowest first; none for an unknown element."""
    return tuple(state for name, state in known_ions() if name == symbol)


def shannon_radius(symbol: str, oxidation: int) -> float:
    """Return the ionic radius of a cation for six neighbours in angstrom, or for the number nearest to six.

    Raises
    ------
    NoIonParametersError
        If the table does not hold the ion, or Shannon gives no radius for it.
    """
    radius = ion(symbol, oxidation).r_shannon
    if math.isnan(radius):
        raise NoIonParametersError(symbol, oxidation, "Shannon radius")
    return radius


def ion_name(symbol: str, oxidation: int) -> str:
    """Return an ion as it is written, such as ``Ti4+``."""
    return f"{symbol}{abs(oxidation)}{'+' if oxidation >= 0 else '-'}"


def read_ion(name: str) -> Ion:
    """Return the parameters of a cation by its written name, such as ``Ti4+``.

    Raises
    ------
    UserInputError
        If the name is not that of an ion.
    NoIonParametersError
        If the table does not hold it.
    """
    if not (found := re.fullmatch(r"([A-Z][a-z]?)([1-9])\+", name.strip())):
        raise UserInputError(f"{name!r} is not a cation; write it as Ti4+ or Na1+")
    return ion(found[1], int(found[2]))


@cache
def ion_table_hash() -> str:
    """Return the SHA-256 of the table, which whatever is computed from it depends on."""
    return hashlib.sha256(files("matsift.bond_valence").joinpath(TABLE).read_bytes()).hexdigest()


@cache
def published_ions() -> Mapping[tuple[str, int], Ion]:
    """Return all rows of the table by symbol and oxidation state, the inconsistent ones included."""
    text = files("matsift.bond_valence").joinpath(TABLE).read_text(encoding="utf-8")
    kinds = {field.name: {"int": int, "float": float, "str": str}[str(field.type)] for field in fields(Ion)}
    rows = csv.DictReader(text.splitlines())
    ions = [Ion(**{name: kinds[name](value) for name, value in row.items()}) for row in rows]
    return MappingProxyType({(ion.symbol, ion.oxidation): ion for ion in ions})

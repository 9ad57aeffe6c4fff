"""An oxide that somebody asks about: from its formula to the ions on its sites, and how far it is from known ones."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.bond_valence.decorations import larger_first
from matsift.bond_valence.ion_pairs import STOICHIOMETRY, IonPair, NoIonPairError, balanced_pairs
from matsift.bond_valence.parameters import ion_name, oxidation_states, read_ion
from matsift.bond_valence.prototype_match import NoPrototypeError
from matsift.crystal import ELEMENT_SYMBOLS
from matsift.errors import UserInputError

_TERM = re.compile(r"([A-Z][a-z]?)(\d*)")
_EXAMPLES = {"perovskite": "SrTiO3", "spinel": "MgAl2O4"}
_MOST_DIGITS = 4
_SHOWN = 40
#: Share of the known oxides whose nearest neighbour is nearer than what still counts as near.
NEAR_SHARE = 0.95


def read_formula(formula: str) -> dict[str, int]:
    """Return element -> atoms in the reduced formula of a text such as ``SrHfO3`` or ``Sr2Hf2O6``.

    Raises
    ------
    UserInputError
        If it is no formula of elements with whole numbers.
    """
    text = "".join(formula.split())
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    if not re.fullmatch(rf"(?:[A-Z][a-z]?\d{{0,{_MOST_DIGITS}}})+", text):
        raise UserInputError(
            f"{shown!r} is not a formula; write element symbols with whole numbers, for example SrHfO3"
        )
    counts: dict[str, int] = {}
    for symbol, digits in _TERM.findall(text):
        if symbol not in ELEMENT_SYMBOLS:
            raise UserInputError(f"{symbol!r} in {shown} is not a chemical element; write for example SrHfO3")
        counts[symbol] = counts.get(symbol, 0) + int(digits or 1)
    if not all(counts.values()):
        raise UserInputError(f"{shown} counts an element zero times; leave it out")
    divisor = math.gcd(*counts.values())
    return {symbol: n // divisor for symbol, n in counts.items()}


def ion_pair(formula: str, prototype: str, ions: Sequence[str] = ()) -> IonPair:
    """Return the ions of an oxide on the sites of a prototype; the larger one is A of a perovskite.

    Parameters
    ----------
    formula
        Such as ``SrHfO3``; the order of the elements does not matter.
    prototype
        ``perovskite`` or ``spinel``.
    ions
        The two cations as they are written (``Fe2+``), where several oxidation states balance.

    Raises
    ------
    UserInputError
        If the formula is none, does not fit the prototype, has no ions with parameters that balance, or several.
    """
    if prototype not in STOICHIOMETRY:
        raise NoPrototypeError(prototype)
    a, b = _sites(formula, prototype)
    pairs = {larger_first(p) if prototype == "perovskite" else p: None for p in balanced_pairs(prototype, a, b)}
    for symbol in (a, b):
        if not oxidation_states(symbol):
            raise UserInputError(
                f"the force field has no parameters for any ion of {symbol} in oxides, so {formula} cannot be relaxed"
            )
    if not pairs:
        raise NoIonPairError(prototype, a, b)
    if ions:
        wanted = sorted(ion_name(ion.symbol, ion.oxidation) for ion in map(read_ion, ions))
        chosen = [pair for pair in pairs if sorted(_names(pair)) == wanted]
        if not chosen:
            raise UserInputError(f"{formula} does not balance with {' and '.join(ions)}; it does as {_listed(pairs)}")
        return chosen[0]
    if len(pairs) > 1:
        first = " ".join(_names(next(iter(pairs))))
        raise UserInputError(f"{formula} balances as {_listed(pairs)}; say which with --ions, for example '{first}'")
    return next(iter(pairs))


@dataclass(frozen=True)
class Familiarity:
    """How near a row of descriptors is to those that a model has learned from.

    `nearest` is the position of the nearest row and `distance` its distance, in standard deviations of the columns
    (root of the sum of squares); `usual` is what `NEAR_SHARE` of the known rows stay below; `outside` names the columns
    in which the row lies beyond all known ones.
    """

    nearest: int
    distance: float
    usual: float
    outside: tuple[str, ...]

    @property
    def is_extrapolation(self) -> bool:
        """Whether the model is asked about something unlike all that it knows."""
        return bool(self.outside) or self.distance > self.usual


def familiarity(row: NDArray[np.float64], known: NDArray[np.float64], columns: Sequence[str]) -> Familiarity:
    """Return how near a row (d,) is to known rows (n, d), n > 1; columns that never change count only if it differs."""
    spread = known.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    distances = np.linalg.norm((known - row) / scale, axis=1)
    apart = np.linalg.norm((known[:, None, :] - known[None, :, :]) / scale, axis=2)
    np.fill_diagonal(apart, np.inf)
    beyond = (row < known.min(axis=0)) | (row > known.max(axis=0))
    nearest = int(np.argmin(distances))
    return Familiarity(
        nearest,
        float(distances[nearest]),
        float(np.quantile(apart.min(axis=1), NEAR_SHARE)),
        tuple(name for name, is_beyond in zip(columns, beyond, strict=True) if is_beyond),
    )


def _sites(formula: str, prototype: str) -> tuple[str, str]:
    """Return the elements on A and B; of a perovskite in any order."""
    counts = read_formula(formula)
    n_a, n_b, n_oxygen = STOICHIOMETRY[prototype]
    oxygens, cations = counts.pop("O", 0), counts
    if oxygens == n_oxygen:
        if sorted(cations.values()) == [n_a, n_b]:
            a, b = sorted(cations, key=lambda symbol: (cations[symbol], symbol))
            return a, b
        if prototype == "spinel" and list(cations.values()) == [n_a + n_b]:
            only = next(iter(cations))
            return only, only
    wanted = (
        f"{prototype}: it takes two cations and oxygen as {n_a} to {n_b} to {n_oxygen}, like {_EXAMPLES[prototype]}"
    )
    raise UserInputError(f"{formula} does not fit a {wanted}")


def _names(pair: IonPair) -> tuple[str, str]:
    return ion_name(pair.a.symbol, pair.a.oxidation), ion_name(pair.b.symbol, pair.b.oxidation)


def _listed(pairs: dict[IonPair, None]) -> str:
    return " or ".join(" ".join(_names(pair)) for pair in pairs)
